"""The two commands of the README in a fresh clone, with nothing installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import read_json

ROOT = Path(__file__).parent.parent
pytestmark = [pytest.mark.process, pytest.mark.slow]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone itself")
    folder = tmp_path_factory.mktemp("clean") / "course"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def make(folder, *words):
    """Run make as somebody does who has nothing but Python and this clone."""
    inherited = ("MAKE", "CIFARLIB_", "PYTHON", "PYTEST", "VIRTUAL_ENV", "MFLAGS")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(inherited)}
    python = getattr(sys, "_base_executable", sys.executable)
    command = ["make", *words, f"PYTHON={python}"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def test_make_run_installs_everything_and_runs_a_notebook(clone):
    make(clone, "run", "NOTEBOOKS=02")
    manifest = read_json(clone / "runs" / "smoke" / "manifest.json")
    assert [(e["slug"], e["state"]) for e in manifest["notebooks"]] == [
        ("02_counting_parameters", "ok")
    ]
    assert (clone / "runs" / "smoke" / "index.html").is_file()
    left = subprocess.run(["git", "status", "--short"], cwd=clone, capture_output=True, text=True)
    assert left.stdout == "", "a run changes nothing that is committed"


def test_the_tests_run_there_too(clone):
    """The light ones: the others are those that this test is one of."""
    make(clone, "light")


def test_the_course_page_is_built_there(clone):
    make(clone, "book")
    assert (clone / "build" / "book" / "index.html").is_file()
