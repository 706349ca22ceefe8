"""`cifarlib run` where its folder is missing, forbidden or full."""

import errno
import os
import subprocess
import sys

import nbformat
import pytest
from running import go, make, posix, read_json

from cifarlib.errors import CourseError


def test_out_below_a_file(ready, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CourseError, match=r"Could not write .*file.*out.*choose a folder"):
        go([ready], tmp_path / "file" / "out")
    assert (tmp_path / "file").read_text() == "mine"


@posix
def test_out_that_is_read_only(ready, tmp_path):
    out = tmp_path / "out"
    out.mkdir(mode=0o555)
    if os.access(out, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(CourseError, match="Permission denied"):
        go([ready], out)
    assert not list(out.iterdir())


def test_forbidden_out(ready, tmp_path, monkeypatch):
    """The same for a user, such as root, whom no folder's mode stops."""

    def forbidden(**_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("cifarlib._support.files.tempfile.mkstemp", forbidden)
    with pytest.raises(CourseError, match=r"Permission denied.*choose a folder you may write to"):
        go([ready], tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == [".lock"]


@pytest.mark.process
def test_full_disk_before_a_notebook_starts(ready, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cifarlib.runner.supervise.clear", full)
    assert go([ready], tmp_path / "out") == 1
    assert "No space left on device. Free some space" in capsys.readouterr().err
    assert read_json(tmp_path / "out" / "manifest.json")["state"] == "failed"


def test_full_disk_in_the_worker(ready, tmp_path, monkeypatch):
    from cifarlib.runner import worker
    from cifarlib.runner.job import Job

    def full(*_):
        (folder / ".01_fine.partial.ipynb").write_text('{"cells": [')
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = tmp_path / "out" / "01_fine"
    folder.mkdir(parents=True)
    monkeypatch.setattr(worker, "_run_cells", full)
    facts = worker.execute(Job(ready, folder.parent, "01_fine", {}))
    assert facts["state"] == "failed"
    assert "No space left" in facts["failure"]["traceback"]
    assert "Free some space" in facts["failure"]["traceback"]
    assert [p.name for p in folder.iterdir()] == ["journal.json"]


@pytest.mark.process
def test_disk_that_really_is_full(tmp_path):
    """A 1 MB disk and a notebook with 3 MB of output; needs the right to mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        path = make(tmp_path, "01_large", "print('first')", "print('x' * 3_000_000)")
        assert go([path], disk / "out") == 1
        entry = read_json(disk / "out" / "manifest.json")["notebooks"][0]
        assert entry["state"] == "failed"
        assert "No space left" in entry["failure"]["traceback"]
        assert "Traceback" not in entry["failure"]["traceback"]
        for left in (disk / "out" / "01_large").glob("*.ipynb"):
            nbformat.read(left, as_version=4)
        assert not [p for p in disk.rglob("*") if p.name.endswith(".part")]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
