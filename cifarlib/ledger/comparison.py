"""Claims beside measurements, as tables for notebooks, terminals and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cifarlib.ledger import bands, result_store
from cifarlib.ledger.claims import Claim, system

if TYPE_CHECKING:
    from cifarlib._support.tables import Table

EMPTY = "-"
HEADLINE = (
    "test_accuracy", "val_accuracy", "train_accuracy", "parameters", "base_parameters", "seconds",
)  # fmt: skip
"""The figures that stand for a system, the first of these that it has."""


def number(value: float, unit: str) -> str:
    """Write a figure as the course writes it: 56.5 %, 258,090 or 1.275."""
    if unit == "fraction":
        return f"{100 * value:.1f} %"
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "seconds":
        return f"{value:,.0f} s"
    return f"{value:.3f}"


def interval(values: list[float] | tuple[float, ...], unit: str) -> str:
    """Write several values as one band: 61.2 to 63.4 %, or the one value they share."""
    low, high = number(min(values), unit), number(max(values), unit)
    if low == high:
        return low
    return f"{low.removesuffix(' %')} to {high}" if unit == "fraction" else f"{low} to {high}"


def unit_of(metric: str) -> str:
    """Return the unit that a metric's name implies."""
    if metric.startswith("seconds"):
        return "seconds"
    if "parameters" in metric:
        return "count"
    is_fraction = "accuracy" in metric or metric.endswith(("f1", "auc"))
    return "fraction" if is_fraction else "loss"


def compare(*ids: str) -> Table:
    """Claim, this session's own results and the recorded band, one line per variant.

    Args:
        ids: systems, such as "R0.4".
    """
    from cifarlib._support.tables import Table

    rows = []
    for id in ids:
        entry = system(id)
        for metric, variant in _lines(id):
            unit = unit_of(metric)
            own = variant == "report" or unit == "count"
            claim = entry.claims.get(metric) if own else None
            yours = [
                r["metrics"][metric]
                for r in result_store.session_results(id)
                if r["variant"] == variant and metric in r["metrics"]
            ]
            band = bands.band(id, metric, variant)
            if band is None and unit == "count":
                band = bands.band(id, metric, "counted")
            rows.append(
                [
                    id,
                    variant,
                    metric.replace("_", " "),
                    claimed(claim),
                    interval(yours, unit) if yours else EMPTY,
                    f"{interval(band.values, unit)} ({_runs(band)})" if band else EMPTY,
                ]
            )
    headers = ["system", "variant", "figure", "claimed", "your run", "recorded runs"]
    return Table(headers, rows, caption="Claim against measurement")


def compare_with_band(id: str, metric: str, value: float, variant: str = "report") -> str:
    """Say in one sentence how a result compares with the recorded band."""
    band, unit = bands.band(id, metric, variant), unit_of(metric)
    you = f"You got {number(value, unit)}"
    if band is None:
        return f"{you}. No runs on real data are recorded for {id} ({variant}) yet."
    place = "inside" if band.low <= value <= band.high else "outside"
    if place == "outside" and band.in_prediction_interval(value):
        place = "just outside, but within what one more run could give:"
    return f"{you}; {_runs(band)} gave {interval(band.values, unit)}. Yours is {place} that band."


def _lines(id: str) -> list[tuple[str, str]]:
    """Pairs of metric and variant worth a line.

    Everything the report claims; for every other variant the claimed outcomes, or the first
    headline figure where the report claims none.
    """
    claimed = list(system(id).claims)
    pairs = [(metric, "report") for metric in claimed]
    for r in [*result_store.results(id), *result_store.session_results(id)]:
        outcomes = [m for m in r["metrics"] if unit_of(m) not in ("count", "seconds")]
        shown = [m for m in outcomes if m in claimed] or [m for m in HEADLINE if m in outcomes][:1]
        pairs += [(metric, r["variant"]) for metric in shown]
    return list(dict.fromkeys(pairs))


def claimed(claim: Claim | None) -> str:
    """Write what a report claims, in figures or in its own words."""
    if claim is None:
        return EMPTY
    if claim.value is None:
        return f"“{claim.says}”"
    return number(claim.value, claim.unit)


def _runs(band: bands.Band) -> str:
    n = len(band.values)
    return f"{n} recorded run{'s' if n > 1 else ''}"
