"""What the reports claim: `records/claims.toml`, read into systems and claims."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from cifarlib.errors import CourseError

RECORDS = Path(__file__).parent / "records"


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
