"""Each result of a run beside its claim, the recorded band and the run before."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cifarlib import ledger
from cifarlib.ledger.comparison import HEADLINE, interval, number, unit_of

NOT_COMPARED, NOTHING, AS_RECORDED, UNEXPECTED = (
    "stand-in data: not compared", "nothing recorded yet", "as recorded", "unexpected",
)  # fmt: skip
SAME, FIRST = "same", "first run"


def lines(records: Path, name: str) -> list[dict[str, Any]]:
    """Read the records of one notebook; a line cut off by a dying kernel is left out."""
    try:
        text = (records / f"{name}.jsonl").read_text(encoding="utf-8")
    except OSError:
        return []
    rows = []
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and (name == "data" or {"id", "metrics"} <= row.keys()):
            rows.append(row)
    return rows


def result_rows(records: Path, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each result that one notebook recorded, with its first headline figure.

    Args:
        records: the folder of the notebook's records.
        entry: the notebook's entry in the manifest.

    Returns:
        Results with the further keys slug, label, value, claimed, recorded, verdict and change,
        all for people; `order` holds the bare value.
    """
    before = _by_identity(lines(records, "previous"))
    rows = []
    for identity, row in _by_identity(lines(records, "results")).items():
        metric = next((m for m in HEADLINE if m in row["metrics"]), None)
        rows.append(
            row
            | {"slug": entry["slug"], "change": change(row, before.get(identity), metric)}
            | _compared(row, metric, entry.get("profile"))
        )
    return rows


def change(row: dict[str, Any], before: dict[str, Any] | None, metric: str | None) -> str:
    """Say how a result differs from the one before; times are left out."""
    if before is None:
        return FIRST
    changed = [
        name
        for name, value in row["metrics"].items()
        if unit_of(name) != "seconds" and before["metrics"].get(name) != value
    ]
    if not changed:
        return SAME
    if metric not in changed or metric not in before["metrics"]:
        return f"{len(changed)} other figure{'s' * (len(changed) > 1)} changed"
    difference = row["metrics"][metric] - before["metrics"][metric]
    unit = unit_of(metric)
    return f"{100 * difference:+.1f} points" if unit == "fraction" else f"{difference:+,.4g}"


def summary(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return what the table of notebooks says of the results of one of them."""
    if not rows:
        return {"verdict": "", "change": ""}
    judged = [row["verdict"] for row in rows if row["verdict"] in (AS_RECORDED, UNEXPECTED)]
    good = judged.count(AS_RECORDED)
    verdict = f"{good} of {len(judged)} {AS_RECORDED}" if judged else "not compared"
    changes = [row["change"] for row in rows]
    changed = sum(change not in (SAME, FIRST) for change in changes)
    if set(changes) == {FIRST}:
        return {"verdict": verdict, "change": FIRST}
    return {"verdict": verdict, "change": f"{changed} changed" if changed else SAME}


def _compared(row: dict[str, Any], metric: str | None, profile: str | None) -> dict[str, Any]:
    empty = {"label": "", "value": "", "order": None, "claimed": "", "recorded": "", "verdict": ""}
    if metric is None:
        return empty
    value, unit, variant = row["metrics"][metric], unit_of(metric), row.get("variant", "report")
    entry = ledger.all_systems().get(row["id"])
    claim = entry.claims.get(metric) if entry and (variant == "report" or unit == "count") else None
    claimed = ""
    if claim is not None:
        said = claim.value is None
        claimed = f"“{claim.says}”" if said else number(claim.value, claim.unit)
    known = {
        "label": metric.replace("_", " "),
        "value": number(value, unit),
        "order": value,
        "claimed": claimed,
    }
    if row.get("profile", profile) == "smoke" and unit != "count":
        return empty | known | {"verdict": NOT_COMPARED}
    band = ledger.band(row["id"], metric, variant) if entry else None
    if band is None:
        return empty | known | {"verdict": NOTHING}
    recorded = f"{interval(band.values, unit)} ({len(band.values)})"
    return known | {
        "recorded": recorded,
        "verdict": AS_RECORDED if band.in_prediction_interval(value) else UNEXPECTED,
    }


def _by_identity(rows: Iterable[dict[str, Any]]) -> dict[tuple, dict[str, Any]]:
    """Key results by what they measure; the number tells repeated ones apart."""
    found: dict[tuple, dict[str, Any]] = {}
    for row in rows:
        number = 0
        while (key := (row["id"], row.get("variant"), row.get("seed"), number)) in found:
            number += 1
        found[key] = row
    return found
