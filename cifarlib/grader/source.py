"""The instructor's notebook in nbgrader's source format: its cells, points, and hidden tests."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from cifarlib.errors import CourseError
from cifarlib.grader.nbgrader_format import FLAGS, RELEASE

HIDDEN = re.compile(
    r"^[^\n]*### BEGIN HIDDEN TESTS[^\n]*\n(.*?)^[^\n]*### END HIDDEN TESTS[^\n]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class SourceCell:
    """One cell of the source.

    Attributes:
        id: nbgrader's name of the cell; "" for a cell that nbgrader does not know.
        grade, solution, task, locked: nbgrader's flags.
        points: 0 where nothing is graded.
    """

    id: str
    cell_type: str
    source: str
    grade: bool = False
    solution: bool = False
    task: bool = False
    locked: bool = False
    points: float = 0

    @property
    def graded(self) -> bool:
        """Whether a program grades it."""
        return self.grade and not self.solution and self.cell_type == "code"

    @property
    def manual(self) -> bool:
        """Whether a person grades it."""
        return (self.grade and not self.graded) or self.task

    @property
    def restored(self) -> bool:
        """Whether its text is the instructor's, whatever a submission says."""
        return bool(self.id) and (self.graded or (self.locked and not self.solution))

    @property
    def visible(self) -> str:
        """What students see of its text."""
        return HIDDEN.sub("", self.source).rstrip()

    @property
    def sections(self) -> list[tuple[str, bool]]:
        """Its text in pieces, each with whether it is hidden from students."""
        parts, start = [], 0
        for match in HIDDEN.finditer(self.source):
            parts += [(self.source[start : match.start()], False), (match[1], True)]
            start = match.end()
        parts.append((self.source[start:], False))
        parts = [(text, hidden) for text, hidden in parts if text.strip()]
        if all(_complete(text) for text, _ in parts):
            return parts
        return [(self.source, True)]  # what is hidden cannot be told apart


@dataclass(frozen=True)
class Source:
    """The instructor's notebook."""

    slug: str
    path: Path
    digest: str
    cells: tuple[SourceCell, ...]
    released: dict[str, str]  # the text of named cells as students got them, where that is known

    @property
    def by_id(self) -> dict[str, SourceCell]:
        return {cell.id: cell for cell in self.cells if cell.id}

    @property
    def worth(self) -> dict[str, float]:
        """The points of each graded cell, in the notebook's order."""
        return {cell.id: cell.points for cell in self.cells if cell.graded or cell.manual}

    @property
    def files(self) -> list[Path]:
        """Data files beside the notebook, which its cells may read."""
        return [
            path
            for path in sorted(self.path.parent.iterdir())
            if not path.name.startswith(".") and path.suffix != ".ipynb" and path.suffix != ".db"
        ]


def released_path(source: Path) -> Path:
    """Return where the notebook lies that students got for an instructor's."""
    return source.parents[2] / RELEASE / source.parent.name / source.name


def read_source(path: Path) -> Source:
    """Read the instructor's notebook.

    Raises:
        CourseError: it is missing, is no notebook, or names a cell twice.
    """
    try:
        content = path.read_bytes()
        cells = _cells(content)
        exercise = released_path(path)
        given = _cells(exercise.read_bytes()) if exercise.is_file() else ()
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(f"{path} is no notebook ({type(error).__name__}).") from error
    ids = [cell.id for cell in cells if cell.id]
    twice = sorted({id for id in ids if ids.count(id) > 1})
    if twice:
        raise CourseError(f"{path} has two cells named {', '.join(twice)}. Rename one of each.")
    released = {cell.id: cell.source for cell in given if cell.id}
    return Source(path.stem, path, hashlib.sha256(content).hexdigest(), cells, released)


def find_source(assignment: str, folder: Path) -> Source:
    """Return the source of an assignment given by number ("03") or name ("03_cifar10_cnn").

    Raises:
        CourseError: there is none, or more than one.
    """
    folder = folder.absolute()
    found = [p for p in sorted(folder.glob("*/*.ipynb")) if p.stem == p.parent.name]
    fitting = [p for p in found if assignment in (p.stem, p.stem.split("_")[0])]
    if len(fitting) != 1:
        known = ", ".join(path.stem for path in found) or "none"
        raise CourseError(
            f'No assignment "{assignment}" in {folder}. There is: {known}. '
            "Run this in the course's folder, or name the folder with --source."
        )
    return read_source(fitting[0])


def _cells(content: bytes) -> tuple[SourceCell, ...]:
    return tuple(_cell(cell) for cell in json.loads(content)["cells"])


def _cell(cell: dict) -> SourceCell:
    about = cell.get("metadata", {}).get("nbgrader", {})
    return SourceCell(
        id=str(about.get("grade_id", "")),
        cell_type=cell["cell_type"],
        source="".join(cell["source"]),  # a text, or a list of its lines
        points=float(about.get("points", 0) or 0),
        **{flag: bool(about.get(flag)) for flag in FLAGS},
    )


def _complete(text: str) -> bool:
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        compile(TransformerManager().transform_cell(text), "<cell>", "exec")
    except SyntaxError:
        return False
    return True
