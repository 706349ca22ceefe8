"""`cifarlib accept` with a made-up run: what it takes, and what it refuses."""

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cifarlib import ledger
from cifarlib.errors import CourseError
from cifarlib.ledger import result_store
from cifarlib.runner.promote_outputs import WIDGET_VIEW, promote_outputs

ROW = {"id": "R0.4", "variant": "report", "profile": "quick", "backend": "tensorflow", "seed": 0}
ROW |= {"metrics": {"test_accuracy": 0.58}, "data": None}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one notebook without outputs, with a ledger of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(result_store, "RESULTS", tmp_path / "ledger.jsonl")
    parameters = new_code_cell('PROFILE = "auto"', metadata={"tags": ["parameters"]})
    cells = [new_markdown_cell("# Title"), parameters, new_code_cell("6 * 7"), new_code_cell("w")]
    notebook = new_notebook(cells=cells, metadata={"mine": "kept"})
    path = tmp_path / "notebooks" / "01_fine.ipynb"
    path.parent.mkdir()
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def out(course, tmp_path):
    """A good quick run of it, as papermill leaves it."""
    run = nbformat.read(course, as_version=4)
    injected = new_code_cell('PROFILE = "quick"', metadata={"tags": ["injected-parameters"]})
    run.cells.insert(2, injected)
    run.metadata["papermill"] = {"duration": 1.0}
    for count, cell in enumerate(run.cells[1:], start=1):
        cell.execution_count = count
    answer = new_output("execute_result", data={"text/plain": "42"}, execution_count=3)
    widget = new_output("display_data", data={"text/html": "<b>w</b>", WIDGET_VIEW: {"id": "1"}})
    run.cells[3].outputs, run.cells[4].outputs = [answer], [widget]
    folder = tmp_path / "run"
    (folder / "01_fine").mkdir(parents=True)
    nbformat.write(run, folder / "01_fine" / "01_fine.ipynb")
    records = folder / "records" / "01_fine"
    records.mkdir(parents=True)
    (records / "results.jsonl").write_text(json.dumps(ROW) + "\n")
    entry = {"slug": "01_fine", "notebook": str(course), "state": "ok"}
    manifest = {"state": "ok", "profile": "quick", "notebooks": [entry]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def change(out: Path, **facts) -> None:
    path = out / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_takes_outputs_and_results_only(course, out):
    assert promote_outputs(out) == [course]
    notebook = nbformat.read(course, as_version=4)
    assert [c.source for c in notebook.cells] == ["# Title", 'PROFILE = "auto"', "6 * 7", "w"]
    assert [c.execution_count for c in notebook.cells[1:]] == [1, 2, 3]
    (answer,) = notebook.cells[2].outputs
    assert answer.data["text/plain"] == "42"
    assert answer.execution_count == 2
    assert notebook.cells[3].outputs[0].data == {"text/html": "<b>w</b>"}
    assert notebook.metadata == {"mine": "kept"}
    assert [r["metrics"] for r in ledger.results()] == [ROW["metrics"]]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            {"runs": ["quick-seed0", "quick-seed1"]},
            "several runs: quick-seed0, quick-seed1.*such as",
        ),
        ({"parameters": {"EPOCHS": 2}}, r"set parameters with -p \(EPOCHS\)"),
    ],
)
def test_only_the_courses_own_runs_are_taken(course, out, facts, message):
    change(out, **facts)
    with pytest.raises(CourseError, match=message):
        promote_outputs(out)


def test_durations_are_noted_for_later_plans(course, out):
    entries = json.loads((out / "manifest.json").read_text())["notebooks"]
    change(out, notebooks=[entry | {"seconds": 61.23} for entry in entries])
    promote_outputs(out)
    noted = json.loads(result_store.RESULTS.with_name("durations.json").read_text())
    assert noted == {"quick": {"01_fine": 61.2}}


def test_accepting_twice_changes_nothing(course, out):
    promote_outputs(out)
    before = course.read_bytes(), result_store.RESULTS.read_bytes()
    promote_outputs(out)
    assert (course.read_bytes(), result_store.RESULTS.read_bytes()) == before


def refused(course: Path, out: Path, message: str) -> None:
    before = course.read_bytes()
    with pytest.raises(CourseError, match=f"(?s){message}"):
        promote_outputs(out)
    assert course.read_bytes() == before
    assert not result_store.RESULTS.exists()


@pytest.mark.parametrize("state", ["failed", "died", "timeout", "interrupted", "not run"])
def test_refuses_a_run_that_is_not_good(course, out, state):
    entry = {"slug": "01_fine", "notebook": str(course), "state": state}
    change(out, state="failed", notebooks=[entry])
    refused(course, out, rf"01_fine \({state}\).*run again")


def test_refuses_an_unfinished_run(course, out):
    change(out, state="running")
    refused(course, out, "not good throughout: running")


def test_refuses_smoke_unless_told(course, out):
    change(out, profile="smoke")
    refused(course, out, "smoke profile.*--allow-smoke")
    assert promote_outputs(out, allow_smoke=True) == [course]


def test_refuses_a_notebook_changed_since(course, out):
    notebook = nbformat.read(course, as_version=4)
    notebook.cells[2].source = "6 * 8"
    nbformat.write(notebook, course)
    refused(course, out, "was changed after the run")


def test_text_may_be_edited_after_the_run(course, out):
    notebook = nbformat.read(course, as_version=4)
    notebook.cells[0].source = "# Better title"
    notebook.cells.insert(1, new_markdown_cell("More."))
    nbformat.write(notebook, course)
    promote_outputs(out)
    cells = nbformat.read(course, as_version=4).cells
    assert [c.source for c in cells[:2]] == ["# Better title", "More."]
    assert cells[3].outputs[0].data["text/plain"] == "42"


def test_refuses_what_is_no_run(course, out, tmp_path):
    refused(course, tmp_path / "nowhere", "holds no run")
    (out / "01_fine" / "01_fine.ipynb").unlink()
    refused(course, out, "lacks its notebook")


def test_refuses_notebooks_of_another_course(course, out):
    entry = {"slug": "01_fine", "notebook": "elsewhere/02_other.ipynb", "state": "ok"}
    change(out, notebooks=[entry])
    refused(course, out, "The course has no notebook .*02_other")


def test_refuses_damaged_records(course, out):
    (out / "records" / "01_fine" / "results.jsonl").write_text('{"id": "R0.4"\n')
    refused(course, out, r"results\.jsonl, line 1")
