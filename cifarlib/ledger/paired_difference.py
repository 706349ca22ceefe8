"""What a change was worth: differences between trainings that share a seed, pair by pair."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

from cifarlib.errors import CourseError


@dataclass(frozen=True)
class Gain:
    """The mean difference of pairs, in points, with its 95 % interval by Student's t.

    The interval says where the mean would lie if we could train with all seeds; it assumes that
    differences scatter normally. One pair has no scatter to go by: `low` and `high` are infinite
    then. If all differences are equal, they are the mean.

    Attributes:
        points: the difference of each pair; one point is a hundredth.
    """

    points: tuple[float, ...]
    mean: float
    low: float
    high: float

    @property
    def told_apart(self) -> bool:
        """Is zero outside the interval? Else luck alone could give such a difference."""
        return not self.low <= 0 <= self.high

    def __str__(self) -> str:
        n = len(self.points)
        if n == 1:
            return f"{self.mean:+.1f} points (one pair: no interval)"
        span = f"95 % interval {self.low:+.1f} to {self.high:+.1f}"
        return f"{self.mean:+.1f} points ({span}, {n} pairs)"


def paired_gain(after: Sequence[float], before: Sequence[float]) -> Gain:
    """Return what a change gained, from accuracies with and without it.

    Args:
        after: fractions between 0 and 1, one a seed.
        before: as many, of the same seeds in the same order.

    Raises:
        CourseError: there are none, or more of one than of the other.
    """
    if len(after) != len(before) or not len(after):
        raise CourseError(
            f"Pairs need as many values on both sides, and at least one; these are {len(after)} "
            f"and {len(before)}. Give one accuracy a seed, in the same order."
        )
    points = tuple(100 * (float(a) - float(b)) for a, b in zip(after, before, strict=True))
    mean, n = statistics.fmean(points), len(points)
    reach = _reach(points) if n > 1 else inf
    return Gain(points, mean, mean - reach, mean + reach)


def _reach(points: Sequence[float]) -> float:
    from scipy.special import stdtrit  # the quantile of scipy.stats.t, without its long import

    n = len(points)
    return float(stdtrit(n - 1, 0.975)) * statistics.stdev(points) / sqrt(n)
