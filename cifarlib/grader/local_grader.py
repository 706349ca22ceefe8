"""Grading one submission: the student's cells in one jail, the graded cells in another.

The parent, here, decides: from the source it knows which graded cells must run, and a cell without
a good outcome of its own scores nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import asdict

from cifarlib.grader.bubblewrap import Sandbox
from cifarlib.grader.exceptions import UnreadableError
from cifarlib.grader.jail_clients import CellResult, RefereeJail, StudentJail
from cifarlib.grader.name_ownership import imports_of_tests, only_shows, plan_tests
from cifarlib.grader.scores import Graded, Score, score_manual
from cifarlib.grader.session import GradingSession
from cifarlib.grader.source import Source
from cifarlib.grader.submitted_notebook import SubmittedNotebook, read_submitted_notebook

NO_OUTCOME = "The test did not run."


class LocalGrader:
    """Grades submissions to one assignment, one after the other, with one referee's jail."""

    def __init__(self, source: Source, sandbox: Sandbox) -> None:
        self.source, self.sandbox = source, sandbox
        self._tests = plan_tests(source.cells)
        code = [cell for cell in source.cells if cell.restored and cell.cell_type == "code"]
        self._idle = {cell.id for cell in code if not cell.graded and only_shows(cell)}
        self._preload = imports_of_tests(self._tests, source.cells)
        self._referee: RefereeJail | None = None

    def close(self) -> None:
        """End the referee's jail; it is started again when it is needed."""
        if self._referee is not None:
            self._referee.close()
            self._referee = None

    def grade(self, content: bytes, only: Collection[str] = ()) -> Graded:
        """Grade a submitted notebook.

        Args:
            only: names of graded cells, where not all are wanted.

        Raises:
            GoneError: a jail could not be started at all.
        """
        began = time.monotonic()
        try:
            submitted = read_submitted_notebook(content, self.source, self.sandbox.limits)
        except UnreadableError as reason:
            return Graded.unreadable(self.source, str(reason), self.sandbox.kind)
        self._get_referee()  # it imports while the student's cells run
        student = StudentJail(self.sandbox)
        session = GradingSession(self._tests, student, self._get_referee, self.close)
        try:
            student.wait_ready()
            graded = self._run(submitted, student, session, set(only) or set(self.source.worth))
        finally:
            student.close()
            session.end()
        graded.seconds = round(time.monotonic() - began, 2)
        return graded

    def _get_referee(self) -> RefereeJail:
        """Return the referee's jail, started at the latest now."""
        if self._referee is None:
            self._referee = RefereeJail(self.sandbox, self._preload)
        return self._referee

    def _run(
        self,
        submitted: SubmittedNotebook,
        student: StudentJail,
        session: GradingSession,
        wanted: Collection[str],
    ) -> Graded:
        worth = {id: points for id, points in self.source.worth.items() if id in wanted}
        scores = {id: Score(0, points, "no outcome", NO_OUTCOME) for id, points in worth.items()}
        graded = Graded("graded", scores, oddities=submitted.oddities, sandbox=self.sandbox.kind)
        known = self.source.by_id
        for cell in submitted.cells:
            theirs = known.get(cell.id)
            shown = asdict(cell) | {"outputs": [], "error": ""}
            if theirs is not None and theirs.graded:
                shown["source"] = theirs.visible
                if cell.id in wanted:
                    scores[cell.id] = session.grade_cell(theirs)
            elif cell.cell_type == "code" and cell.source.strip() and cell.id not in self._idle:
                result = student.run_cell(cell.source)
                shown |= {"outputs": result.outputs, "error": _error(result)}
            if theirs is not None and theirs.manual and cell.id in wanted:
                given = self.source.released.get(cell.id)
                scores[cell.id] = score_manual(theirs, cell.source, given)
            graded.notebook.append(shown)
        if student.gone:
            graded.problems.append(f"the submission's process {student.gone}")
        graded.problems += session.problems
        if student.unasked_answers:
            graded.oddities.append("its process sent answers that nobody had asked for")
        _keep_some_output(graded.notebook, self.sandbox.limits.kept_output_mb << 20)
        return graded


def _error(result: CellResult) -> str:
    return "" if result.ok else result.traceback or result.error


def _keep_some_output(notebook: list[dict], left: int) -> None:
    for cell in notebook:
        left -= sum(len(text) for piece in cell["outputs"] for text in piece.values())
        if left < 0:
            cell["outputs"] = [{"text": "[left out: there is too much output in this notebook]"}]
