"""What a change to one file of cifarlib runs again: real files of a copy, and nothing replaced."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import RECORD, make, read_json

import cifarlib

pytestmark = pytest.mark.process

PLOTS = "from cifarlib import plots\nfigure, axes = plots.canvas()"
LEDGER = "from cifarlib import ledger\nprint(ledger.claim('R0.4', 'test_accuracy'))"
SHELL = "!true"
CHECK = "from cifarlib.checks import check\ncheck.hint('02.conv_parameters')"


class Copy:
    """A copy of cifarlib and a course of five small notebooks, run once with that copy."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.package = folder, folder / "lib" / "cifarlib"
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(cifarlib.__file__).parent, self.package, ignore=skipped)
        for name, code in (("01_records", RECORD), ("02_plots", PLOTS), ("03_ledger", LEDGER)):
            make(folder / "notebooks", name, code)
        make(folder / "notebooks", "04_shell", SHELL)
        make(folder / "notebooks", "05_check", CHECK)  # as an exercise does
        done = self.call("run", "--jobs", "2")
        assert done.returncode == 0, done.stderr

    def call(self, *words: str) -> subprocess.CompletedProcess:
        environ = {k: v for k, v in os.environ.items() if k != "CIFARLIB_MIRROR"}
        environ |= {"PYTHONPATH": str(self.package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-P", "-m", "cifarlib.cli", *words, "--profile", "smoke"]
        command += ["--out", "out", "--threads", "1"]
        return subprocess.run(
            command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False
        )

    def plan(self) -> dict[str, str]:
        """Return what becomes of each notebook, by its number."""
        lines = self.call("run", "--dry-run").stdout.splitlines()[1:-1]
        return {line.split("_")[0].strip(): " ".join(line.split()[4:]) for line in lines}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("copy"))


@pytest.fixture
def changed(copy):
    """Return a way to change one file of the copy; it is as before after the test.

    Without the words to put in place of others, a comment is added at the end.
    """
    kept = {}

    def change(name: str, old: str = "", new: str = "\n# a change\n") -> dict[str, str]:
        path = copy.package / name
        kept[path] = path.read_bytes()
        text = kept[path].decode()
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")
        return copy.plan()

    yield change
    for path, content in kept.items():
        path.write_bytes(content)
    if any("templates" in path.parts for path in kept):
        copy.call("run")  # draws the pages as they were


ALL = {"01", "02", "03", "04", "05"}


def run_again(plan: dict[str, str]) -> set[str]:
    return {number for number, state in plan.items() if state.startswith("run: changed")}


def test_the_copy_is_what_runs(copy):
    journal = read_json(copy.folder / "out" / "02_plots" / "journal.json")
    assert "cifarlib.plots.figures" in journal["key"]["cifarlib"]
    assert set(copy.plan().values()) == {"reused"}


@pytest.mark.parametrize(
    "name",
    [
        "grader/scores.py",
        "grader/bubblewrap.py",
        "runner/plan.py",
        "runner/supervise.py",
        "runner/report.py",
        "runner/cache_key.py",
        "cli.py",
    ],
)
def test_what_decides_no_result_runs_nothing_again(changed, name):
    assert set(changed(name).values()) == {"reused"}


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("runner/worker.py", ALL),
        ("runner/kernel.py", ALL),
        ("runner/job.py", ALL),  # the variables that a notebook gets
        ("runner/journal.py", ALL),  # which cells of an unfinished notebook are kept
        ("plots/figures.py", {"02", "04"}),
        ("ledger/bands.py", {"03", "04", "05"}),  # checks know the ledger
        ("training.py", {"04"}),
        ("checks/compare_values.py", {"04", "05"}),
        ("checks/assignments/a02_counting_parameters.py", {"04", "05"}),
        ("networks/r0.py", {"04"}),
    ],
)
def test_what_executes_records_or_trains_runs_those_again_that_use_it(changed, name, numbers):
    """A notebook with a line for the shell could use any module."""
    assert run_again(changed(name)) == numbers


def test_the_reason_names_the_module(changed):
    assert changed("plots/figures.py")["02"] == ("run: changed: cifarlib's source (plots.figures)")


def test_a_new_claim_runs_those_again_that_read_the_ledger(changed):
    plan = changed("ledger/records/claims.toml")
    assert plan["03"] == "run: changed: recorded claims and results"
    assert plan["01"] == "reused"


def test_a_changed_template_draws_the_page_anew_and_executes_nothing(copy, changed):
    block = "{%- block html_head_js_requirejs -%}"
    plan = changed("runner/templates/course/index.html.j2", block, block + "<!-- new -->")
    assert set(plan.values()) == {"reused, page drawn anew"}
    folder = copy.folder / "out" / "01_records"
    before = {name: (folder / name).read_bytes() for name in ("01_records.ipynb", "log.txt")}
    done = copy.call("run")
    assert "Nothing to run: all 5 results are reused." in done.stdout
    assert "<!-- new -->" in (folder / "01_records.html").read_text(encoding="utf-8")
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert set(copy.plan().values()) == {"reused"}
