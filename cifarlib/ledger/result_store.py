"""What was measured: `records/results.jsonl`, one JSON object a line, and how a run adds to it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cifarlib._support.environment import environment
from cifarlib.errors import CourseError
from cifarlib.ledger.claims import RECORDS, system

if TYPE_CHECKING:
    from cifarlib.data.dataset import Dataset
    from cifarlib.profiles import Profile
    from cifarlib.training import Run

RESULTS = RECORDS / "results.jsonl"
IDENTITY = ("id", "variant", "profile", "backend", "seed")
"""Two results that agree in these are the same measurement."""
_session: list[dict] = []


def record(
    id: str,
    metrics: dict[str, float],
    *,
    variant: str = "report",
    seed: int,
    profile: Profile,
    data: Dataset | None = None,
    run: Run | None = None,
    note: str = "",
    folder: Path | str | None = None,
) -> dict:
    """Note one measured result, with where it came from.

    The runner collects these notes from the folder CIFARLIB_RECORDS; without that variable
    they are kept for this session only.

    Args:
        id: system, such as "R0.4".
        metrics: names as in the claims, fractions between 0 and 1, losses in nats.
        variant: "report" for the report's own recipe, another word for ours.
        note: one sentence on anything unusual, such as a shortened training.
        folder: where to append to `results.jsonl`, instead of CIFARLIB_RECORDS.
    """
    system(id)
    facts = environment()
    entry = {
        "id": id,
        "variant": variant,
        "profile": profile.name,
        "seed": seed,
        "backend": facts["backend"],
        "metrics": {name: round(float(value), 6) for name, value in metrics.items()},
        "training": run.as_dict() if run is not None else None,
        "data": data.as_dict() if data is not None else None,
        "environment": facts,
        "note": note,
        "recorded": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    _session.append(entry)
    folder = folder or os.environ.get("CIFARLIB_RECORDS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with open(Path(folder) / "results.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
    return entry


def results(id: str | None = None) -> list[dict]:
    """Return the committed results, of one system or of all."""
    return [r for r in _read(RESULTS) if id in (None, r["id"])]


def session_results(id: str | None = None) -> list[dict]:
    """Return what this process has recorded so far, for one system or for all."""
    return [r for r in _session if id in (None, r["id"])]


def read_below(folder: Path | str) -> list[dict]:
    """Return the results that notebooks left below `folder`, which may be absent.

    Raises:
        CourseError: a line is not what `record` writes.
    """
    return [r for path in sorted(Path(folder).rglob("results.jsonl")) for r in _read(path)]


def _read(path: Path) -> tuple[dict, ...]:
    if not path.exists():
        return ()
    stat = path.stat()
    return _parsed(path, stat.st_mtime_ns, stat.st_size, stat.st_ino)


@lru_cache(maxsize=2)
def _parsed(path: Path, changed: int, size: int, inode: int) -> tuple[dict, ...]:
    """Read a file of results, once for each state it is in."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            missing = [k for k in (*IDENTITY, "metrics", "data") if k not in row]
        except (ValueError, TypeError):
            row, missing = {}, ["everything: this is no JSON object"]
        if missing:
            raise CourseError(
                f"{path}, line {number}: a result lacks {', '.join(missing)}. "
                "Delete the line, or run the notebook again."
            )
        rows.append(row)
    return tuple(rows)
