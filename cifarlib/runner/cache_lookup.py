"""Results of an earlier call: whether they still hold, and if not, why."""

from __future__ import annotations

import json
from typing import Any

from cifarlib.runner import cache_key
from cifarlib.runner.journal import Journal, file_state, file_states
from cifarlib.runner.notebook_page import page_digest, write_page
from cifarlib.runner.plan import NotebookTask


def read_journal(task: NotebookTask) -> dict[str, Any]:
    """Return the journal of the last time that a task was run; {} without a readable one."""
    try:
        journal = json.loads((task.folder / "journal.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return journal if isinstance(journal, dict) else {}


def why_not(task: NotebookTask, key: dict[str, Any], journal: dict[str, Any]) -> str:
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


def page_is_old(journal: dict[str, Any]) -> bool:
    """Say whether the page of a good result was drawn with other templates than today's."""
    return journal.get("page") != page_digest()


def draw_page_anew(task: NotebookTask, journal: dict[str, Any]) -> dict[str, Any]:
    """Draw the page of a good result again, without executing anything; return its new journal.

    Raises:
        CourseError: the page or the journal cannot be written.
    """
    write_page(task.folder, task.slug)
    known = Journal(task.job(), facts=journal)
    known.write(page=page_digest(), files=file_states(task.group, task.slug))
    return known.facts
