import json
import sys

import pytest

from cifarlib._support import environment
from cifarlib.runner import doctor

load_keras = doctor.load_keras  # the fixture puts a fast one in its place


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """A project with a lock of its own, no data anywhere, and a Keras that loads."""
    monkeypatch.setattr(doctor, "load_keras", lambda: (["cpu:0"], ""))
    monkeypatch.setattr(environment, "gpu_names", list)
    monkeypatch.setattr(environment, "checkout", lambda: tmp_path)
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
    assert "0 problems that keep the course from running, 4 remarks." in text
    assert findings()["packages"].level == "OK"


def test_other_and_missing_packages_are_named(lock, monkeypatch):
    lock.write_text("pytest==0.1 \\\n    --hash=sha256:0\n")
    found = findings()["packages"]
    assert found.level == "WARN"
    assert "not ==0.1" in found.text
    lock.write_text("surely-not-installed==1.0 \\\n    --hash=sha256:0\n")
    found = findings()["packages"]
    assert found.level == "WARN"  # nothing that the notebooks themselves need
    assert "surely-not-installed is missing" in found.text
    assert "make run" in found.text
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: ["surely-not-installed>=1"])
    assert findings()["packages"].level == "FAIL"


def test_no_lock_is_no_failure(lock):
    lock.unlink()
    assert findings()["packages"].level == "WARN"


def test_bad_mirror_and_backend_fail(lock, monkeypatch, capsys):
    monkeypatch.setenv("CIFARLIB_MIRROR", str(lock.parent / "nowhere"))
    monkeypatch.setattr(environment, "backend", lambda: "surely_not_installed")
    assert doctor.doctor() == 1
    text = capsys.readouterr().out
    assert "nowhere, which is not a folder" in text
    assert "export KERAS_BACKEND=tensorflow" in text


def test_keras_that_cannot_be_loaded_fails(lock, monkeypatch):
    monkeypatch.setattr(doctor, "load_keras", lambda: (None, "it was killed by SIGILL"))
    found = findings()
    assert found["backend"].level == "FAIL"
    assert "cannot be loaded: it was killed by SIGILL" in found["backend"].text
    assert "GPU" not in found


@pytest.mark.process
@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("print('noise'); print('[\"gpu:0\"]')", (["gpu:0"], "")),
        ("print('null')", (None, "")),
        ("raise OSError('no libfoo')", (None, "OSError: no libfoo")),
        ("import time; time.sleep(60)", (None, "it was not ready after 1 seconds")),
    ],
)
def test_loading_in_another_process(monkeypatch, code, answer):
    monkeypatch.setattr(doctor, "LOAD_KERAS", code)
    monkeypatch.setattr(doctor, "LOAD_SECONDS", 1 if "sleep" in code else 60)
    assert load_keras() == answer


@pytest.mark.process
def test_loading_that_crashes(monkeypatch):
    monkeypatch.setattr(doctor, "LOAD_KERAS", "import os, signal; os.kill(os.getpid(), 9)")
    if doctor.os.name == "posix":
        assert load_keras() == (None, "it was killed by SIGKILL")


def test_a_gpu_that_the_backend_does_not_see_is_a_remark(lock, monkeypatch):
    monkeypatch.setattr(environment, "gpu_names", lambda: ["NVIDIA T4"])
    monkeypatch.setattr(environment, "backend", lambda: "tensorflow")
    assert findings()["GPU"].level == "WARN"
    assert '"tensorflow[and-cuda]"' in findings()["GPU"].text
    monkeypatch.setattr(doctor, "load_keras", lambda: (["gpu:0"], ""))
    assert findings()["GPU"] == ("OK", "GPU", "NVIDIA T4")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps({"floatx": "float16"}), "floatx is 'float16'"),
        (json.dumps({"image_data_format": "channels_first"}), "'channels_first'"),
        ("[1]", "cannot be read"),
    ],
)
def test_keras_settings_of_an_earlier_project_fail(lock, content, words):
    path = lock.parent / "keras" / "keras.json"
    path.parent.mkdir()
    path.write_text(content)
    found = findings()["Keras"]
    assert found.level == "FAIL"
    assert words in found.text
    assert f"rm {path}" in found.text


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


def test_another_folder_than_the_courses_is_a_remark(lock, monkeypatch):
    found = findings()["folder"]
    assert found.level == "WARN"
    assert f"cd {lock.parent}" in found.text
    (lock.parent / "notebooks").mkdir()
    (lock.parent / "notebooks" / "00_start.ipynb").touch()
    assert findings()["folder"].level == "OK"
    monkeypatch.chdir(lock.parent / "notebooks")
    assert findings()["folder"].level == "OK"


@pytest.mark.parametrize(
    ("python", "level"),
    [("/opt/other/bin/python3", "FAIL"), ("python", "OK"), (sys.executable, "OK")],
)
def test_the_kernel_of_another_project_fails(lock, monkeypatch, python, level):
    """A kernel in the user's home that has the name of the course's."""
    spec = {"argv": [python, "-m", "ipykernel_launcher"], "display_name": "Old", "language": "x"}
    folder = lock.parent / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(lock.parent / "jupyter"))
    found = findings()["kernel"]
    assert found.level == level
    assert level == "OK" or f"rm -r {folder}" in found.text
