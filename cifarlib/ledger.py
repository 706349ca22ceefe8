"""What the reports claim, what was measured, and how the two compare.

Claims live in `records/claims.toml`, measured results in `records/results.jsonl` (one JSON
object a line). Bands are always computed from the results, never stored beside them.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifarlib.bands import Band
from cifarlib.errors import CourseError
from cifarlib.files import write_atomic

if TYPE_CHECKING:
    from cifarlib.data import Dataset
    from cifarlib.profiles import Profile
    from cifarlib.training import Run

RECORDS = Path(__file__).parent / "records"
RESULTS = RECORDS / "results.jsonl"
_KEY = ("id", "variant", "profile", "backend", "seed")
_session: list[dict] = []


@dataclass(frozen=True)
class Claim:
    """One figure of a report: `value` as a number, or `says` where it only has words."""

    metric: str
    unit: str
    value: float | None = None
    says: str = ""


@dataclass(frozen=True)
class System:
    """One system of a report, as `records/claims.toml` describes it."""

    id: str
    title: str
    notebook: str
    dataset: str
    kind: str
    where: str
    quote: str
    settings: dict[str, Any]
    wrong: str
    cause: str
    of: str = ""
    claims: dict[str, Claim] = field(default_factory=dict)


@lru_cache
def claims_file() -> dict[str, dict]:
    """Return the tables of `records/claims.toml`; its head says what they hold."""
    return tomllib.loads((RECORDS / "claims.toml").read_text(encoding="utf-8"))


@lru_cache
def systems() -> dict[str, System]:
    """Return every system of the five reports, by id, in the reports' order."""
    return {id: _system(id, entry) for id, entry in claims_file()["systems"].items()}


@lru_cache
def own_systems() -> dict[str, System]:
    """Return the course's own networks, by id. They claim nothing; they have results."""
    return {id: _system(id, entry) for id, entry in claims_file()["own"].items()}


def all_systems() -> dict[str, System]:
    """Return the reports' systems and then the course's own networks, by id."""
    return systems() | own_systems()


def _system(id: str, entry: dict) -> System:
    claims = {
        metric: Claim(metric, c.get("unit", "words"), c.get("value"), c.get("says", ""))
        for metric, c in entry.get("claims", {}).items()
    }
    plain = {k: v for k, v in entry.items() if k not in ("claims", "settings")}
    return System(id=id, settings=entry.get("settings", {}), claims=claims, **plain)


def system(id: str) -> System:
    """Return one system, such as "R0.4", or a network of the course's own, such as "C.1".

    Raises:
        CourseError: there is no system of that name.
    """
    known = all_systems()
    if id not in known:
        raise CourseError(f"No report has a system {id!r}. Known: {', '.join(known)}.")
    return known[id]


def claim(id: str, metric: str) -> float:
    """Return the figure that a report claims, for example ``claim("R0.4", "test_accuracy")``.

    Raises:
        CourseError: the report gives no such figure.
    """
    claims = system(id).claims
    if metric not in claims or claims[metric].value is None:
        known = ", ".join(m for m, c in claims.items() if c.value is not None) or "none"
        raise CourseError(f"{id} claims no {metric!r}. Figures it does claim: {known}.")
    return claims[metric].value


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
) -> dict:
    """Note one measured result, with where it came from.

    The runner collects these notes from the folder CIFARLIB_RECORDS; without that variable
    they are kept for this session only.

    Args:
        id: system, such as "R0.4".
        metrics: names as in the claims, fractions between 0 and 1, losses in nats.
        variant: "report" for the report's own recipe, another word for ours.
        note: one sentence on anything unusual, such as a shortened training.
    """
    from cifarlib.facts import environment

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
    folder = os.environ.get("CIFARLIB_RECORDS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with open(Path(folder) / "results.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
    return entry


def results(id: str | None = None) -> list[dict]:
    """Return the committed results, of one system or of all."""
    return [r for r in _read(RESULTS) if id in (None, r["id"])]


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
    best = max(found, key=lambda k: (min(len(found[k]), 5), k[0] == "full", k[1] == "tensorflow"))
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


def _machine(result: dict) -> str:
    facts = result.get("environment") or {"gpus": [], "cores": "unknown"}
    return ", ".join(facts["gpus"]) or f"{facts['cores']} CPU cores"


def state(id: str) -> str:
    """Say how a system's claims stand against the results of its own recipe.

    Returns:
        "reproduced" or "not reproduced" where results were measured (parameter counts decide
        where the report claims nothing else), "shown" for a recorded figure, table or
        discussion without numbers, "measured once" where one seed allows no verdict, else
        "not measured". Times are left out: they depend on the machine.
    """
    claims = [c for c in system(id).claims.values() if c.value is not None and c.unit != "seconds"]
    if not claims:
        return "shown" if results(id) or session_results(id) else "not measured"
    outcomes = [c for c in claims if c.unit != "count"]
    verdicts = {agrees(id, c) for c in outcomes or claims}
    if verdicts == {None}:
        once = any(band(id, c.metric) for c in outcomes)
        return "measured once" if once else "not measured"
    return "not reproduced" if False in verdicts else "reproduced"


def agrees(id: str, claim: Claim) -> bool | None:
    """Is a claim what the report's own recipe could give? None if under two seeds tell."""
    if claim.unit == "count":
        measured = band(id, claim.metric) or band(id, claim.metric, "counted")
        return None if measured is None else measured.mean == claim.value
    measured = band(id, claim.metric)
    return None if measured is None or len(measured.values) < 2 else measured.expects(claim.value)


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
    old = _read(RESULTS)
    if not replace:
        known = {_key(r) for r in old}
        new = [r for r in new if _key(r) not in known]
    merged = {_key(r): r for r in [*old, *new]}
    rows = sorted(merged.values(), key=lambda r: (_order(r["id"]), *map(str, _key(r))))
    write_atomic(RESULTS, "".join(json.dumps(r) + "\n" for r in rows))
    return len(new)


def read_below(folder: Path | str) -> list[dict]:
    """Return the results that notebooks left below `folder`, which may be absent.

    Raises:
        CourseError: a line is not what `record` writes.
    """
    return [r for path in sorted(Path(folder).rglob("results.jsonl")) for r in _read(path)]


def session_results(id: str | None = None) -> list[dict]:
    """Return what this process has recorded so far, for one system or for all."""
    return [r for r in _session if id in (None, r["id"])]


def _read(path: Path) -> tuple[dict, ...]:
    if not path.exists():
        return ()
    stat = path.stat()
    return _parsed(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=2)
def _parsed(path: Path, changed: int, size: int) -> tuple[dict, ...]:
    """Read a file of results, once for each state it is in."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            missing = [k for k in (*_KEY, "metrics", "data") if k not in row]
        except (ValueError, TypeError):
            row, missing = {}, ["everything: this is no JSON object"]
        if missing:
            raise CourseError(
                f"{path}, line {number}: a result lacks {', '.join(missing)}. "
                "Delete the line, or run the notebook again."
            )
        rows.append(row)
    return tuple(rows)


def _key(row: dict) -> tuple:
    return tuple(row[k] for k in _KEY)


def _order(id: str) -> int:
    known = [*systems(), *own_systems()]
    return known.index(id) if id in known else len(known)
