"""Grading one submission: the student's cells in one jail, the graded cells in another.

The parent, here, decides: from the source it knows which graded cells must run, and a cell without
a good outcome of its own scores nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import asdict

from cifarlib.grader.bubblewrap import Sandbox
from cifarlib.grader.jail_clients import Ended, Referee, Student
from cifarlib.grader.name_ownership import imports, only_shows, plan
from cifarlib.grader.scores import Graded, Mark, manual_mark
from cifarlib.grader.session import Match
from cifarlib.grader.source import Source
from cifarlib.grader.submission import Submission, UnreadableError, read_submission

NO_OUTCOME = "The test did not run."
KEPT_OUTPUT = 2 << 20  # characters of output of all of a submission's cells


class Grader:
    """Grades submissions to one assignment, one after the other, with one referee's jail."""

    def __init__(self, source: Source, sandbox: Sandbox) -> None:
        self.source, self.sandbox = source, sandbox
        self.tests = plan(source.cells)
        code = [cell for cell in source.cells if cell.restored and cell.cell_type == "code"]
        self._idle = {cell.id for cell in code if not cell.graded and only_shows(cell)}
        self._preload = imports(self.tests, source.cells)
        self._referee: Referee | None = None

    def start(self) -> None:
        """Start the referee's jail, which imports while a student's cells run."""
        if self._referee is None:
            self._referee = Referee(self.sandbox, self._preload)

    def referee(self) -> Referee:
        """Return the referee's jail, started at the latest now."""
        self.start()
        assert self._referee is not None
        return self._referee

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
            submission = read_submission(content, self.source, self.sandbox.limits.notebook_mb)
        except UnreadableError as reason:
            return self.unreadable(str(reason))
        self.start()
        student = Student(self.sandbox)
        match = Match(self, student)
        try:
            student.wait_ready()
            graded = self._run(submission, student, match, set(only) or set(self.source.worth))
        finally:
            student.close()
            match.end()
        graded.seconds = round(time.monotonic() - began, 2)
        return graded

    def unreadable(self, why: str) -> Graded:
        """Return the result of what is no notebook."""
        marks = {id: Mark(0, worth, "no outcome", why) for id, worth in self.source.worth.items()}
        return Graded("unreadable", marks, why, problems=[why], sandbox=self.sandbox.kind)

    def _run(
        self, submission: Submission, student: Student, match: Match, wanted: Collection[str]
    ) -> Graded:
        worth = {id: points for id, points in self.source.worth.items() if id in wanted}
        marks = {id: Mark(0, points, "no outcome", NO_OUTCOME) for id, points in worth.items()}
        graded = Graded("graded", marks, oddities=submission.oddities, sandbox=self.sandbox.kind)
        known = self.source.by_id
        for cell in submission.cells:
            theirs = known.get(cell.id)
            shown = asdict(cell) | {"outputs": [], "error": ""}
            if theirs is not None and theirs.graded:
                shown["source"] = theirs.visible
                if cell.id in wanted:
                    marks[cell.id] = match.play(theirs)
            elif cell.cell_type == "code" and cell.source.strip() and cell.id not in self._idle:
                ended = student.run(cell.source)
                shown |= {"outputs": ended.outputs, "error": _error(ended)}
            if theirs is not None and theirs.manual and cell.id in wanted:
                marks[cell.id] = manual_mark(theirs, cell.source, self.source.released.get(cell.id))
            graded.notebook.append(shown)
        if student.gone:
            graded.problems.append(f"the submission's process {student.gone}")
        graded.problems += match.problems
        if student.foreign:
            graded.oddities.append("its process sent answers that nobody had asked for")
        _keep_some_output(graded.notebook)
        return graded


def _error(ended: Ended) -> str:
    return "" if ended.ok else ended.traceback or ended.error


def _keep_some_output(notebook: list[dict]) -> None:
    left = KEPT_OUTPUT
    for cell in notebook:
        left -= sum(len(text) for piece in cell["outputs"] for text in piece.values())
        if left < 0:
            cell["outputs"] = [{"text": "[left out: there is too much output in this notebook]"}]
