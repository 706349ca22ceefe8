"""What a graded cell scores, and everything else that is known about a graded submission."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from cifarlib.grader.jail_clients import CellResult
from cifarlib.grader.source import Source, SourceCell

HIDDEN_FAILED = "Right for the examples that you see, but not for others that were tried."
NOT_WRITTEN = "There is no answer yet."


@dataclass
class Score:
    """The outcome of one graded cell.

    Attributes:
        points: None where a person has to look.
        worth: the points of a right answer.
        reason: "passed", "failed", "hidden test failed", "refused" (a value that is not plain
            data), "no outcome", "bad score", "left empty" or "manual".
        message: for the student; gives no hidden test away.
        detail: for the instructor.
    """

    points: float | None
    worth: float
    reason: str
    message: str = ""
    detail: str = ""


@dataclass
class Graded:
    """Everything that is known about a graded submission.

    Attributes:
        state: "graded"; "unreadable" where the file is no notebook; "failed" where the grader
            itself could not deal with it. `why` is the reason of the last two.
        scores: of each graded cell, by name.
        oddities: what looks like tampering.
        problems: what a person should look at.
        notebook: the cells in the order in which they ran, with outputs, for the pages.
        sandbox: "bubblewrap" or "none".
    """

    state: str
    scores: dict[str, Score]
    why: str = ""
    oddities: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notebook: list[dict] = field(default_factory=list)
    sandbox: str = ""
    seconds: float = 0.0

    @property
    def total(self) -> float:
        """The points so far, without those that a person will give."""
        return sum(score.points or 0 for score in self.scores.values())

    @property
    def worth(self) -> float:
        """The points of right answers to all that was graded."""
        return sum(score.worth for score in self.scores.values())

    @classmethod
    def unreadable(cls, source: Source, why: str, sandbox: str) -> Graded:
        """Return the result of what is no notebook: no points."""
        return cls("unreadable", _without_outcome(source, 0, why), why, [], [why], sandbox=sandbox)

    @classmethod
    def failed(cls, source: Source, why: str) -> Graded:
        """Return the result of what the grader could not deal with: a person has to look."""
        scores = _without_outcome(source, None, why)
        return cls("failed", scores, why, problems=[f"grading failed: {why}"])

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Graded:
        """Return what was written as `asdict(graded)`."""
        scores = {id: Score(**score) for id, score in facts["scores"].items()}
        return cls(**facts | {"scores": scores})


def score_test(
    cell: SourceCell, result: CellResult, hidden: bool, refused: dict[str, str]
) -> Score:
    """Decide what a graded cell scores from how its last piece ended.

    Args:
        hidden: whether that piece is hidden from students.
        refused: why values of the student could not be handed in, by name.
    """
    said = "".join(piece.get("text", "") for piece in result.outputs).strip()
    error = "" if result.ok or result.error.startswith("CheckFailed") else result.error
    full = "\n".join(part for part in (said, error) if part)
    if result.ok:
        if result.score is None or result.score == "full":
            return Score(cell.points, cell.points, "passed", "" if hidden else said, full)
        score = result.score
        if isinstance(score, int | float) and math.isfinite(score) and 0 <= score <= cell.points:
            return Score(float(score), cell.points, "passed", "" if hidden else said, full)
        text = "The test gave a score that is not between 0 and the points of the task."
        return Score(0, cell.points, "bad score", text, f"{full}\nscore: {score}")
    if refused:
        text = "\n".join(f"`{name}` cannot be graded: {why}." for name, why in refused.items())
        return Score(0, cell.points, "refused", text, full)
    if hidden:
        return Score(0, cell.points, "hidden test failed", HIDDEN_FAILED, full)
    return Score(0, cell.points, "failed", full, full)


def score_manual(cell: SourceCell, text: str, given: str | None) -> Score:
    """Return the score of a cell that a person grades: 0 where it was left as it was given."""
    if not cell.task and given is not None and text.strip() == given.strip():
        return Score(0, cell.points, "left empty", NOT_WRITTEN)
    return Score(None, cell.points, "manual", "A person reads this answer.")


def _without_outcome(source: Source, points: float | None, why: str) -> dict[str, Score]:
    return {id: Score(points, worth, "no outcome", why) for id, worth in source.worth.items()}
