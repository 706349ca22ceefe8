"""Bands from several seeds: run the notebooks of some systems, and keep what they record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from cifarlib import ledger
from cifarlib._support.tables import Table
from cifarlib.errors import CourseError
from cifarlib.ledger import merging, result_store
from cifarlib.ledger.comparison import HEADLINE, interval, unit_of
from cifarlib.runner.plan import plan
from cifarlib.runner.run import run


def replicate(
    ids: Sequence[str],
    seeds: Iterable[int],
    out: Path | str,
    *,
    profile: str = "quick",
    mirror: str | None = None,
    jobs: int = 1,
) -> int:
    """Run the notebooks that treat these systems once for each seed; print the bands.

    Each network is trained once a run (`N_SEEDS` is 1), so that no seed is trained twice. Every new
    result of these notebooks goes into the committed ledger, also those of other systems that they
    treat; what the ledger has already stays. What is in `out` already is not run again.

    Args:
        ids: systems, such as "R0.4".

    Returns:
        The exit code of the run: 0 if every notebook ended well.

    Raises:
        CourseError: an unknown system, or a profile whose data stands in for real data.
    """
    notebooks = list(dict.fromkeys(ledger.system(id).notebook for id in ids))
    chosen = plan(notebooks, profile=profile, seeds=seeds, mirror=mirror, out=out, jobs=jobs)
    if "smoke" in chosen.profiles:
        raise CourseError(
            "Bands come from real data, and this would be the smoke profile. Name another one, "
            "--profile quick, and where the data is: --mirror DIR, or `cifarlib data fetch`."
        )
    code = run(replace(chosen, parameters={"N_SEEDS": 1}))
    print(f"{merging.merge(out, replace=False)} results taken into {result_store.RESULTS.name}")
    print(bands(ids))
    return code


def bands(ids: Iterable[str]) -> Table:
    """Return the recorded bands of the systems: one line for each variant and headline figure."""
    rows = []
    for id in ids:
        found = dict.fromkeys((r["variant"], m) for r in ledger.results(id) for m in r["metrics"])
        for variant, metric in found:
            band = ledger.band(id, metric, variant)
            if band is None or metric not in HEADLINE or unit_of(metric) != "fraction":
                continue
            what = [id, variant, metric.replace("_", " "), interval(band.values, "fraction")]
            where = [band.profile, band.backend, ", ".join(band.machines)]
            rows.append([*what, len(band.values), *where])
    headers = ["system", "variant", "figure", "band", "runs", "profile", "backend", "machines"]
    return Table(headers, rows, caption="Recorded bands")
