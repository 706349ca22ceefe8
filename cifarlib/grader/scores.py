"""What a graded cell scores, and everything else that is known about a graded submission."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from cifarlib.grader.jail_clients import Ended
from cifarlib.grader.source import SourceCell

HIDDEN_FAILED = "Right for the examples that you see, but not for others that were tried."
NOT_WRITTEN = "There is no answer yet."


@dataclass
class Mark:
    """The outcome of one graded cell.

    Attributes:
        score: points; None where a person has to look.
        reason: "passed", "failed", "hidden test failed", "refused" (a value that is not plain
            data), "no outcome", "bad score", "left empty" or "manual".
        message: for the student; gives no hidden test away.
        detail: for the instructor.
    """

    score: float | None
    worth: float
    reason: str
    message: str = ""
    detail: str = ""


@dataclass
class Graded:
    """Everything that is known about a graded submission.

    Attributes:
        state: "graded", or "unreadable" where the file is no notebook, for the reason `why`.
        oddities: what looks like tampering.
        problems: what a person should look at.
        notebook: the cells in the order in which they ran, with outputs, for the pages.
        sandbox: "bubblewrap" or "none".
    """

    state: str
    marks: dict[str, Mark]
    why: str = ""
    oddities: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notebook: list[dict] = field(default_factory=list)
    sandbox: str = ""
    seconds: float = 0.0

    @property
    def score(self) -> float:
        """The points so far, without those that a person will give."""
        return sum(mark.score or 0 for mark in self.marks.values())

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Graded:
        """Return what `as_dict` wrote."""
        marks = {id: Mark(**mark) for id, mark in facts["marks"].items()}
        return cls(**facts | {"marks": marks})


def mark(cell: SourceCell, ended: Ended, hidden: bool, refused: dict[str, str]) -> Mark:
    """Decide what a graded cell scores from how its last piece ended.

    Args:
        hidden: whether that piece is hidden from students.
        refused: why values of the student could not be handed in, by name.
    """
    said = "".join(piece.get("text", "") for piece in ended.outputs).strip()
    error = "" if ended.ok or ended.error.startswith("CheckFailed") else ended.error
    full = "\n".join(part for part in (said, error) if part)
    if ended.ok:
        if ended.score is None or ended.score == "full":
            return Mark(cell.points, cell.points, "passed", "" if hidden else said, full)
        score = ended.score
        if isinstance(score, int | float) and math.isfinite(score) and 0 <= score <= cell.points:
            return Mark(float(score), cell.points, "passed", "" if hidden else said, full)
        text = "The test gave a score that is not between 0 and the points of the task."
        return Mark(0, cell.points, "bad score", text, f"{full}\nscore: {score}")
    if refused:
        text = "\n".join(f"`{name}` cannot be graded: {why}." for name, why in refused.items())
        return Mark(0, cell.points, "refused", text, full)
    if hidden:
        return Mark(0, cell.points, "hidden test failed", HIDDEN_FAILED, full)
    return Mark(0, cell.points, "failed", full, full)


def manual_mark(cell: SourceCell, text: str, given: str | None) -> Mark:
    """Return the mark of a cell that a person grades: nothing where it was left as it was given."""
    if not cell.task and given is not None and text.strip() == given.strip():
        return Mark(0, cell.points, "left empty", NOT_WRITTEN)
    return Mark(None, cell.points, "manual", "A person reads this answer.")
