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

from cifarlib.runner import supervise

ROUNDS = int(os.environ.get("KERNEL_ROUNDS", "1"))
"""How often many kernels start at once: `make kernels` asks for ten times."""
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


def wait_for(condition, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def alive(processes):
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


class Troubled:
    """One run, two at a time, of notebooks that want too much, beside a good one."""

    def __init__(self, folder: Path):
        make(folder, "01_eats", "print('before')", "all = [b'x' * 10_000_000 for _ in range(900)]")
        make(folder, "02_loops", "print('before')", "while True:\n    pass")
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
        words = ["--jobs", "2", "--memory", "1.5", "--minutes", "0.5"]
        process = start(folder, *names, *words)
        self.text, self.errors = process.communicate(timeout=400)
        self.code, self.out = process.returncode, folder / "out"

    def journal(self, slug):
        return read_json(self.out / slug / "journal.json")


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    return Troubled(tmp_path_factory.mktemp("troubled"))


def test_each_has_its_state_and_the_others_are_well(troubled):
    assert troubled.code == 1, troubled.errors
    entries = read_json(troubled.out / "manifest.json")["notebooks"]
    assert {e["slug"]: e["state"] for e in entries} == {
        "01_eats": "memory",
        "02_loops": "timeout",
        "03_talks": "ok",
        "04_deletes": "failed",
        "05_good": "ok",
    }


def test_a_memory_eater_is_stopped_and_its_beginning_kept(troubled):
    failure = troubled.journal("01_eats")["failure"]
    assert "1.5 GB are allowed. (--memory)" in failure["traceback"]
    assert failure["cell"] == 4
    assert "before" in printed(troubled.out, "01_eats")


def test_an_endless_loop_is_stopped_and_its_beginning_kept(troubled):
    failure = troubled.journal("02_loops")["failure"]
    assert "longer than the 0.5 minutes allowed. (--minutes)" in failure["traceback"]
    assert "before" in printed(troubled.out, "02_loops")


def test_200_mb_of_output_are_cut_and_the_parent_stays_small(troubled):
    text = printed(troubled.out, "03_talks")
    assert 19_000_000 < len(text) < 21_000_000
    assert "[cifarlib: output cut, 20,000,000 characters are the most]" in text[-200:]
    assert int(troubled.text.splitlines()[-1]) < 500


def test_a_deleted_folder_fails_one_notebook(troubled):
    failure = troubled.journal("04_deletes")["failure"]
    assert "04_deletes" in failure["traceback"]
    assert "Traceback" not in failure["traceback"]


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
    text, errors = again.communicate(timeout=120)
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
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 2
    assert f"Another `cifarlib run` is at work in {out} (process {first.pid})" in errors
    assert (out / "manifest.json").read_bytes() == before

    family = psutil.Process(first.pid).children(recursive=True)
    assert len(family) >= 4  # two workers and their kernels
    first.send_signal(signal.SIGTERM)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 143, errors
    assert not alive(family)
    entries = read_json(out / "manifest.json")["notebooks"]
    assert [e["state"] for e in entries] == ["interrupted", "interrupted"]
    assert "first" in printed(out, "02_two")
    assert not (out / ".owner").exists()


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


@pytest.mark.parametrize("number", range(ROUNDS))
def test_many_kernels_start_at_once(number):
    """TCP kernels that start together take each other's ports; ours have no ports."""
    from cifarlib.runner.kernel import CourseKernelManager

    async def ask(number: int) -> str:
        manager = CourseKernelManager()
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=120)
            reply = await client.execute_interactive(
                "", user_expressions={"n": str(number)}, timeout=60, output_hook=print
            )
            return reply["content"]["user_expressions"]["n"]["data"]["text/plain"]
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)
            assert not manager.folder.exists()

    async def ask_all() -> list[str]:
        return await asyncio.gather(*(ask(n) for n in range(20)))

    assert asyncio.run(ask_all()) == [str(n) for n in range(20)]
