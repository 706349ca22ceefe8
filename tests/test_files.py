import os
import stat

import pytest

from cifarlib import CourseError
from cifarlib._support.digests import file_digest
from cifarlib._support.files import replacing, write_atomic


def test_write_replaces_content(tmp_path):
    target = tmp_path / "deep" / "file.txt"
    write_atomic(target, "first")
    write_atomic(target, b"second")
    assert target.read_bytes() == b"second"
    assert [p.name for p in target.parent.iterdir()] == ["file.txt"]


def test_failure_leaves_old_content_and_no_rest(tmp_path):
    target = tmp_path / "file.txt"
    write_atomic(target, "old")

    def stop_half_way():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stop_half_way()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_full_disk_is_explained(tmp_path, monkeypatch):
    target = tmp_path / "file.txt"
    write_atomic(target, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CourseError, match=r"file\.txt: No space left.*Free some space"):
        write_atomic(target, "new")
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_folder_that_is_a_file_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="Could not write"):
        write_atomic(tmp_path / "file" / "below.txt", "x")


def test_permissions_follow_the_umask(tmp_path):
    write_atomic(tmp_path / "file", "x")
    plain = tmp_path / "plain"
    plain.write_text("x")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_digest(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert file_digest(tmp_path / "file", "md5") == "900150983cd24fb0d6963f7d28e17f72"
