"""The manifest and page of each run folder, while a plan is at work and afterwards."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cifarlib._support.environment import environment
from cifarlib.runner import report
from cifarlib.runner.plan import Plan
from cifarlib.runner.schedule import Item

PAUSE = 20  # pages are written again after this many times what writing them takes


class Pages:
    """Writes the pages of a plan: one for each profile and seed, and one above several."""

    def __init__(self, plan: Plan, items: list[Item], where: dict[str, Any]) -> None:
        self._plan, self._items = plan, items
        self._began = time.monotonic()
        self._shared = {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "parameters": plan.parameters,
            "mirror": str(plan.mirror) if plan.mirror else None,
            "timeout": plan.timeout,
            "minutes": plan.minutes,
            "memory": plan.memory,
            "scheduler": plan.scheduler,
            **where,
            "environment": environment(),
        }
        self._next = 0.0

    def write(self, state: str) -> None:
        """Write all pages; `state` is that of the whole plan.

        Raises:
            CourseError: a folder cannot be written to.
        """
        began = time.monotonic()
        groups = self._plan.groups
        for (profile, seed), folder in groups.items():
            items = [i for i in self._items if i.task.group == folder]
            own = _state(items) if state != "running" and len(groups) > 1 else state
            report.write(folder, self._manifest(folder, items, own, profile=profile, seed=seed))
        if len(groups) > 1:
            runs = [folder.name for folder in groups.values()]
            report.write(
                self._plan.out, self._manifest(self._plan.out, self._items, state, runs=runs)
            )
        now = time.monotonic()
        self._next = now + PAUSE * (now - began)

    def write_sometimes(self) -> None:
        """Write all pages, unless that was done so recently that it would cost much time."""
        if time.monotonic() >= self._next:
            self.write("running")

    def _manifest(self, folder: Path, items: list[Item], state: str, **own: Any) -> dict:
        return {
            "state": state,
            **self._shared,
            **own,
            "seconds": round(time.monotonic() - self._began, 2),
            "notebooks": [_entry(folder, item) for item in items],
        }


def _entry(folder: Path, item: Item) -> dict[str, Any]:
    journal = item.journal if item.done else {}
    return {
        "slug": item.task.slug,
        "notebook": str(item.task.notebook),
        "profile": item.task.profile,
        "seed": item.task.seed,
        "group": item.task.group.relative_to(folder).as_posix(),
        "state": journal.get("state", "not run"),
        "seconds": journal.get("seconds"),
        "expected_minutes": item.minutes,
        "cells": journal.get("cells"),
        "failure": journal.get("failure"),
        "reused": item.done and not item.why,
        "why": item.why,
    }


def _state(items: list[Item]) -> str:
    """Return the state of one group after the plan has ended."""
    if not all(item.done for item in items):
        return "interrupted"
    states = {item.journal["state"] for item in items}
    if "interrupted" in states:
        return "interrupted"
    return "ok" if states == {"ok"} else "failed"
