"""Results into nbgrader's gradebook: by the instructor's process alone, and all or nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat import v4

from cifarlib._support.files import write_atomic
from cifarlib.errors import CourseError
from cifarlib.grader.batch import read_result
from cifarlib.grader.nbgrader_format import FLAGS, load_config
from cifarlib.grader.source import Source


def write(database: Path, source: Source, rows: list[dict[str, Any]]) -> None:
    """Write the scores of all rows in one transaction. Scores given by hand stay.

    Late penalties are what nbgrader's own plugin says, set in `nbgrader_config.py`.

    Raises:
        CourseError: nbgrader is missing, or the gradebook does not fit; nothing was written then.
    """
    config = load_config(database.parent)
    with _transaction(database) as book:
        _add_assignment(book, source, config)
        for row in rows:
            _add_student(book, source, row, config)


@contextmanager
def _transaction(database: Path) -> Iterator[Any]:
    """Give an open gradebook whose changes are kept together at the end, or not at all."""
    try:
        from nbgrader.api import Gradebook
    except ImportError as error:
        raise CourseError(
            f"The gradebook needs nbgrader, which cannot be imported ({error}). "
            'Install it with `pip install "cifarlib[teach]"`.'
        ) from None
    with _path_with_alembic(), Gradebook(f"sqlite:///{database.absolute()}") as book:
        commit, book.db.commit = book.db.commit, book.db.flush  # nbgrader commits at every step
        try:
            yield book
            commit()
        except CourseError:
            book.db.rollback()
            raise
        except Exception as error:
            book.db.rollback()
            raise CourseError(
                f"{database} was left as it was: {type(error).__name__}: {error}. The results are "
                "in grades.csv and grades.json; mend the gradebook and grade again."
            ) from error


@contextmanager
def _path_with_alembic() -> Iterator[None]:
    """Let nbgrader find the command `alembic`, which lies beside this Python."""
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    try:
        yield
    finally:
        os.environ["PATH"] = path


def _add_assignment(book: Any, source: Source, config: Any) -> None:
    """Make the gradebook know the assignment as `nbgrader generate_assignment` does."""
    from nbgrader.api import MissingEntry
    from nbgrader.preprocessors import ClearSolutions, ComputeChecksums

    try:
        notebook = book.find_notebook(source.slug, source.slug)
        if {cell.name for cell in [*notebook.grade_cells, *notebook.task_cells]} != set(
            source.worth
        ):
            raise CourseError(
                f"The gradebook has other graded cells in {source.slug} than {source.path}. "
                f"`nbgrader generate_assignment {source.slug} --force` brings them together, or "
                "name another file with --gradebook."
            )
        return
    except MissingEntry:
        book.update_or_create_assignment(source.slug)
    notebook = nbformat.read(source.path, as_version=4)
    resources = {"nbgrader": {"notebook": source.slug, "assignment": source.slug}}
    for step in (ClearSolutions, ComputeChecksums):
        notebook, _ = step(config=config).preprocess(notebook, resources)
    kernel = json.dumps(notebook.metadata.get("kernelspec", {}))
    book.add_notebook(source.slug, source.slug, kernelspec=kernel)
    for cell in notebook.cells:
        _add_cell(book, source, cell)


def _add_cell(book: Any, source: Source, cell: Any) -> None:
    about = cell.metadata.get("nbgrader", {})
    place = (about.get("grade_id"), source.slug, source.slug)
    graded = {"max_score": float(about.get("points", 0)), "cell_type": cell.cell_type}
    if about.get("grade"):
        book.update_or_create_grade_cell(*place, **graded)
    if about.get("solution"):
        book.update_or_create_solution_cell(*place)
    if about.get("task"):
        book.update_or_create_task_cell(*place, **graded)
    if any(about.get(flag) for flag in FLAGS):
        book.update_or_create_source_cell(
            *place,
            cell_type=cell.cell_type,
            locked=bool(about.get("locked")),
            source=cell.source,
            checksum=about.get("checksum"),
        )


def _add_student(book: Any, source: Source, row: dict[str, Any], config: Any) -> None:
    """Set a student's scores as nbgrader's autograder does; what a person gave is not touched."""
    student, slug = row["student"], source.slug
    book.update_or_create_student(student)
    when = {"timestamp": row["timestamp"]} if row["timestamp"] else {}
    submission = book.update_or_create_submission(slug, student, **when)
    for id, score in row["scores"].items():
        grade = book.find_grade(id, slug, slug, student)
        grade.auto_score = score["points"]
        grade.needs_manual_grade = score["points"] is None or grade.manual_score is not None
    book.db.flush()
    notebook = book.find_submission_notebook(slug, slug, student)
    book.db.refresh(notebook)  # its score is a sum that the database works out
    notebook.late_submission_penalty = _penalty(student, submission, notebook, config)


def _penalty(student: str, submission: Any, notebook: Any, config: Any) -> float | None:
    from nbgrader.preprocessors import AssignLatePenalties

    if not submission.total_seconds_late:
        return None
    assigner = AssignLatePenalties(config=config)
    assigner.init_plugin()
    late = submission.total_seconds_late
    penalty = assigner.plugin_inst.late_submission_penalty(student, notebook.score, late)
    return None if penalty is None else min(max(penalty, 0), notebook.score)


def write_notebooks(out: Path, autograded: Path, source: Source, rows: list[dict]) -> None:
    """Write graded notebooks where nbgrader's formgrader looks for them, for manual grading."""
    for row in rows:
        facts = read_result(out / "results" / f"{row['student']}.json")
        if facts is not None and row["state"] == "graded":
            notebook = _notebook(source, facts["graded"])
            path = autograded / row["student"] / source.slug / f"{source.slug}.ipynb"
            write_atomic(path, nbformat.writes(notebook))


def _notebook(source: Source, graded: dict[str, Any]) -> nbformat.NotebookNode:
    """Return a graded notebook; what a student's cells showed is in it as text and PNG only."""
    known, cells, seen = source.by_id, [], set()
    for cell in graded["notebook"]:
        make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
        new = make.get(cell["cell_type"], v4.new_raw_cell)(cell["source"])
        theirs, score = known.get(cell["id"]), graded["scores"].get(cell["id"])
        if theirs is not None and cell["id"] not in seen:
            seen.add(cell["id"])
            new.metadata["nbgrader"] = {
                "schema_version": 3,
                "grade_id": theirs.id,
                **{flag: getattr(theirs, flag) for flag in FLAGS},
                **({"points": theirs.points} if theirs.grade or theirs.task else {}),
            }
        if cell["cell_type"] == "code":
            new.outputs = [_output(piece) for piece in cell["outputs"]]
            texts = [cell["error"], score["message"] if score else ""]
            new.outputs += [v4.new_output("stream", text=text + "\n") for text in texts if text]
        cells.append(new)
    return v4.new_notebook(cells=cells)


def _output(piece: dict[str, str]) -> nbformat.NotebookNode:
    if "png" in piece:
        return v4.new_output("display_data", data={"image/png": piece["png"]})
    return v4.new_output("stream", text=piece["text"])
