"""`cifarlib run`: execute a plan, here or on a cluster, and leave a page of results."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import ExitStack, suppress
from typing import Any

from cifarlib._support.device_allocation import longest_first
from cifarlib.errors import CourseError
from cifarlib.runner.cache_lookup import draw_page_anew
from cifarlib.runner.journal import Journal
from cifarlib.runner.local_pool import LocalPool
from cifarlib.runner.plan import Plan
from cifarlib.runner.pool import Pool
from cifarlib.runner.run_lock import sole_user
from cifarlib.runner.run_pages import Pages
from cifarlib.runner.schedule import Item, describe, schedule
from cifarlib.runner.signals import Stop, stop_signals
from cifarlib.runner.supervise import NOT_RUN, sweep


def run(plan: Plan, *, dry_run: bool = False) -> int:
    """Execute the plan and write `manifest.json` and `index.html` into its out folder.

    What an earlier call has done is reused if nothing it depends on has changed. A notebook that
    fails does not stop the others. Ctrl-C and SIGTERM stop the run in an orderly way: no process
    is left behind, and the page tells what was done.

    Args:
        dry_run: only print the plan; nothing is written.

    Returns:
        0 if all is well, 1 if a notebook failed, 130 or 143 if the run was stopped.

    Raises:
        CourseError: the out folder cannot be written to, or another run is at work there.
    """
    with ExitStack() as held:
        if not dry_run:
            held.enter_context(sole_user(plan.out))
        stop = held.enter_context(stop_signals())
        pool = held.enter_context(_pool(plan, stop))
        items = schedule(plan, pool)
        print(describe(items, plan), flush=True)
        if dry_run:
            return 0
        return _execute(items, pool, stop, Pages(plan, items, pool.facts()), plan)


def _pool(plan: Plan, stop: Stop) -> Pool:
    if plan.scheduler is None:
        return LocalPool(plan, stop)
    from cifarlib.runner.dask_pool import DaskPool

    return DaskPool(plan, stop)


def _execute(items: list[Item], pool: Pool, stop: Stop, pages: Pages, plan: Plan) -> int:
    for item in items:
        if item.redraw:
            item.journal = draw_page_anew(item.task, item.journal)
    pages.write("running")
    waiting = longest_first([i for i in items if not i.done], lambda item: item.minutes)
    for item in waiting:
        sweep(item.journal)
    total, running = len(waiting), {}
    while running or (waiting and not stop.requests):
        while not stop.requests and (item := _choose(waiting, list(running.values()), pool)):
            waiting.remove(item)
            label = f"[{total - len(waiting)}/{total}] {_name(item, plan)}"
            running[pool.submit(item.task, pool.key(item.task), label)] = item
        if stop.requests:
            pool.cancel()
        for future in wait(running, timeout=0.2, return_when=FIRST_COMPLETED).done:
            item = running.pop(future)
            journal = _journal(future, item)
            if journal["state"] == NOT_RUN:  # the stop came before its turn
                continue
            item.journal, item.done = journal, True
            _print_failure(item, plan)
            with suppress(CourseError):  # a full disk may have room again at the end
                pages.write_sometimes()
    ok = all(item.done and item.journal["state"] == "ok" for item in items)
    pages.write("interrupted" if stop.requests else "ok" if ok else "failed")
    print(f"Result page: {plan.out / 'index.html'}")
    if stop.requests:
        return 128 + (stop.signum or signal.SIGINT)
    return 0 if ok else 1


def _choose(waiting: Sequence[Item], running: Sequence[Item], pool: Pool) -> Item | None:
    """Return the item to start now; those that read results wait for all others of their group."""
    busy = {item.task.group for item in (*waiting, *running) if not item.reads}
    ready = [item for item in waiting if not (item.reads and item.task.group in busy)]
    task = pool.choose([item.task for item in ready])
    return next((item for item in ready if item.task is task), None)


def _journal(future: Future, item: Item) -> dict[str, Any]:
    """Return what became of an item, whatever happened to the place where it ran."""
    try:
        return future.result()
    except CancelledError:
        state, text = "interrupted", "The run was stopped before this was done."
    except Exception as error:  # one broken place must not end the whole plan
        state, text = "died", f"{type(error).__name__}: {error}"
    return Journal(item.task.job()).failed(state, text)


def _name(item: Item, plan: Plan) -> str:
    task = item.task
    alone = len(plan.groups) == 1
    return task.slug if alone else f"{task.slug} ({task.profile}, seed {task.seed})"


def _print_failure(item: Item, plan: Plan) -> None:
    journal = item.journal
    failure = journal["failure"]
    if failure is None:
        return
    where = f" at cell {failure['cell']}" if failure["cell"] else ""
    count = f" (In [{failure['execution_count']}])" if failure["execution_count"] else ""
    head = [f"    {line}" for line in failure["source"].splitlines()[:8]]
    name = _name(item, plan).replace(item.task.slug, item.task.notebook.name, 1)
    print(
        f"\n{name}: {journal['state']}{where}{count}",
        *head,
        failure["traceback"].rstrip(),
        "",
        sep="\n",
        file=sys.stderr,
    )
