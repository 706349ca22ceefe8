"""What this machine can do at most: multiply-adds and bytes per second, measured now."""

from __future__ import annotations

import time

import numpy as np

ROUNDS = 5


def multiply_adds_per_second(size: int = 2048) -> float:
    """Return the rate of a large float32 matrix product, the best of some rounds."""
    a = np.random.default_rng(0).random((size, size), dtype=np.float32)
    a @ a  # starts the threads
    return size**3 / _best(lambda: a @ a)


def bytes_per_second(megabytes: int = 256) -> float:
    """Return how fast a large array is copied, counting what is read and what is written."""
    source = np.zeros(megabytes * 2**20, np.uint8)
    target = np.ones_like(source)
    return 2 * source.nbytes / _best(lambda: np.copyto(target, source))


def _best(work: object) -> float:
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
