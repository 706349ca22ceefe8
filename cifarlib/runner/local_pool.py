"""Notebooks on this machine: a few at a time, each with its share of threads, or a GPU."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from cifarlib._support import device_allocation, environment
from cifarlib.runner import cache_key
from cifarlib.runner.job import Job
from cifarlib.runner.notebook_progress import NotebookProgress
from cifarlib.runner.ordered_semaphore import OrderedSemaphore
from cifarlib.runner.plan import NotebookTask, Plan
from cifarlib.runner.signals import Stop
from cifarlib.runner.supervise import supervise


class LocalPool:
    """Runs tasks in worker processes of this machine. Use as a context manager.

    See `cifarlib.runner.pool.Pool` for its methods.
    """

    def __init__(self, plan: Plan, stop: Stop) -> None:
        self._plan, self._stop = plan, stop
        machine = environment.environment()
        self._gpus = device_allocation.gpu_ids(os.environ, machine["gpus"])
        self._threads = device_allocation.thread_variables(
            plan.threads, machine["cores"], plan.jobs, os.environ
        )
        self._running: dict[Future, str | None] = {}
        self._common: dict[str, Any] | None = None
        # Where nothing is measured, the next notebooks are prepared while others are at work.
        self._started = plan.jobs * (2 if set(plan.profiles) == {"smoke"} else 1)
        self._executor = ThreadPoolExecutor(self._started, thread_name_prefix="notebook")
        self._order = OrderedSemaphore(plan.jobs)
        self._at_work: set[NotebookProgress] = set()

    def key(self, task: NotebookTask) -> dict[str, Any]:
        """Return what the result of a task depends on, as things are now."""
        if self._common is None:
            self._common = cache_key.common(self._plan.mirror)
        gpu = "any" if self._wants_gpu(task) else None
        return cache_key.key(task, self._common, self._variables(gpu))

    def choose(self, waiting: Sequence[NotebookTask]) -> NotebookTask | None:
        """Return the task to start next; None if there is no room for any now."""
        self._running = {f: gpu for f, gpu in self._running.items() if not f.done()}
        busy = len(self._running)
        if busy >= self._started or (busy >= self._plan.jobs and not self._under_way()):
            return None
        return device_allocation.next_task(waiting, self._wants_gpu, len(self._free_gpus()))

    def submit(self, task: NotebookTask, key: dict[str, Any], label: str) -> Future:
        """Start a task; the result of the future is its journal."""
        gpu = self._free_gpus()[0] if self._wants_gpu(task) else None
        job, ticket = task.job(key), self._order.ask()
        future = self._executor.submit(self._run, job, self._variables(gpu), ticket, label)
        self._running[future] = gpu
        return future

    def cancel(self) -> None:
        """Do nothing: the supervisors see the request to stop themselves."""

    def facts(self) -> dict[str, Any]:
        """Return what the manifest says about where the tasks ran."""
        return {"jobs": self._plan.jobs, "threads": self._threads, "gpus": self._gpus}

    def _under_way(self) -> bool:
        """Say whether all turns are taken by notebooks that the next will no longer slow down.

        To start a kernel takes a core for a second; a first cell should not wait for a later one.
        """
        at_work = tuple(self._at_work)
        return len(at_work) == self._plan.jobs and all(progress.begun for progress in at_work)

    def _wants_gpu(self, task: NotebookTask) -> bool:
        return device_allocation.wants_gpu(task.profile, self._gpus)

    def _free_gpus(self) -> list[str]:
        return [gpu for gpu in self._gpus if gpu not in self._running.values()]

    def _variables(self, gpu: str | None) -> dict[str, str]:
        return self._threads | device_allocation.device_variables(gpu, self._gpus)

    def _run(
        self, job: Job, variables: dict[str, str], ticket: object, label: str
    ) -> dict[str, Any]:
        if self._plan.mirror is not None:
            variables = variables | {"CIFARLIB_MIRROR": str(self._plan.mirror)}
        try:
            return supervise(
                job, variables, self._plan.limits, self._stop, self._turn(ticket, label)
            )
        finally:
            self._order.give_up(ticket)

    @contextmanager
    def _turn(self, ticket: object, label: str) -> Iterator[NotebookProgress]:
        """Wait until fewer than `jobs` notebooks are at work, and the earlier ones have begun."""
        with self._order.take(ticket), NotebookProgress(label) as progress:
            self._at_work.add(progress)
            try:
                yield progress
            finally:
                self._at_work.remove(progress)

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
