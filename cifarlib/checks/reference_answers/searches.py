"""Right answers to the tasks on searches, and some wrong ones that are easily given."""

from __future__ import annotations

import math

import numpy as np

Request = tuple[str, list[int]]

FIRST = UNITS = list(range(32, 129, 16))
LATER, KERNELS = [32, 48, 64], [3, 5]
"""What the listing of report R2 lets its tuner choose from."""


def as_listed(convolutions: int) -> list[Request]:
    """Return what the listing asks its tuner for; all layers after the first share two names."""
    later = [("conv_2_filter", LATER), ("conv_2_kernel", KERNELS)] * (convolutions - 1)
    first = [("conv_1_filter", FIRST), ("conv_1_kernel", KERNELS)]
    return [*first, *later, ("dense_1_units", UNITS)]


def size(requests: list[Request]) -> int:
    return math.prod(len(values) for values in dict(requests).values())


def bracket(networks: int, rungs: list[int], factor: int) -> int:
    total, before = 0, 0
    for rung in rungs:
        total, before, networks = total + networks * (rung - before), rung, networks // factor
    return total


def bracket_afresh(networks: int, rungs: list[int], factor: int) -> int:
    return sum(rung * (networks // factor**i) for i, rung in enumerate(rungs))


def gain(chosen: list[float], default: list[float]) -> float:
    return 100 * float(np.mean(chosen) - np.mean(default))


def price(chosen: list[float], default: list[float], seconds: float) -> float:
    points = gain(chosen, default)
    return seconds / points if points > 0 else math.inf


def judged(seed: int, networks: int = 12, images: int = 40) -> np.ndarray:
    """Which network is right on which image, (networks, images); all are equally good."""
    return np.random.RandomState(seed).rand(networks, images) < 0.6


def halves(right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    half = right.shape[1] // 2
    return right[:, :half].mean(axis=1), right[:, half:].mean(axis=1)


def crossed(right: np.ndarray) -> float:
    a, b = halves(right)
    return float((b[a.argmax()] + a[b.argmax()]) / 2)


def uncrossed(right: np.ndarray) -> float:
    a, b = halves(right)
    return float((a.max() + b.max()) / 2)


def one_way(right: np.ndarray) -> float:
    a, b = halves(right)
    return float(b[a.argmax()])


def other_way(right: np.ndarray) -> float:
    a, b = halves(right)
    return float(a[b.argmax()])
