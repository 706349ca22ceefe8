"""Who gets what: CPU threads and GPUs of this machine for notebooks that run side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
SHARED_GPU = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""Let several processes use one GPU: each takes the memory that it needs, not all there is."""
T = TypeVar("T")


def share(cores: int, jobs: int) -> int:
    """Return the CPU threads of one of `jobs` notebooks."""
    return max(1, cores // jobs)


def thread_variables(
    threads: int | None, cores: int, jobs: int, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that hold a notebook to its threads.

    Args:
        threads: what was asked for; None for a share of the cores, unless `environ` already
            says something else.
    """
    if threads is not None:
        return dict.fromkeys(THREADS, str(threads))
    return {name: environ.get(name) or str(share(cores, jobs)) for name in THREADS}


def gpu_ids(environ: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Return the GPUs that may be used, as CUDA_VISIBLE_DEVICES writes them.

    Args:
        names: of the GPUs that this machine has; see `environment.gpu_names`.
    """
    if not names:
        return []
    allowed = environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return [str(number) for number in range(len(names))]
    ids = [part.strip() for part in allowed.split(",")]
    stop = next((i for i, id in enumerate(ids) if id in ("", "-1")), len(ids))
    return ids[:stop]  # as CUDA does: the first invalid one ends the list


def wants_gpu(profile: str, gpus: Sequence[str]) -> bool:
    """Say whether a notebook is run on a GPU: where there is one, all but smoke runs are."""
    return bool(gpus) and profile != "smoke"


def device_variables(gpu: str | None, gpus: Sequence[str]) -> dict[str, str]:
    """Return the variables that show a notebook one GPU, or none; {} on machines without any."""
    if not gpus:
        return {}
    if gpu is None:
        return {"CUDA_VISIBLE_DEVICES": "-1"}
    return {"CUDA_VISIBLE_DEVICES": gpu, **SHARED_GPU}


def next_task(waiting: Sequence[T], wants: Callable[[T], bool], free_gpus: int) -> T | None:
    """Return the first task that can start now: one that wants a GPU needs a free one."""
    return next((task for task in waiting if free_gpus > 0 or not wants(task)), None)


def longest_first(tasks: Sequence[T], minutes: Callable[[T], float | None]) -> list[T]:
    """Order tasks so that the last to end is short; those of unknown length go first."""

    def rank(task: T) -> float:
        expected = minutes(task)
        return float("-inf") if expected is None else -expected

    return sorted(tasks, key=rank)
