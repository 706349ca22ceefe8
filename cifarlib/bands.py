"""Several measured values of one figure, and where one more would plausibly fall."""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """Recorded values of one metric over several seeds.

    Attributes:
        values: one number per seed, in the order of the seeds.
        profile: the profile they were measured under.
        exact: whether the data was the official release, bit for bit; None if unknown.
        backend: of Keras, the same for all values.
        machines: what they were measured on: GPUs, or how many CPU cores.
        seeds: of the values, in the same order.
    """

    values: tuple[float, ...]
    profile: str
    exact: bool | None
    backend: str = "tensorflow"
    machines: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def interval(self) -> tuple[float, float]:
        """Where one more run would plausibly fall.

        The 95 % prediction interval of Student's t over the seeds, widened to the band. One run
        alone gives no interval: then it is the value itself, twice.
        """
        n = len(self.values)
        if n < 2:
            return self.low, self.high
        from scipy.special import stdtrit  # the quantile of scipy.stats.t, without its long import

        factor = float(stdtrit(n - 1, 0.975)) * (1 + 1 / n) ** 0.5
        spread = factor * statistics.stdev(self.values)
        return min(self.low, self.mean - spread), max(self.high, self.mean + spread)

    def expects(self, value: float) -> bool:
        """Is `value` what one more run could plausibly give?"""
        low, high = self.interval
        return low <= value <= high
