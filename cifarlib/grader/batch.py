"""Grading many submissions: each on its own, in parallel, and never twice.

A submission's result lies in `results/STUDENT.json` as soon as it is graded, with the digest of
all that went into it. Whoever starts the batch again goes on where it was stopped.
"""

from __future__ import annotations

import hashlib
import json
import queue
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from cifarlib._support.files import write_atomic
from cifarlib.grader.bubblewrap import Sandbox
from cifarlib.grader.collect import Submission
from cifarlib.grader.exceptions import UnreadableError
from cifarlib.grader.local_grader import LocalGrader
from cifarlib.grader.scores import Graded
from cifarlib.grader.source import Source


class Grader(Protocol):
    """What grades submissions to one assignment, one after the other."""

    def grade(self, content: bytes, only: Collection[str] = ()) -> Graded:
        """Grade a submitted notebook; of its graded cells only some, where they are named."""

    def close(self) -> None:
        """End what was started for it."""


@dataclass(frozen=True)
class Batch:
    """What is graded, and where its results go.

    Attributes:
        only: names of graded cells, where just these are graded again; empty means all.
        force: grade again what has a result.
        make_grader: makes what grades, once for each job: in jails on this machine, if no other
            place is given.
    """

    source: Source
    sandbox: Sandbox
    out: Path
    only: Collection[str] = ()
    force: bool = False
    make_grader: Callable[[Source, Sandbox], Grader] = LocalGrader

    def result_path(self, student: str) -> Path:
        return self.out / "results" / f"{student}.json"

    def grade(
        self,
        submissions: Sequence[Submission],
        jobs: int,
        done: Callable[[str, Graded | None], None],
    ) -> None:
        """Grade what has no result yet.

        Args:
            done: is called in this thread for each submission with its result; with None where
                there was one already.
        """
        waiting: queue.SimpleQueue = queue.SimpleQueue()
        ready: queue.SimpleQueue = queue.SimpleQueue()
        for submission in submissions:
            waiting.put(submission)
        count = max(1, min(jobs, len(submissions)))
        for _ in range(count):
            waiting.put(None)
            threading.Thread(target=self._work, args=(waiting, ready), daemon=True).start()
        while count:
            finished = ready.get()
            if finished is None:
                count -= 1
            else:
                done(*finished)

    def _work(self, waiting: queue.SimpleQueue, ready: queue.SimpleQueue) -> None:
        grader = None
        try:
            while (submission := waiting.get()) is not None:
                try:
                    content = self._read(submission)
                    key = self._cache_key(content)
                    old = read_result(self.result_path(submission.student))
                    if old is not None and old["key"] == key and not (self.force or self.only):
                        ready.put((submission.student, None))
                        continue
                    grader = grader or self.make_grader(self.source, self.sandbox)
                    graded = self._grade(grader, content, old)
                    self._write(submission, key, graded)
                except Exception as error:  # whatever it is, the others go on
                    graded = Graded.failed(self.source, f"{type(error).__name__}: {error}")
                    print(f"{submission.student}: {graded.why}", file=sys.stderr)
                ready.put((submission.student, graded))
        finally:
            if grader is not None:
                grader.close()
            ready.put(None)

    def _read(self, submission: Submission) -> bytes | str:
        """Return the submitted notebook, or why there is none."""
        try:
            return submission.read(self.source.slug, self.sandbox.limits.notebook_mb)
        except UnreadableError as reason:
            return str(reason)

    def _cache_key(self, content: bytes | str) -> str:
        """Return the digest of all that decides a result: settings, source, submission."""
        settings = json.dumps([self.sandbox.kind, asdict(self.sandbox.limits)])
        given = content.encode() if isinstance(content, str) else content
        whole = settings.encode() + self.source.digest.encode() + given
        return hashlib.sha256(whole).hexdigest()

    def _grade(self, grader: Grader, content: bytes | str, old: dict | None) -> Graded:
        if isinstance(content, str):
            return Graded.unreadable(self.source, content, self.sandbox.kind)
        graded = grader.grade(content, self.only)
        if self.only and old is not None:
            scores = Graded.from_dict(old["graded"]).scores | graded.scores
            graded.scores = {id: scores[id] for id in self.source.worth if id in scores}
        return graded

    def _write(self, submission: Submission, key: str, graded: Graded) -> None:
        facts = {
            "student": submission.student,
            "assignment": self.source.slug,
            "timestamp": submission.timestamp,
            "graded_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "key": key,
            "graded": asdict(graded),
        }
        write_atomic(self.result_path(submission.student), json.dumps(facts, indent=1))


def read_result(path: Path) -> dict[str, Any] | None:
    """Return what a result file holds; None if there is none, or one of another form."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return facts if {"key", "graded"} <= facts.keys() and "scores" in facts["graded"] else None
    except (OSError, ValueError):
        return None
