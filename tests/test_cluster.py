"""`cifarlib run --scheduler` on a real Dask cluster on this machine, part of which is killed."""

import json
import os
import signal
import subprocess
import sys

import pytest
from clusters import Cluster, copy_of_cifarlib, names, read
from running import RECORD, make, posix, printed, read_json
from waiting import GUARD, has_ended, wait_for

from cifarlib._support import dask_client
from cifarlib.cli import main
from cifarlib.errors import CourseError
from cifarlib.runner.plan import plan

pytest.importorskip("distributed")

WAITS = """
import json, psutil, time
from pathlib import Path
mark = Path({mark!r})
if not mark.exists():
    mark.write_text(json.dumps([p.pid for p in (psutil.Process(), *psutil.Process().parents())]))
    time.sleep(600)
"""
"""A notebook that waits the first time, when it says who runs it, and passes the second time."""


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.close()


@pytest.mark.process
@posix
def test_a_lost_worker_and_a_wrong_one(dask, tmp_path):
    mark = tmp_path / "mark"
    make(tmp_path / "notebooks", "01_waits", WAITS.format(mark=str(mark)), "print('passed')")
    make(tmp_path / "notebooks", "02_records", RECORD)
    make(tmp_path / "notebooks", "03_raises", "1 / 0")
    dask.add("alpha")
    dask.add("beta")
    other = copy_of_cifarlib(tmp_path / "other")
    with open(other / "cifarlib" / "data.py", "a") as file:
        file.write("# changed\n")
    dask.add("wrong", PYTHONPATH=str(other))
    wait_for(lambda: len(names(dask)) == 3)
    process = start(tmp_path, dask)
    wait_for(lambda: read(mark) or process.poll() is not None)
    (name,) = [n for n, worker in dask.workers.items() if worker.pid in read(mark)]
    assert name in ("alpha", "beta")
    dask.workers[name].kill()
    text, errors = process.communicate(timeout=GUARD)
    assert process.returncode == 1, errors
    assert "Worker wrong at tcp://127.0.0.1:" in errors
    assert "is not used: it has another source of cifarlib." in errors
    assert "ZeroDivisionError" in errors
    out = tmp_path / "out"
    manifest = read_json(out / "manifest.json")
    assert [e["state"] for e in manifest["notebooks"]] == ["ok", "ok", "failed"]
    assert manifest["workers"] == ["alpha", "beta"]
    assert manifest["threads"]["TF_NUM_INTRAOP_THREADS"] == str(manifest["environment"]["cores"])
    assert printed(out, "01_waits") == "passed\n"
    row = json.loads((out / "records" / "02_records" / "results.jsonl").read_text())
    assert row["metrics"] == {"test_accuracy": 0.5678}
    journal = read_json(out / "01_waits" / "journal.json")
    assert journal["notebook"] == str(tmp_path / "notebooks" / "01_waits.ipynb")

    make(tmp_path / "notebooks", "03_raises", "1 / 1")
    again = start(tmp_path, dask)
    text, errors = again.communicate(timeout=GUARD)
    assert again.returncode == 0, errors
    assert "1 to run, 2 reused" in text


@pytest.mark.process
@posix
def test_stopping_here_stops_the_notebooks_there(dask, tmp_path):
    if not any(dask.workers[n].poll() is None for n in ("alpha", "beta") if n in dask.workers):
        dask.add("alpha")
    mark = tmp_path / "mark"
    make(tmp_path / "notebooks", "01_waits", WAITS.format(mark=str(mark)))
    process = start(tmp_path, dask)
    wait_for(lambda: read(mark) or process.poll() is not None)
    kernel = read(mark)[0]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=GUARD)
    assert process.returncode == 130, errors
    assert read_json(tmp_path / "out" / "manifest.json")["state"] == "interrupted"
    wait_for(lambda: has_ended(kernel))


def test_no_scheduler_at_that_address(ready, monkeypatch, capsys):
    monkeypatch.setattr(dask_client, "CONNECT_SECONDS", 0.5)
    words = ["run", "--profile", "smoke", "--scheduler", "tcp://127.0.0.1:9"]
    assert main(words) == 2
    assert "There is no Dask scheduler at tcp://127.0.0.1:9" in capsys.readouterr().err


def test_a_result_with_foreign_files_is_not_unpacked(ready, tmp_path):
    import io
    import zipfile

    from cifarlib.runner.job_archive import unpack_results

    (task,) = plan([], profile="smoke", out=tmp_path / "out").tasks
    for name in ("../evil", "02_other/02_other.ipynb", "01_fine/../../evil"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as parcel:
            parcel.writestr("journal.json", '{"state": "ok"}')
            parcel.writestr(name, "evil")
        with pytest.raises(CourseError, match="foreign file"):
            unpack_results(buffer.getvalue(), task)
    assert not list((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else True


def start(folder, dask):
    command = [sys.executable, "-m", "cifarlib.cli", "run", "--profile", "smoke"]
    return subprocess.Popen(
        [*command, "--out", "out", "--scheduler", dask.address],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": dask.library},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
