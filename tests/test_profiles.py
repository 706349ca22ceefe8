import subprocess
import sys

import pytest

from cifarlib import CourseError, profile, profiles


def test_pick_and_source():
    assert profile("smoke").pick(smoke=1, quick=2, full=3) == 1
    assert profile("full").pick(smoke=1, quick=2, full=3) == 3
    assert profile("smoke").source == "embedded"
    assert profile("quick").source == "auto"
    assert profile("smoke").is_smoke
    assert not profile("quick").is_smoke


def test_auto_follows_the_environment(monkeypatch):
    monkeypatch.setenv("CIFARLIB_PROFILE", "quick")
    assert profile().name == "quick"
    assert "CIFARLIB_PROFILE" in str(profile())


@pytest.mark.parametrize(
    ("found", "gpu", "name"), [(False, True, "smoke"), (True, True, "full"), (True, False, "quick")]
)
def test_auto_looks_at_the_machine(monkeypatch, found, gpu, name):
    monkeypatch.delenv("CIFARLIB_PROFILE", raising=False)
    monkeypatch.setattr("cifarlib.data.sources.found", lambda _, mirror=None: found)
    monkeypatch.setattr(profiles.Path, "exists", lambda _: gpu)
    assert profile().name == name


def test_a_mirror_may_be_named(monkeypatch, tmp_path):
    for name in ("CIFARLIB_PROFILE", "CIFARLIB_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    (tmp_path / "mirror" / "datasets" / "cifar-10-batches-py").mkdir(parents=True)
    assert profile().name == "smoke"
    assert profile(mirror=tmp_path / "mirror").name in ("quick", "full")
    with pytest.raises(CourseError, match="argument `mirror` names"):
        profile(mirror=tmp_path / "elsewhere")


def test_unknown_profile_lists_the_known():
    with pytest.raises(CourseError, match=r"(?s)no profile .fast.*smoke.*quick.*full"):
        profile("fast")


def loaded_by(imports, *unwanted):
    code = f"import sys, {imports}; print([m for m in sys.modules if m.startswith({unwanted})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.process
def test_import_is_light():
    heavy = ("keras", "tensorflow", "matplotlib", "sklearn", "numpy")
    assert loaded_by("cifarlib", *heavy) == "[]"


@pytest.mark.process
def test_student_modules_do_not_load_the_instructor_side():
    modules = "cifarlib.data, cifarlib.ledger"
    assert loaded_by(modules, "cifarlib.runner", "cifarlib.grader") == "[]"
