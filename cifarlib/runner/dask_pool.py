"""Notebooks on a Dask cluster that exists already: bytes go there, bytes come back.

What runs on a worker is `identity` and `work`; a worker needs this cifarlib, this lock and its own
way to the data, but no files of ours.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cifarlib._support import device_allocation, environment
from cifarlib._support.dask_client import connect
from cifarlib.errors import CourseError
from cifarlib.runner import cache_key
from cifarlib.runner.job_archive import pack_job, pack_results, unpack_job, unpack_results
from cifarlib.runner.plan import NotebookLimits, NotebookTask, Plan
from cifarlib.runner.signals import Stop
from cifarlib.runner.supervise import clear, supervise

SAME_AS_HERE = {"cifarlib": "source of cifarlib", "lock": "requirements.lock", "ledger": "ledger"}
SAME_AS_EACH_OTHER = {
    "packages": "installed packages",
    "data": "data and weights",
    "backend": "backend",
}


class WrongWorkerError(CourseError):
    """A worker would compute something else than this machine."""


class Cancelled:
    """Tells `supervise` to stop when the task that calls it is no longer wanted."""

    signum = None

    def __init__(self) -> None:
        from distributed import get_worker

        self._worker = get_worker()
        self._key = self._worker.get_current_task()

    @property
    def requests(self) -> int:
        task = self._worker.state.tasks.get(self._key)
        return 0 if task is not None and task.state == "executing" else 1


def identity() -> dict[str, Any]:
    """Return what a result depends on, on this machine, and what it has to offer."""
    machine = environment.environment()
    gpus = device_allocation.gpu_ids(os.environ, machine["gpus"])
    return cache_key.machine() | {"cores": machine["cores"], "gpus": gpus}


def work(content: bytes) -> bytes:
    """Execute one packed job on this worker and return its packed results.

    Raises:
        WrongWorkerError: this worker's cifarlib or lock is not the one that the job comes from.
    """
    with tempfile.TemporaryDirectory(prefix="cifarlib-job-") as place:
        job, order = unpack_job(content, Path(place))
        problem = mismatch(order["wanted"], identity())
        if problem:
            raise WrongWorkerError(problem)
        journal = supervise(job, order["variables"], NotebookLimits(**order["limits"]), Cancelled())
        return pack_results(job, journal)


def mismatch(wanted: dict[str, Any], offered: dict[str, Any]) -> str:
    """Say in which parts a worker differs from what is wanted; "" if it does not."""
    words = SAME_AS_HERE | SAME_AS_EACH_OTHER
    parts = [words[part] for part in words if wanted[part] != offered.get(part)]
    return f"it has another {', another '.join(parts)}" if parts else ""


class DaskPool:
    """Runs tasks on the workers of a cluster; see `Pool`.

    Raises:
        CourseError: there is no scheduler at the address, or no worker that fits.
    """

    def __init__(self, plan: Plan, stop: Stop) -> None:
        self._plan = plan
        self._client = connect(plan.scheduler)
        try:
            self._refused: set[str] = set()
            self._wanted = cache_key.machine()
            self._wanted |= {part: None for part in SAME_AS_EACH_OTHER}  # the first worker's
            self._workers = self._fitting()
        except BaseException:
            self._client.close()
            raise
        self._hands = ThreadPoolExecutor(1, thread_name_prefix="results")
        self._sent: set[Future] = set()

    def key(self, task: NotebookTask) -> dict[str, Any]:
        """Return what the result of a task depends on, on the workers."""
        return cache_key.key(task, self._wanted, self._variables(task))

    def choose(self, waiting: Sequence[NotebookTask]) -> NotebookTask | None:
        """Return the task to send next: the scheduler has room for all."""
        return waiting[0] if waiting else None

    def submit(self, task: NotebookTask, key: dict[str, Any], label: str) -> Future:
        """Send a task; the result of the future is its journal, when its files are here."""
        order = {
            "wanted": self._wanted,
            "limits": vars(self._plan.limits),
            "variables": self._variables(task),
        }
        arrived: Future = Future()
        self._send(pack_job(task.job(key), order), task, label, arrived)
        return arrived

    def cancel(self) -> None:
        """Take back what was sent; workers end the notebooks they are at."""
        for future in list(self._sent):
            future.cancel()

    def facts(self) -> dict[str, Any]:
        """Return what the manifest says about where the tasks ran."""
        return {
            "jobs": sum(info["nthreads"] for info in self._workers.values()),
            "threads": self._threads(),
            "gpus": [],
            "workers": sorted(info["name"] for info in self._workers.values()),
        }

    def _send(self, content: bytes, task: NotebookTask, label: str, arrived: Future) -> None:
        restricted = {"workers": list(self._workers)} if self._refused else {}
        executor = self._client.get_executor(pure=False, **restricted)
        future = executor.submit(work, content)
        self._sent.add(future)
        print(f"{label} sent", file=sys.stderr, flush=True)

        def receive(future: Future) -> None:
            self._sent.discard(future)
            self._hands.submit(self._receive, future, content, task, label, arrived)

        future.add_done_callback(receive)

    def _receive(
        self, future: Future, content: bytes, task: NotebookTask, label: str, arrived: Future
    ) -> None:
        """Take in a result; a worker that came later and does not fit is refused now."""
        if future.cancelled():
            arrived.cancel()
            arrived.set_running_or_notify_cancel()
            return
        try:
            result = future.result()
            clear(task.folder, task.slug, task.records)
            journal = unpack_results(result, task)
            print(
                f"{label}: {journal['state']} after {journal['seconds']:.0f} s",
                file=sys.stderr,
                flush=True,
            )
            arrived.set_result(journal)
        except WrongWorkerError:
            try:
                self._workers = self._fitting()
                self._send(content, task, label, arrived)
            except Exception as error:
                arrived.set_exception(error)
        except Exception as error:
            arrived.set_exception(error)

    def _fitting(self) -> dict[str, dict[str, Any]]:
        """Ask all workers who they are; return those that fit, and name the others."""
        offers = self._client.run(identity, on_error="return")
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        fitting = {}
        for address in sorted(offers):
            name = str(workers.get(address, {}).get("name", address))
            problem = self._problem(offers[address])
            if not problem:
                nthreads = workers.get(address, {}).get("nthreads", 1)
                fitting[address] = offers[address] | {"name": name, "nthreads": nthreads}
            elif address not in self._refused:
                self._refused.add(address)
                print(f"Worker {name} at {address} is not used: {problem}.", file=sys.stderr)
        if not fitting:
            raise CourseError(
                f"No worker of the cluster at {self._plan.scheduler} can be used. Install this "
                "version of the course on the workers, with its requirements.lock, then try again."
            )
        return fitting

    def _problem(self, offer: Any) -> str:
        if isinstance(offer, BaseException):
            return f"it does not have this cifarlib ({type(offer).__name__}: {offer})"
        problem = mismatch(self._wanted | {p: offer[p] for p in SAME_AS_EACH_OTHER}, offer)
        if problem:
            return problem
        for part in SAME_AS_EACH_OTHER:  # the first worker that fits decides for the others
            if self._wanted[part] is None:
                self._wanted[part] = offer[part]
        problem = mismatch(self._wanted, offer)
        return f"{problem} than the other workers" if problem else ""

    def _threads(self) -> dict[str, str]:
        cores = min(info["cores"] for info in self._workers.values())
        jobs = max(info["nthreads"] for info in self._workers.values())
        return device_allocation.thread_variables(self._plan.threads, cores, jobs, {})

    def _variables(self, task: NotebookTask) -> dict[str, str]:
        """Return the threads of a notebook; smoke runs see no GPU, others what the worker has."""
        gpus = min((info["gpus"] for info in self._workers.values()), key=len)
        if device_allocation.wants_gpu(task.profile, gpus):
            growth = device_allocation.device_variables("any", gpus)
            return self._threads() | {k: v for k, v in growth.items() if not k.startswith("CUDA")}
        return self._threads() | device_allocation.device_variables(None, gpus)

    def __enter__(self) -> DaskPool:
        return self

    def __exit__(self, *_: object) -> None:
        self._hands.shutdown()
        self._client.close()
