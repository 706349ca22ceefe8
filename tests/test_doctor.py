import pytest

from cifarlib import facts
from cifarlib.course import doctor


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """A project with a lock of its own, and no data anywhere."""
    monkeypatch.setattr(facts, "checkout", lambda: tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("CIFARLIB_MIRROR", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "requirements.lock"
    path.write_text('pytest>=0 ; python_version < "3" \\\n    --hash=sha256:0\n')
    return path


def findings():
    return {f.subject: f for f in doctor.examine()}


def test_a_machine_without_data_is_usable(lock, capsys):
    assert doctor.doctor() == 0
    text = capsys.readouterr().out
    assert "cifarlib data fetch cifar10" in text
    assert "0 problems that keep the course from running, 3 remarks." in text
    assert findings()["packages"].level == "OK"


def test_other_and_missing_packages_are_named(lock):
    lock.write_text("pytest==0.1 \\\n    --hash=sha256:0\n")
    found = findings()["packages"]
    assert found.level == "WARN"
    assert "not ==0.1" in found.text
    lock.write_text("surely-not-installed==1.0 \\\n    --hash=sha256:0\n")
    found = findings()["packages"]
    assert found.level == "FAIL"
    assert "surely-not-installed is missing" in found.text
    assert "make run" in found.text


def test_no_lock_is_no_failure(lock):
    lock.unlink()
    assert findings()["packages"].level == "WARN"


def test_bad_mirror_and_backend_fail(lock, monkeypatch, capsys):
    monkeypatch.setenv("CIFARLIB_MIRROR", str(lock.parent / "nowhere"))
    monkeypatch.setattr(facts, "backend", lambda: "surely_not_installed")
    assert doctor.doctor() == 1
    text = capsys.readouterr().out
    assert "nowhere, which is not a folder" in text
    assert "export KERAS_BACKEND=tensorflow" in text


def test_damaged_data_fails_and_names_the_file(lock):
    path = lock.parent / "keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    found = findings()["MNIST"]
    assert found.level == "FAIL"
    assert "mnist.npz" in found.text
    assert "cifarlib data fetch mnist" in found.text


def test_wrong_python_says_how_to_use_another(lock, monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 9, 1, "final", 0))
    found = findings()["Python"]
    assert found.level == "FAIL"
    assert "make clean run PYTHON=python3.12" in found.text


def test_unwritable_folder_fails(lock, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert findings()["results"].level == "FAIL"
    assert "Permission denied" in findings()["results"].text


def test_real_mirror(lock, mirror, monkeypatch):
    monkeypatch.setenv("CIFARLIB_MIRROR", str(mirror))
    found = findings()
    assert found["MNIST"].level == found["CIFAR-10"].level == "OK"
