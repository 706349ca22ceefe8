"""Every solution gets full points, and every exercise runs as it stands, in real kernels."""

import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cifarlib.checks import tasks
from cifarlib.grader import release
from cifarlib.ledger import prose
from cifarlib.runner.kernel import CourseKernelManager

ROOT = Path(__file__).parent.parent
SLUGS = tasks.slugs()
KINDS = ("solutions", "exercises")

every_exercise = pytest.mark.parametrize("slug", SLUGS)


def source(folder, slug):
    return nbformat.read(folder / slug / f"{slug}.ipynb", as_version=4)


def run(kind, slug):
    notebook, where = source(ROOT / kind, slug), {"metadata": {"path": str(ROOT / kind / slug)}}
    return NotebookClient(
        notebook, timeout=300, kernel_manager_class=CourseKernelManager, resources=where
    ).execute()


@pytest.fixture(scope="module")
def executed():
    """Start all notebooks, and return a function that waits for one of them."""
    with ThreadPoolExecutor(2) as pool:
        jobs = {(kind, slug): pool.submit(run, kind, slug) for slug in SLUGS for kind in KINDS}
        yield lambda kind, slug: jobs[kind, slug].result()


def graded(notebook):
    """Return the test cells, by name."""
    return {
        cell.metadata.nbgrader.grade_id: cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
    }


def errors(cell):
    return [output.ename for output in cell.get("outputs", []) if output.output_type == "error"]


def said(cell):
    """Return the first lines of what a check showed."""
    shown = [output.data["text/plain"] for output in cell.outputs if "data" in output]
    return [text.splitlines()[0] for text in shown]


def last(notebook):
    (text,) = said([cell for cell in notebook.cells if "check.progress" in cell.source][-1])
    return text


def test_there_is_one_solution_for_each_module_of_checks():
    assert sorted(path.stem for path in (ROOT / "solutions").glob("*/*.ipynb")) == SLUGS
    assert SLUGS


@pytest.mark.process
@every_exercise
def test_solution_gets_full_points(slug, executed):
    notebook, assignment = executed("solutions", slug), tasks.assignment(slug[:2])
    assert [cell.source for cell in notebook.cells if errors(cell)] == []
    for name, cell in graded(notebook).items():
        wanted = 2 if "HIDDEN" in cell.source else 1
        points = assignment.tasks[name].points
        assert said(cell) == [said(cell)[0]] * wanted
        assert said(cell)[0].startswith(f"Right · {points} of {points} point")
    n, points = len(assignment.checked), sum(task.points for task in assignment.checked)
    assert last(notebook) == f"{slug}: {n} of {n} tasks, {points} of {points} points"


@pytest.mark.process
@every_exercise
def test_exercise_runs_as_it_stands_and_nothing_is_attempted(slug, executed):
    notebook, assignment = executed("exercises", slug), tasks.assignment(slug[:2])
    assert {tuple(errors(cell)) for cell in notebook.cells} <= {(), ("CheckFailed",)}
    assert list(graded(notebook)) == [task.name for task in assignment.checked]
    for cell in graded(notebook).values():
        assert errors(cell) == ["CheckFailed"]
        assert said(cell)[0].startswith("Not attempted · 0 of ")
    n, points = len(assignment.checked), sum(task.points for task in assignment.checked)
    assert last(notebook) == f"{slug}: 0 of {n} tasks, 0 of {points} points"


def test_exercises_are_what_the_solutions_make():
    assert release.stale(ROOT) == []


@every_exercise
def test_nothing_of_the_answers_is_left_in_an_exercise(slug):
    left = "\n".join(cell.source for cell in source(ROOT / "exercises", slug).cells)
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN)", left)
    region = re.compile(r"### BEGIN \w+.*?\n(.*?)### END", re.DOTALL)
    for cell in source(ROOT / "solutions", slug).cells:
        for line in "\n".join(region.findall(cell.source)).splitlines():
            assert len(line.strip()) <= 25 or line.strip() not in left


@every_exercise
def test_size_of_an_exercise(slug):
    assignment = tasks.assignment(slug[:2])
    number = {6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten"}[len(assignment.tasks)]
    assert f"It has {number} tasks" in source(ROOT / "exercises", slug).cells[0].source
    assert len(assignment.written) == 1
    assert all(len(task.hints) == 2 for task in assignment.checked)
    assert all(task.points >= 1 for task in assignment.tasks.values())


@every_exercise
def test_cells_are_short(slug):
    cells = source(ROOT / "solutions", slug).cells
    lines = {c.id: len(c.source.splitlines()) for c in cells if c.cell_type == "code"}
    assert not {id: n for id, n in lines.items() if n > 25}


@every_exercise
def test_headings_step_down_one_at_a_time(slug):
    cells = source(ROOT / "exercises", slug).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.process
@every_exercise
def test_every_picture_has_alternative_text(slug, executed):
    for output in [o for c in executed("solutions", slug).cells for o in c.get("outputs", [])]:
        if "image/png" in output.get("data", {}):
            text = output.metadata.get("image/png", {}).get("alt", "")
            assert len(text) > 20
            assert "without a description" not in text


@every_exercise
def test_figures_in_sentences_are_the_ledgers(slug):
    assert prose.check(ROOT / "solutions" / slug / f"{slug}.ipynb") == []
