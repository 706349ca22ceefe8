"""Several measured values of one figure, and where one more would plausibly fall."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from cifarlib.ledger.claims import system
from cifarlib.ledger.result_store import results

ENOUGH = 5
"""Runs beyond which more of them no longer make a profile the better evidence."""


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

    def in_prediction_interval(self, value: float) -> bool:
        """Is `value` what one more run could plausibly give?"""
        low, high = self.interval
        return low <= value <= high


def band(id: str, metric: str, variant: str = "report") -> Band | None:
    """Return the recorded values of a metric on real data, or None if there are none.

    Results of the "full" profile win over "quick" where both exist with as many seeds. A system
    that only reads another one's training (`of`) has that one's results as its own.
    """
    found: dict[tuple[str, str], list[dict]] = {}
    for r in results(system(id).of or id if variant == "report" else id):
        if r["variant"] == variant and r["profile"] != "smoke" and metric in r["metrics"]:
            found.setdefault((r["profile"], r["backend"]), []).append(r)
    if not found:
        return None
    best = max(found, key=lambda where: _preference(where, len(found[where])))
    chosen = sorted(found[best], key=lambda r: r["seed"])
    exact = {(r["data"] or {}).get("provenance", {}).get("exact") for r in chosen}
    return Band(
        tuple(r["metrics"][metric] for r in chosen),
        best[0],
        exact.pop() if len(exact) == 1 else False,
        best[1],
        tuple(sorted({_machine(r) for r in chosen})),
        tuple(r["seed"] for r in chosen),
    )


def _preference(where: tuple[str, str], runs: int) -> tuple[int, bool, bool]:
    """Rank profile and backend: first by runs up to `ENOUGH`, then full, then TensorFlow."""
    profile, backend = where
    return min(runs, ENOUGH), profile == "full", backend == "tensorflow"


def _machine(result: dict) -> str:
    facts = result.get("environment") or {"gpus": [], "cores": "unknown"}
    return ", ".join(facts["gpus"]) or f"{facts['cores']} CPU cores"
