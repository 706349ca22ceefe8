"""What this machine can do at most: multiply-adds and bytes per second, measured now."""

from __future__ import annotations

import time

import numpy as np

ROUNDS = 5


def multiply_adds_per_second(size: int = 2048) -> float:
    """Return the rate of a large float32 matrix product by Keras, the best of some rounds.

    NumPy's own product can be slower than the networks are: its library chooses by settings of the
    environment which instructions it uses.
    """
    from keras import ops

    a = ops.convert_to_tensor(np.random.default_rng(0).random((size, size), dtype=np.float32))

    def product() -> None:
        ops.convert_to_numpy(ops.matmul(a, a)[0, 0])  # waits until it is there

    product()  # starts the threads
    return size**3 / _best(product)


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
