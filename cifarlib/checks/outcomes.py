"""What a check says: one of four outcomes, shown as rich text in JupyterLab and plain elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape


class Kind(StrEnum):
    """The four outcomes."""

    NOT_ATTEMPTED = "Not attempted"
    WRONG = "Not right yet"
    RIGHT = "Right"
    NOTE = "Right, but see this"


PASSED = (Kind.RIGHT, Kind.NOTE)
_COLOURS = {
    Kind.NOT_ATTEMPTED: "#888888",
    Kind.WRONG: "#D55E00",
    Kind.RIGHT: "#009E73",
    Kind.NOTE: "#0072B2",
}
_BOX = "border-left: 5px solid {colour}; padding: 0.3em 0.8em; margin: 0.3em 0"


class Wrong(Exception):  # noqa: N818
    """Raised by a check: the answer is wrong, and the message says in what way."""


class NotAttempted(Exception):  # noqa: N818
    """Raised by a check: there is no answer yet."""


@dataclass(frozen=True)
class Outcome:
    """The result of one check.

    Attributes:
        task: the task's full name, such as "02.conv_parameters".
        message: for the student; `code` is written between back quotes.
        points: what the task is worth.
        hints: the task's hints, shown folded where the answer is not right.
        detail: for the teacher, where the message must not give a hidden test away.
    """

    task: str
    kind: Kind
    message: str
    points: int
    hints: Sequence[str] = ()
    detail: str = ""

    @property
    def passed(self) -> bool:
        return self.kind in PASSED

    @property
    def earned(self) -> int:
        """Points: all or none."""
        return self.points if self.passed else 0

    @property
    def headline(self) -> str:
        return f"{self.kind} · {self.earned} of {points(self.points)}"

    def __repr__(self) -> str:
        lines = [f"{self.headline} · {self.task}", *f"{self.message}".splitlines()]
        if self.hints and not self.passed:
            lines.append(f'Stuck? check.hint("{self.task}")')
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        box = _BOX.format(colour=_COLOURS[self.kind])
        parts = [f'<div style="{box}">', f"<b>{escape(self.headline)}</b><br>", html(self.message)]
        if self.hints and not self.passed:
            first, second = map(html, self.hints)
            deeper = f"<details><summary>More</summary>{second}</details>"
            parts.append(f"<details><summary>Hint</summary>{first}{deeper}</details>")
        return "".join([*parts, "</div>"])


class CheckFailed(Exception):  # noqa: N818
    """An answer is missing or wrong. What is wrong was shown before; this fails the cell.

    IPython asks the exception itself how it wants to be shown, so no traceback appears.
    """

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(f"{outcome.task}: {outcome.headline}")

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True)
class ExerciseProgress:
    """How far an exercise is: the outcomes of its checks, and the points a person will give."""

    title: str
    outcomes: Sequence[Outcome]
    written_points: int

    @property
    def headline(self) -> str:
        done = sum(outcome.passed for outcome in self.outcomes)
        earned = sum(outcome.earned for outcome in self.outcomes)
        total = points(sum(outcome.points for outcome in self.outcomes))
        return f"{done} of {len(self.outcomes)} tasks, {earned} of {total}"

    @property
    def remark(self) -> str:
        if not self.written_points:
            return ""
        return f"{points(self.written_points)} more for what you wrote: a person reads it."

    def __repr__(self) -> str:
        lines = [f"{self.title}: {self.headline}"]
        lines += [f"  {o.task:32} {o.headline}" for o in self.outcomes]
        return "\n".join([*lines, self.remark] if self.remark else lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align: left">{escape(o.task)}</td>'
            f'<td style="text-align: left; border-left: 5px solid {_COLOURS[o.kind]}">'
            f"{escape(o.headline)}</td></tr>"
            for o in self.outcomes
        )
        return f"<b>{escape(self.headline)}</b><table>{rows}</table><p>{escape(self.remark)}</p>"


def points(number: int) -> str:
    """Return "1 point" or "3 points"."""
    return f"{number} point" + "s" * (number != 1)


def html(text: str) -> str:
    """Return text as a paragraph of HTML; what stands between back quotes is code."""
    marked = re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
    return f"<p>{marked}</p>".replace("\n", "<br>")
