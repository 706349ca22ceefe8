"""`cifarlib run` when things go wrong around it; wrong notebooks are in test_run.py."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from running import go, make, posix, printed, read_json
from waiting import GUARD, alive, wait_for

from cifarlib.runner import supervise

RUN = (
    "import re, sys; from cifarlib.cli import main; code = main(sys.argv[1:]); "
    "status = open('/proc/self/status').read(); "  # getrusage counts the parent's memory, too
    "print(int(re.search(r'VmHWM:\\s*(\\d+)', status)[1]) >> 10); sys.exit(code)"
)


def start(folder, *words):
    """Start `cifarlib run`; its last line of output is its largest memory in MB."""
    command = [sys.executable, "-c", RUN, "run", "--profile", "smoke", "--out", "out", *words]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


class Troubled:
    """One run, two at a time, of notebooks that want too much, beside a good one."""

    def __init__(self, folder: Path):
        make(folder, "01_eats", "print('before')", "all = [b'x' * 10_000_000 for _ in range(900)]")
        talk = "for _ in range(200):\n    print('x' * 1_000_000)"
        make(folder, "03_talks", talk, "print('the end')")
        make(
            folder,
            "04_deletes",
            f"import shutil; shutil.rmtree({str(folder / 'out' / '04_deletes')!r})",
            "print('after')",
        )
        make(folder, "05_good", "print('good')")
        names = [str(path) for path in sorted(folder.glob("*.ipynb"))]
        process = start(folder, *names, "--jobs", "2", "--memory", "1.5")
        self.text, self.errors = process.communicate(timeout=GUARD)
        self.code, self.out = process.returncode, folder / "out"

    def journal(self, slug):
        return read_json(self.out / slug / "journal.json")


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    return Troubled(tmp_path_factory.mktemp("troubled"))


@pytest.mark.process
def test_each_has_its_state_and_the_others_are_well(troubled):
    assert troubled.code == 1, troubled.errors
    entries = read_json(troubled.out / "manifest.json")["notebooks"]
    assert {e["slug"]: e["state"] for e in entries} == {
        "01_eats": "memory",
        "03_talks": "ok",
        "04_deletes": "failed",
        "05_good": "ok",
    }


@pytest.mark.process
def test_a_memory_eater_is_stopped_and_its_beginning_kept(troubled):
    failure = troubled.journal("01_eats")["failure"]
    assert "1.5 GB are allowed. (--memory)" in failure["traceback"]
    assert failure["cell"] == 4
    assert "before" in printed(troubled.out, "01_eats")


@pytest.mark.process
def test_an_endless_loop_is_stopped_and_its_beginning_kept(tmp_path, monkeypatch, capsys):
    """Its minutes are over as soon as it is in its loop, however long it was on its way there."""
    began = tmp_path / "began"
    loop = f"from pathlib import Path\nPath({str(began)!r}).touch()\nwhile True:\n    pass"
    loops = make(tmp_path, "01_loops", "print('before')", loop)
    good = make(tmp_path, "02_good", "print('good')")
    exceeded = supervise._exceeded

    def exceeded_in_its_loop(limits, job, pid, since):
        if job.slug == "01_loops" and began.exists():
            since = float("-inf")
        return exceeded(limits, job, pid, since)

    monkeypatch.setattr(supervise, "_exceeded", exceeded_in_its_loop)
    out = tmp_path / "out"
    assert go([loops, good], out, jobs=2, minutes=60) == 1
    entries = read_json(out / "manifest.json")["notebooks"]
    assert {e["slug"]: e["state"] for e in entries} == {"01_loops": "timeout", "02_good": "ok"}
    failure = read_json(out / "01_loops" / "journal.json")["failure"]
    assert "longer than the 60 minutes allowed. (--minutes)" in failure["traceback"]
    assert "before" in printed(out, "01_loops")


@pytest.mark.process
def test_200_mb_of_output_are_cut_and_the_parent_stays_small(troubled):
    text = printed(troubled.out, "03_talks")
    assert 19_000_000 < len(text) < 21_000_000
    assert "[cifarlib: output cut, 20,000,000 characters are the most]" in text[-200:]
    assert int(troubled.text.splitlines()[-1]) < 500


@pytest.mark.process
def test_a_deleted_folder_fails_one_notebook(troubled):
    failure = troubled.journal("04_deletes")["failure"]
    assert "04_deletes" in failure["traceback"]
    assert "Traceback" not in failure["traceback"]


@pytest.mark.process
def test_a_run_goes_on_where_the_last_one_was_killed(tmp_path):
    """SIGKILL leaves no time to tidy up: kernels end by themselves, and nothing is lost twice."""
    book = tmp_path / "notebooks"
    make(book, "01_good", "print('good')")
    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; "
    child += "time.sleep(600)'], start_new_session=True)"
    waits = "from pathlib import Path\nPath('pid').touch()\nimport time; time.sleep(600)"
    make(book, "02_waits", child, waits)
    process = start(tmp_path)
    wait_for(lambda: (book / "pid").exists() or process.poll() is not None)
    family = psutil.Process(process.pid).children(recursive=True)
    scratch = read_json(tmp_path / "out" / "02_waits" / "journal.json")["scratch"]
    strays = [p for p in psutil.process_iter() if _scratch(p) == scratch]
    assert len(strays) >= 3  # worker, kernel, and what the notebook started
    process.kill()
    process.communicate()
    wait_for(lambda: not alive(family))
    assert read_json(tmp_path / "out" / "01_good" / "journal.json")["state"] == "ok"

    journal = tmp_path / "out" / "02_waits" / "journal.json"  # as if the worker was killed too
    journal.write_text(json.dumps(read_json(journal) | {"state": "running", "scratch": scratch}))
    make(book, "02_waits", "print('now')")
    again = start(tmp_path)
    text, errors = again.communicate(timeout=GUARD)
    assert again.returncode == 0, errors
    assert "1 to run, 1 reused" in text
    assert "02_waits" in text
    assert "stopped in the middle last time" in text
    assert not alive(strays)
    assert not Path(scratch).exists()


def _scratch(process):
    try:
        return process.environ().get("CIFARLIB_SCRATCH")
    except (psutil.Error, OSError):
        return None


@pytest.mark.process
@posix
def test_two_runs_do_not_meet_in_a_folder_and_sigterm_stops_all_notebooks(tmp_path):
    book = tmp_path / "notebooks"
    for name in ("01_one", "02_two"):
        waits = f"from pathlib import Path\nPath('{name}').touch()\nimport time; time.sleep(600)"
        make(book, name, "print('first')", waits)
    first = start(tmp_path, "--jobs", "2")
    wait_for(lambda: (book / "01_one").exists() and (book / "02_two").exists())
    out, before = tmp_path / "out", (tmp_path / "out" / "manifest.json").read_bytes()
    second = start(tmp_path)
    _, errors = second.communicate(timeout=GUARD)
    assert second.returncode == 2
    assert f"Another `cifarlib run` is at work in {out} (process {first.pid})" in errors
    assert (out / "manifest.json").read_bytes() == before

    family = psutil.Process(first.pid).children(recursive=True)
    assert len(family) >= 4  # two workers and their kernels
    first.send_signal(signal.SIGTERM)
    _, errors = first.communicate(timeout=GUARD)
    assert first.returncode == 143, errors
    assert not alive(family)
    entries = read_json(out / "manifest.json")["notebooks"]
    assert [e["state"] for e in entries] == ["interrupted", "interrupted"]
    assert "first" in printed(out, "02_two")
    assert not (out / ".owner").exists()


@pytest.mark.process
def test_a_clock_that_goes_backwards(tmp_path, monkeypatch, capsys):
    path = make(tmp_path, "01_fine", "print('fine')")
    times = iter(range(2_000_000_000, 0, -10_000))
    monkeypatch.setattr(time, "time", lambda: next(times))
    assert go([path], tmp_path / "out") == 0
    assert 0 < read_json(tmp_path / "out" / "manifest.json")["notebooks"][0]["seconds"] < 120
    journal = tmp_path / "out" / "01_fine" / "journal.json"
    journal.write_text(json.dumps(read_json(journal) | {"started": "2096-01-01T00:00:00+00:00"}))
    os.utime(path, (0, 0))
    assert go([path], tmp_path / "out") == 0
    assert "Nothing to run: all 1 results are reused." in capsys.readouterr().out


def test_only_the_end_of_a_long_log_is_read(tmp_path):
    (tmp_path / "log.txt").write_bytes(b"y" * 3_000_000 + b"\nthe end\n")
    text = supervise._log_tail(tmp_path)
    assert text.endswith("the end")
    assert len(text) < 30_000


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("number", range(10))
def test_many_kernels_start_at_once(number):
    """TCP kernels that start together take each other's ports; ours have no ports."""
    from cifarlib.runner.kernel import CourseKernelManager

    async def ask(number: int) -> str:
        manager = CourseKernelManager()
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=GUARD)
            reply = await client.execute_interactive(
                "", user_expressions={"n": str(number)}, timeout=GUARD, output_hook=print
            )
            return reply["content"]["user_expressions"]["n"]["data"]["text/plain"]
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)
            assert not manager.folder.exists()

    async def ask_all() -> list[str]:
        return await asyncio.gather(*(ask(n) for n in range(20)))

    assert asyncio.run(ask_all()) == [str(n) for n in range(20)]
