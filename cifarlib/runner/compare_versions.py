"""`cifarlib drift`: what a run against the newest packages shows, as a report for an issue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cifarlib._support.requirements_lock import pins
from cifarlib.runner.report import read_manifest
from cifarlib.runner.result_rows import UNEXPECTED, result_rows

MOST_TEXT = 1_500  # characters of one traceback in the report


def compare_versions(out: Path | str, lock: Path | str) -> str:
    """Compare a run with what the course expects.

    Failed notebooks and figures outside their recorded bands are differences. Figures of the smoke
    profile come from stand-in data: only their parameter counts are compared.

    Args:
        out: folder that `cifarlib run` wrote.
        lock: the requirements.lock that the course was made with.

    Returns:
        The text of an issue in Markdown; "" if all is as expected.

    Raises:
        CourseError: `out` holds no run.
    """
    out = Path(out)
    manifest = read_manifest(out)
    parts = [_failure(entry) for entry in manifest["notebooks"] if entry["state"] != "ok"]
    unexpected = [
        f"| {row['id']} | {row.get('variant', '')} | {row['label']} | {row['value']} "
        f"| {row['recorded']} |"
        for entry in manifest["notebooks"]
        for row in result_rows(out / entry.get("group", ".") / "records" / entry["slug"], entry)
        if row["verdict"] == UNEXPECTED
    ]
    if unexpected:
        head = ["| system | variant | figure | measured | recorded |", "|---|---|---|---|---|"]
        parts.append("\n".join(["### Figures outside their bands", "", *head, *unexpected]))
    if not parts:
        return ""
    versions = manifest["environment"]["versions"]
    parts.append("\n".join(["### Versions", "", *_versions(versions, _locked(Path(lock)))]))
    return "\n\n".join(["The course was run with the newest version of every package.", *parts])


def _failure(entry: dict[str, Any]) -> str:
    failure = entry.get("failure") or {}
    text = failure.get("traceback", "").strip()[-MOST_TEXT:]
    where = f" at cell {failure['cell']}" if failure.get("cell") else ""
    fence = "````"  # a traceback may hold three
    return f"### {entry['slug']}: {entry['state']}{where}\n\n{fence}text\n{text}\n{fence}"


def _versions(installed: dict[str, str], wanted: dict[str, set[str]]) -> list[str]:
    """Return a line for each package that results depend on, marked where it is another one."""
    lines = []
    for name, version in installed.items():
        locked = wanted.get(name)
        if locked and version not in locked:
            lines.append(f"- **{name} {version}**, locked {', '.join(sorted(locked))}")
        else:
            lines.append(f"- {name} {version}")
    return lines


def _locked(lock: Path) -> dict[str, set[str]]:
    """Return the versions of each package in a lock; one may have several, by Python version."""
    found: dict[str, set[str]] = {}
    for pin in pins(lock):
        found.setdefault(pin.name, set()).update(s.version for s in pin.specifier)
    return found
