"""Results of an earlier call: whether they still hold, and if not, why."""

from __future__ import annotations

import json
from typing import Any

from cifarlib.runner import cache_key
from cifarlib.runner.plan import Task
from cifarlib.runner.run_status import file_state


def read_journal(task: Task) -> dict[str, Any]:
    """Return the journal of the last time that a task was run; {} without a readable one."""
    try:
        journal = json.loads((task.folder / "journal.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return journal if isinstance(journal, dict) else {}


def why_not(task: Task, key: dict[str, Any], journal: dict[str, Any]) -> str:
    """Return why a task has to be run; "" if its journal and all its files are good."""
    if not journal:
        return "not run before"
    if journal.get("state") == "running":
        return "stopped in the middle last time"
    if journal.get("state") != "ok":
        return f"{journal.get('state')} last time"
    changed = cache_key.differences(journal.get("key") or {}, json.loads(json.dumps(key)))
    if changed:
        return "changed: " + ", ".join(changed)
    for name, state in (journal.get("files") or {"": None}).items():
        if file_state(task.group / name) != state:
            return f"its file {name or 'list'} is missing or was changed"
    return ""
