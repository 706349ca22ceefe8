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
from typing import Any

from cifarlib._support.files import write_atomic
from cifarlib.grader.bubblewrap import Sandbox
from cifarlib.grader.collect import Handed
from cifarlib.grader.referee import Grader
from cifarlib.grader.scores import Graded, Mark
from cifarlib.grader.source import Source
from cifarlib.grader.submission import UnreadableError


@dataclass(frozen=True)
class Batch:
    """What is graded, and where its results go.

    Attributes:
        only: names of graded cells, where just these are graded again; empty means all.
        force: grade again what has a result.
        grader: makes what grades, one for each job; None for jails on this machine.
    """

    source: Source
    sandbox: Sandbox
    out: Path
    only: Collection[str] = ()
    force: bool = False
    grader: Callable[[Source, Sandbox], Grader] | None = None

    def result_path(self, student: str) -> Path:
        return self.out / "results" / f"{student}.json"

    def grade(
        self, handed: Sequence[Handed], jobs: int, done: Callable[[str, Graded | None], None]
    ) -> None:
        """Grade what has no result yet.

        Args:
            done: is called in this thread for each submission with its result; with None where
                there was one already.
        """
        waiting: queue.SimpleQueue = queue.SimpleQueue()
        ready: queue.SimpleQueue = queue.SimpleQueue()
        for item in handed:
            waiting.put(item)
        count = max(1, min(jobs, len(handed)))
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
            while (item := waiting.get()) is not None:
                try:
                    content, key, old = self._look(item)
                    if old is not None and old["key"] == key and not (self.force or self.only):
                        ready.put((item.student, None))
                        continue
                    grader = grader or (self.grader or Grader)(self.source, self.sandbox)
                    graded = self._one(grader, content, old)
                    self._keep(item, key, graded)
                except Exception as error:  # whatever it is, the others go on
                    graded = failure(self.source, f"{type(error).__name__}: {error}")
                    print(f"{item.student}: {graded.why}", file=sys.stderr)
                ready.put((item.student, graded))
        finally:
            if grader is not None:
                grader.close()
            ready.put(None)

    def _look(self, item: Handed) -> tuple[bytes | str, str, dict | None]:
        """Return the notebook, or why there is none; the digest of all; and an earlier result."""
        try:
            content: bytes | str = item.read(self.source.slug, self.sandbox.limits.notebook_mb)
        except UnreadableError as reason:
            content = str(reason)
        settings = json.dumps([self.sandbox.kind, asdict(self.sandbox.limits)])
        given = content.encode() if isinstance(content, str) else content
        digest = hashlib.sha256(settings.encode() + self.source.digest.encode() + given)
        return content, digest.hexdigest(), read_result(self.result_path(item.student))

    def _one(self, grader: Grader, content: bytes | str, old: dict | None) -> Graded:
        if isinstance(content, str):
            return grader.unreadable(content)
        graded = grader.grade(content, self.only)
        if self.only and old is not None:
            marks = {id: Mark(**mark) for id, mark in old["graded"]["marks"].items()} | graded.marks
            graded.marks = {id: marks[id] for id in self.source.worth if id in marks}
        return graded

    def _keep(self, item: Handed, key: str, graded: Graded) -> None:
        facts = {
            "student": item.student,
            "assignment": self.source.slug,
            "timestamp": item.timestamp,
            "graded_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "key": key,
            "graded": graded.as_dict(),
        }
        write_atomic(self.result_path(item.student), json.dumps(facts, indent=1))


def failure(source: Source, why: str) -> Graded:
    """Return the result of a submission that the grader itself could not deal with."""
    marks = {id: Mark(None, worth, "no outcome", why) for id, worth in source.worth.items()}
    return Graded("failed", marks, why, problems=[f"grading failed: {why}"])


def read_result(path: Path) -> dict[str, Any] | None:
    """Return what a result file holds; None if there is none."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return facts if {"key", "graded"} <= facts.keys() else None
    except (OSError, ValueError):
        return None
