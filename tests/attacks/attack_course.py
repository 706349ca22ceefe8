"""A small exercise in nbgrader's source format, and the notebooks that are handed in for it."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

SLUG = "01_attacked"
SECRET = "9f3c71d2"  # stands in hidden tests, solutions, other files; must show up nowhere

HELPERS = """import numpy as np

DATA = np.arange(10.0)


def close(given, wanted):
    np.testing.assert_allclose(given, wanted)"""

# name: points, right answer, test, hidden test
QUESTIONS = {
    "mean": (1, "mean = 4.5", "assert mean == DATA.mean()", ""),
    "double": (
        2,
        "def double(values):\n    return [2 * value for value in values]",
        "assert double([1, 2]) == [2, 4]",
        f"assert double([5, 7, -1]) == [10, 14, -2], '{SECRET}'",
    ),
    "scale": (
        3,
        "def scale(x):\n    return (x - x.min()) / (x.max() - x.min())",
        "close(scale(DATA), DATA / 9)",
        f"close(scale(np.array([3.0, 5.0, 4.0])), [0, 1, 0.5])  # {SECRET}",
    ),
    "facts": (
        2,
        'facts = {"name": "relu", "layers": [1, 2, 3]}',
        'assert facts == {"name": "relu", "layers": [1, 2, 3]}',
        "",
    ),
    "share": (2, "share = 0.5", "2 - 4 * abs(share - 0.5)", ""),
}
WRONG = {
    "mean": "mean = 3",
    "double": "def double(values):\n    return values",
    "scale": "def scale(x):\n    return x",
    "facts": 'facts = {"name": "tanh"}',
    "share": "share = 0",
}
RIGHT = {name: answer for name, (_, answer, _, _) in QUESTIONS.items()}
FULL = sum(points for points, *_ in QUESTIONS.values())


def source() -> dict:
    """Return the instructor's notebook."""
    cells = [make_cell("import math"), make_cell(HELPERS, "helpers", locked=True)]
    for name, (points, answer, test, hidden) in QUESTIONS.items():
        solution = f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION"
        text = f"\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS" if hidden else ""
        cells.append(make_cell(solution, f"{name}_answer", solution=True))
        cells.append(make_cell(test + text, name, grade=True, locked=True, points=points))
    essay = make_cell(f"Because {SECRET}.", "essay", grade=True, solution=True, points=4)
    cells.append(essay | {"cell_type": "markdown"})
    return make_notebook(cells)


def released() -> dict:
    """Return what students get."""
    return handed_in({name: "# YOUR CODE HERE" for name in QUESTIONS}, essay="YOUR ANSWER HERE")


def handed_in(answers: dict[str, str], essay: str = "An answer.") -> dict:
    """Return a student's notebook with these answers; for "extra", a cell of its own, the last."""
    notebook = deepcopy(source())
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        question = name.removesuffix("_answer")
        if name == "essay":
            cell["source"] = essay
        elif name != question:
            cell["source"] = answers.get(question, RIGHT[question])
        elif question in QUESTIONS:
            cell["source"] = QUESTIONS[question][2]
    if "extra" in answers:
        notebook["cells"].append(make_cell(answers["extra"]))
    return notebook


def cell(notebook: dict, name: str) -> dict:
    """Return the cell with a name."""
    return next(
        c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name
    )


def text(notebook: object) -> bytes:
    """Return a notebook as its file's content."""
    return json.dumps(notebook).encode()


def write_source(folder: Path) -> Path:
    """Write `solutions/` and `exercises/` below a folder and return the former."""
    for name, notebook in [("solutions", source()), ("exercises", released())]:
        path = folder / name / SLUG / f"{SLUG}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(text(notebook))
    return folder / "solutions"


def make_cell(source: str, name: str = "", points: int = 0, **flags: bool) -> dict:
    """Return a code cell, with nbgrader's metadata where it has a name."""
    about = {"grade_id": name, "schema_version": 3, "points": points}
    about |= {flag: flags.get(flag, False) for flag in ("grade", "solution", "locked", "task")}
    if not points:
        del about["points"]
    metadata = {"nbgrader": about} if name else {}
    return {
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "outputs": [],
        "execution_count": None,
        "id": name or "plain",
    }


def make_notebook(cells: list[dict]) -> dict:
    """Return a notebook of format 4."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
