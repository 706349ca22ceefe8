"""The graded cells of one submission: tests in the referee's jail, values from the student's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cifarlib.grader.exceptions import GoneError, LateError
from cifarlib.grader.jail_clients import CellResult, RefereeJail, StudentJail
from cifarlib.grader.name_ownership import PlannedTest
from cifarlib.grader.scores import Score, score_test
from cifarlib.grader.source import SourceCell


class GradingSession:
    """Runs graded cells in the referee's jail with values from the student's.

    Attributes:
        problems: what a person should look at.
    """

    def __init__(
        self,
        tests: Mapping[str, PlannedTest],
        student: StudentJail,
        get_referee: Callable[[], RefereeJail],
        close_referee: Callable[[], None],
    ) -> None:
        """Begin with a student's jail.

        Args:
            tests: what the referee does for each graded cell, in the source's order.
            get_referee: returns the referee's jail, a fresh one if there is none.
            close_referee: ends a referee's jail that does not work any more.
        """
        self.problems: list[str] = []
        self._tests, self._student = tests, student
        self._get_referee, self._close_referee = get_referee, close_referee
        self._referee: RefereeJail | None = None
        self._prepared: set[str] = set()

    def grade_cell(self, cell: SourceCell) -> Score:
        """Run one graded cell and return its score."""
        try:
            referee = self._begin()
            self._prepare(referee, cell)
            names = self._tests[cell.id].names
            refused = referee.bind(names, self._student.fetch(names)) if names else {}
            return score_test(cell, *self._run(referee, cell), refused)
        except (GoneError, LateError) as reason:
            self._drop()
            text = f"The test could not be finished: the referee {str(reason) or 'took too long'}."
            self.problems.append(f"{cell.id}: {text}")
            return Score(0, cell.points, "no outcome", "The test could not be finished.", text)

    def end(self) -> None:
        """Leave the referee's jail ready for the next submission."""
        if self._referee is None:
            return
        try:
            self._referee.end_submission()
        except (GoneError, LateError):
            self._drop()

    def _begin(self) -> RefereeJail:
        if self._referee is None:
            referee = self._get_referee()
            try:
                referee.begin_submission()
            except GoneError:  # it died while it was idle; another one may start
                self._close_referee()
                referee = self._get_referee()
                referee.begin_submission()
            self._referee, self._prepared = referee, set()
        return self._referee

    def _prepare(self, referee: RefereeJail, cell: SourceCell) -> None:
        """Run the instructor's code that precedes a graded cell in the source."""
        for id, test in self._tests.items():
            if id not in self._prepared:
                self._prepared.add(id)
                result = referee.run_code(test.before) if test.before else CellResult(True)
                if not result.ok:
                    self.problems.append(f"the instructor's code before {id}: {result.error}")
            if id == cell.id:
                return

    def _run(self, referee: RefereeJail, cell: SourceCell) -> tuple[CellResult, bool]:
        """Run a cell up to the piece that fails; return how that ended, and if it is hidden."""
        result, in_hidden = CellResult(True), False
        for text, hidden in cell.sections:
            result, in_hidden = referee.run_test(text, self._student.call), hidden
            if not result.ok:
                break
        return result, in_hidden

    def _drop(self) -> None:
        self._referee = None
        self._close_referee()
