"""The plan with what is known about each task: how long it takes, and whether it must run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cifarlib.runner import cells
from cifarlib.runner.cache_lookup import page_is_old, read_journal, why_not
from cifarlib.runner.durations import expected_minutes
from cifarlib.runner.plan import NotebookTask, Plan
from cifarlib.runner.pool import Pool


@dataclass(eq=False)
class Item:
    """One task of a plan.

    Attributes:
        minutes: how long it is expected to take; None if nobody knows.
        why: why it has to be run; "" if its earlier result is good.
        redraw: its earlier result is good, but its page was drawn with other templates.
        journal: of its last run; of this one, when it has ended.
        reads: it shows the results of the others in its group, and runs after them.
        done: its journal holds the result, made now or before.
    """

    task: NotebookTask
    minutes: float | None
    why: str
    journal: dict[str, Any] = field(repr=False)
    reads: bool
    redraw: bool = False
    done: bool = False


def schedule(plan: Plan, pool: Pool) -> list[Item]:
    """Return the items of a plan, in its order."""
    items = [_item(task, plan, pool) for task in plan.tasks]
    again = {item.task.group for item in items if item.why and not item.reads}
    for item in items:
        if item.reads and not item.why and item.task.group in again:
            item.why = "shows results of notebooks that are run again"
        item.done = not item.why
        item.redraw = item.done and page_is_old(item.journal)
    return items


def describe(items: list[Item], plan: Plan) -> str:
    """Return the plan for people: each task with its minutes, and what becomes of it."""
    width = max(len("notebook"), *(len(item.task.slug) for item in items))
    lines = []
    for item in items:
        task = item.task
        minutes = "      ?" if item.minutes is None else f"{item.minutes:7.1f}"
        reused = "reused, page drawn anew" if item.redraw else "reused"
        state = f"run: {item.why}" if item.why else reused
        lines.append(
            f"  {task.slug:<{width}}  {task.profile:<7}  {task.seed:>4}  {minutes}  {state}"
        )
    head = f"  {'notebook':<{width}}  profile  seed  minutes"
    return "\n".join([head, *lines, _sum(items, plan.jobs)])


def _sum(items: list[Item], jobs: int) -> str:
    """Say how much there is to do, and how long that takes."""
    todo = [item for item in items if item.why]
    if not todo:
        return f"Nothing to run: all {len(items)} results are reused."
    known = [item.minutes for item in todo if item.minutes is not None]
    unknown = len(todo) - len(known)
    parts = [f"{len(todo)} to run", f"{len(items) - len(todo)} reused"]
    if known:
        parts.append(f"about {max(max(known), sum(known) / jobs):.0f} minutes")
    if unknown:
        parts.append(f"{unknown} of unknown length")
    return f"{', '.join(parts)}."


def _item(task: NotebookTask, plan: Plan, pool: Pool) -> Item:
    journal = read_journal(task)
    minutes = expected_minutes(task, journal)
    why = "--fresh" if plan.fresh else why_not(task, pool.key(task), journal)
    return Item(task, minutes, why, journal, cells.reads_results(task.notebook))
