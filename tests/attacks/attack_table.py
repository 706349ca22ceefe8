"""What a submission does, and what it must get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from attack_course import FULL, RIGHT, WRONG, handed_in, text


@dataclass(frozen=True)
class Attack:
    """One submission.

    Attributes:
        content: the file's bytes; or a function that puts something at a path without suffix.
        score: the points it must get.
        reasons: of graded cells, such as {"mean": "refused"}.
        odd: text that must be among the oddities; "" means that there must be none.
        problem: text that must be among the problems; "" means that there must be none.
        state: of the result.
    """

    content: bytes | Callable
    score: float
    reasons: dict[str, str] = field(default_factory=dict)
    odd: str = ""
    problem: str = ""
    state: str = "graded"


def cheat(code: str, **more) -> Attack:
    """Return a submission whose answers are wrong and which then runs this code: it must get 0."""
    answers = dict.fromkeys(WRONG, "pass") | {"mean": "\n".join([*WRONG.values(), code])}
    return Attack(text(handed_in(answers)), 0, **more)


def harm(code: str, score: float, where: str = "double", **more) -> Attack:
    """Return a submission with all right but one answer, which is this code."""
    return Attack(text(handed_in(RIGHT | {where: code})), score, **more)


def honest(answers: dict[str, str], score: float = FULL, **more) -> Attack:
    """Return a submission without bad intentions; what is not named is right."""
    return Attack(text(handed_in(RIGHT | answers)), score, **more)
