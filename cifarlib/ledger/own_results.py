"""A student's own results, from this session and from runs, beside the recorded bands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cifarlib.ledger import bands, result_store
from cifarlib.ledger.claims import all_systems
from cifarlib.ledger.comparison import HEADLINE, interval, number, unit_of

if TYPE_CHECKING:
    from cifarlib._support.tables import Table


def own_results(folder: Path | str | None = None) -> list[dict]:
    """Return what was recorded outside the committed ledger, in the reports' order.

    Args:
        folder: every `results.jsonl` below it is read. Default: the records of the run that
            this notebook is part of; outside a run, only this session's own.

    Raises:
        CourseError: a line of a file is not what `ledger.record` writes.
    """
    mine = os.environ.get("CIFARLIB_RECORDS")
    if folder is None and mine:
        folder = Path(mine).parent
    rows = result_store.read_below(folder) if folder is not None else []
    seen = [*rows, *(r for r in result_store.session_results() if r not in rows)]
    order = list(all_systems())
    return sorted((r for r in seen if r["id"] in order), key=lambda r: order.index(r["id"]))


def own_table(folder: Path | str | None = None) -> Table:
    """Show each own result's first headline figure beside the recorded band of its variant.

    A result of the smoke profile is shown, and compared with nothing.
    """
    from cifarlib._support.tables import Table

    rows = []
    for r in own_results(folder):
        metric = next((m for m in HEADLINE if m in r["metrics"]), None)
        if metric is None:
            continue
        value, unit = r["metrics"][metric], unit_of(metric)
        band = bands.band(r["id"], metric, r["variant"])
        if r["profile"] == "smoke" and unit != "count":
            recorded, inside = "", "stand-in data: not compared"
        elif band is None:
            recorded, inside = "", "nothing recorded yet"
        else:
            recorded = f"{interval(band.values, unit)} ({len(band.values)})"
            inside = "as expected" if band.in_prediction_interval(value) else "unexpected"
        figure = metric.replace("_", " ")
        rows.append(
            [r["id"], r["variant"], r["profile"], figure, number(value, unit), recorded, inside]
        )
    headers = ["system", "variant", "profile", "figure", "yours", "recorded (runs)", "verdict"]
    return Table(headers, rows, caption="Your own results")
