"""The graded cells of one submission, played between the student's jail and the referee's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cifarlib.grader.jail_clients import Ended, Referee, Student
from cifarlib.grader.jail_process import GoneError, LateError
from cifarlib.grader.scores import Mark, mark
from cifarlib.grader.source import SourceCell

if TYPE_CHECKING:
    from cifarlib.grader.referee import Grader


class Match:
    """Runs graded cells in the referee's jail with values from the student's."""

    def __init__(self, grader: Grader, student: Student) -> None:
        self.problems: list[str] = []
        self._grader, self._student = grader, student
        self._referee: Referee | None = None
        self._prepared: set[str] = set()

    def play(self, cell: SourceCell) -> Mark:
        """Run one graded cell and return its mark."""
        try:
            referee = self._begin()
            self._prepare(referee, cell)
            names = self._grader.tests[cell.id].names
            refused = referee.bind(names, self._student.fetch(names)) if names else {}
            return mark(cell, *self._run(referee, cell), refused)
        except (GoneError, LateError) as reason:
            self._drop()
            text = f"The test could not be finished: the referee {reason or 'took too long'}."
            self.problems.append(f"{cell.id}: {text}")
            return Mark(0, cell.points, "no outcome", "The test could not be finished.", text)

    def _run(self, referee: Referee, cell: SourceCell) -> tuple[Ended, bool]:
        """Run a cell up to the piece that fails; return how that ended, and if it is hidden."""
        ended, in_hidden = Ended(True), False
        for text, hidden in cell.sections:
            ended, in_hidden = referee.test(text, self._student.call), hidden
            if not ended.ok:
                break
        return ended, in_hidden

    def end(self) -> None:
        """Leave the referee's jail ready for the next submission."""
        if self._referee is None:
            return
        try:
            self._referee.end()
        except (GoneError, LateError):
            self._drop()

    def _begin(self) -> Referee:
        if self._referee is None:
            referee = self._grader.referee()
            try:
                referee.begin()
            except GoneError:  # it died while it was idle; another one may start
                self._grader.close()
                referee = self._grader.referee()
                referee.begin()
            self._referee, self._prepared = referee, set()
        return self._referee

    def _prepare(self, referee: Referee, cell: SourceCell) -> None:
        """Run the instructor's code that precedes a graded cell in the source."""
        for id, test in self._grader.tests.items():
            if id not in self._prepared:
                self._prepared.add(id)
                ended = referee.prepare(test.before) if test.before else Ended(True)
                if not ended.ok:
                    self.problems.append(f"the instructor's code before {id}: {ended.error}")
            if id == cell.id:
                return

    def _drop(self) -> None:
        self._referee = None
        self._grader.close()
