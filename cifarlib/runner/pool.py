"""The contract between a plan and the place where its notebooks run: this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Protocol, Self

from cifarlib.runner.plan import NotebookTask


class Pool(Protocol):
    """A place to run tasks; a context manager that gives its processes or workers back.

    `cifarlib.runner.local_pool.LocalPool` and `cifarlib.runner.dask_pool.DaskPool` are the two.
    """

    def key(self, task: NotebookTask) -> dict[str, Any]:
        """Return what the result of a task depends on, there and now."""

    def choose(self, waiting: Sequence[NotebookTask]) -> NotebookTask | None:
        """Return the task to start next; None if there is no room for any now."""

    def submit(self, task: NotebookTask, key: dict[str, Any], label: str) -> Future[dict[str, Any]]:
        """Start a task.

        Args:
            key: as `key` gave it; it goes into the journal.
            label: how the task is called on the terminal.

        Returns:
            A future whose result is the task's journal, when its files are in its folder.
        """

    def cancel(self) -> None:
        """End what is running, soon: their journals then say "interrupted"."""

    def facts(self) -> dict[str, Any]:
        """Return what the manifest says about where the tasks ran: jobs, threads, gpus."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
