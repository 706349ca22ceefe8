"""Taking the results of a run into the committed ledger."""

from __future__ import annotations

import json
from pathlib import Path

from cifarlib._support.files import write_atomic
from cifarlib.ledger import result_store
from cifarlib.ledger.claims import all_systems
from cifarlib.ledger.result_store import IDENTITY, read_below, results


def merge(folder: Path | str, *, allow_smoke: bool = False, replace: bool = True) -> int:
    """Take the results that notebooks left below `folder` into the committed ledger.

    A result replaces the one with the same system, variant, profile, backend and seed, or gives
    way to it if `replace` is False.

    Returns:
        The number of results taken.

    Raises:
        CourseError: a line is not what `record` writes.
    """
    new = read_below(folder)
    if not allow_smoke:
        new = [r for r in new if r["profile"] != "smoke"]
    old = results()
    if not replace:
        known = {_key(r) for r in old}
        new = [r for r in new if _key(r) not in known]
    merged = {_key(r): r for r in [*old, *new]}
    rows = sorted(merged.values(), key=lambda r: (_order(r["id"]), *map(str, _key(r))))
    write_atomic(result_store.RESULTS, "".join(json.dumps(r) + "\n" for r in rows))
    return len(new)


def _key(row: dict) -> tuple:
    return tuple(row[k] for k in IDENTITY)


def _order(id: str) -> int:
    known = list(all_systems())
    return known.index(id) if id in known else len(known)
