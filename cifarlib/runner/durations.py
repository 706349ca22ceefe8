"""How long notebooks took: what a plan expects, from runs that were recorded."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from cifarlib._support.files import write_atomic
from cifarlib.ledger import result_store
from cifarlib.runner.plan import NotebookTask


def expected_minutes(task: NotebookTask, journal: dict[str, Any]) -> float | None:
    """Return what a task took the last time in its folder, else on the course's own machine."""
    last = journal.get("parameters", {})
    if journal.get("state") == "ok" and last.get("PROFILE") == task.profile:
        return round(journal["seconds"] / 60, 2)
    seconds = recorded().get(task.profile, {}).get(task.slug)
    return None if seconds is None else round(seconds / 60, 2)


def recorded() -> dict[str, dict[str, float]]:
    """Return seconds by profile and notebook, as `cifarlib accept` found them in good runs."""
    return _read(_file())


def remember(manifest: dict[str, Any]) -> None:
    """Note the seconds of every notebook of a good run."""
    known = recorded()
    mine = dict(known.get(manifest["profile"], {}))
    for entry in manifest["notebooks"]:
        if entry.get("seconds"):
            mine[entry["slug"]] = round(entry["seconds"], 1)
    content = known | {manifest["profile"]: dict(sorted(mine.items()))}
    write_atomic(_file(), json.dumps(content, indent=1) + "\n")
    _read.cache_clear()


def _file() -> Path:
    return result_store.RESULTS.with_name("durations.json")


@lru_cache(maxsize=2)
def _read(path: Path) -> dict[str, dict[str, float]]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return {}
