"""Notebooks that are prepared while others are at work, and kernels that are started early."""

from contextlib import contextmanager, suppress

import psutil
import pytest
from running import make, posix, printed

from cifarlib.runner.plan import NotebookLimits, plan
from cifarlib.runner.signals import Stop
from cifarlib.runner.supervise import supervise

pytestmark = [pytest.mark.process, posix]
SLOW = "import keras"


def job(folder, *cells):
    path = make(folder, "01_a", *cells)
    (task,) = plan([str(path)], profile="smoke", seeds=[0], out=folder / "out").tasks
    return task.job()


def said(job):
    return printed(job.group, job.slug)


def processes(word):
    """Return the children of this process, and theirs, that run a module of the runner."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if f"cifarlib.runner.{word}" in process.cmdline():
                found.append(process)
    return found


def kill_and_wait(process):
    process.kill()
    while process.status() != psutil.STATUS_ZOMBIE:  # its own parent looks after it later
        pass


@contextmanager
def turn(act):
    act()
    yield None


def run(job, act=lambda: None, stop=None):
    return supervise(job, {}, NotebookLimits(), stop or Stop(), turn(act))


def test_a_kernel_has_imported_what_is_slow_and_what_the_notebook_wants(tmp_path):
    asks = "import sys\nprint('keras' in sys.modules)"
    wanted = job(tmp_path / "a", asks, SLOW)
    assert run(wanted)["state"] == "ok"
    assert said(wanted) == "True\n"
    other = job(tmp_path / "b", asks, "'import keras is for others'")
    assert run(other)["state"] == "ok"
    assert said(other) == "False\n"


def test_a_kernel_works_in_the_notebooks_folder(tmp_path):
    wanted = job(tmp_path, "import os, beside\nprint(os.getcwd(), beside.__file__)", SLOW)
    (tmp_path / "beside.py").write_text("")
    assert run(wanted)["state"] == "ok"
    assert said(wanted) == f"{tmp_path} {tmp_path / 'beside.py'}\n"


def test_a_module_that_fails_to_import_is_the_notebooks_affair(tmp_path, monkeypatch):
    monkeypatch.setattr("cifarlib.runner.cells.SLOW_MODULES", ("no_such_module",))
    wanted = job(tmp_path, "import no_such_module")
    assert run(wanted)["failure"]["traceback"].endswith("No module named 'no_such_module'")


def test_nothing_is_touched_before_it_is_a_notebooks_turn(tmp_path):
    wanted = job(tmp_path, "print(1)")
    assert run(wanted)["state"] == "ok"
    folder = tmp_path / "out" / "01_a"
    names = ("journal.json", "log.txt", "01_a.ipynb", "01_a.html")
    before = {name: (folder / name).stat().st_mtime_ns for name in names}
    seen = []

    def look():
        seen.append(processes("worker"))
        assert {name: (folder / name).stat().st_mtime_ns for name in names} == before

    assert run(wanted, look)["state"] == "ok"
    assert seen[0], "a worker waits"
    assert (folder / "journal.json").stat().st_mtime_ns > before["journal.json"]
    assert sorted(p.name for p in folder.iterdir()) == sorted(names)


def test_a_stop_before_its_turn_leaves_nothing(tmp_path):
    stop = Stop()
    wanted = job(tmp_path, "print(1)")

    def ask():
        stop.requests = 1

    journal = run(wanted, ask, stop)
    assert journal["state"] == "not run"
    assert list((tmp_path / "out" / "01_a").iterdir()) == []
    assert not processes("kernel_prestart")


def test_a_worker_that_dies_before_its_turn_is_said_to_be_dead(tmp_path):
    wanted = job(tmp_path, "print(1)")

    def kill():
        for process in processes("worker"):
            kill_and_wait(process)

    journal = run(wanted, kill)
    assert journal["state"] == "died"
    assert "exit code -9" in journal["failure"]["traceback"]


def test_a_kernel_that_dies_before_its_turn_is_replaced(tmp_path):
    wanted = job(tmp_path, "print(1)")

    def kill():
        while not (mine := processes("kernel_prestart")):
            pass
        kill_and_wait(mine[0])

    assert run(wanted, kill)["state"] == "ok"
    assert said(wanted) == "1\n"
