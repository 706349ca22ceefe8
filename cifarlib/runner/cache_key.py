"""What a result depends on, so that it is computed once: the key of a task, part by part."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from pathlib import Path
from typing import Any

import cifarlib
from cifarlib import ledger
from cifarlib._support import environment
from cifarlib._support.digests import tree_digest
from cifarlib.ledger import claims
from cifarlib.runner import cells
from cifarlib.runner.data_digests import data_digests
from cifarlib.runner.plan import Task

PARTS = {
    "code": "code cells",
    "parameters": "parameters",
    "cifarlib": "cifarlib's source",
    "lock": "requirements.lock",
    "packages": "installed packages",
    "ledger": "recorded claims and results",
    "data": "data and weights",
    "backend": "backend",
    "settings": "threads and settings",
    "others": "results of the other notebooks",
}
"""Each part of a key, in words for people."""
EXECUTION = ("worker.py", "kernel.py", "ahead.py", "output.py")
"""The modules of `course` that decide what an executed notebook holds."""


def common(mirror: Path | str | None) -> dict[str, Any]:
    """Return the parts that all tasks of a plan share on this machine."""
    return {
        "cifarlib": source_digest(),
        "lock": lock_digest(),
        "packages": environment.versions() | {"python": platform.python_version()},
        "ledger": _ledger_digest(),
        "data": data_digests(mirror),
        "backend": environment.backend(),
    }


def key(task: Task, shared: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    """Return the key of a task.

    Args:
        shared: see `common`.
        variables: of the environment that the notebook will get for threads and devices.
    """
    settings = {name: os.environ[name] for name in environment.SETTINGS if name in os.environ}
    settings |= variables
    if settings.get("CUDA_VISIBLE_DEVICES", "-1") != "-1":
        settings["CUDA_VISIBLE_DEVICES"] = "one GPU"  # which one does not matter
    parts = shared | {
        "code": cells.code_digest(task.notebook),
        "parameters": task.parameters,
        "settings": settings,
    }
    if cells.reads_results(task.notebook):
        parts["others"] = _others_digest(task)
    return parts


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Say in words which parts of two keys differ; [] if none does."""
    found = []
    for part, words in PARTS.items():
        before, now = old.get(part), new.get(part)
        if before == now:
            continue
        if isinstance(before, dict) and isinstance(now, dict):
            names = [n for n in dict.fromkeys([*before, *now]) if before.get(n) != now.get(n)]
            words += f" ({', '.join(names)})"
        found.append(words)
    return found


def source_digest() -> str:
    """Return one digest over the modules that notebooks use, wherever cifarlib is installed."""
    root = Path(cifarlib.__file__).parent
    paths = [p for p in root.rglob("*.py") if p.relative_to(root).parts[0] != "course"]
    return tree_digest([*paths, *(root / "course" / name for name in EXECUTION)], root)


def lock_digest() -> str:
    """Return the digest of requirements.lock; "" where cifarlib is installed without it."""
    top = environment.checkout()
    path = top / "requirements.lock" if top else None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path and path.is_file() else ""


def _ledger_digest() -> str:
    """Digest what notebooks print from the ledger: not the times at which it was measured."""
    names = ("id", "variant", "profile", "backend", "seed", "metrics", "note")
    rows = [[row.get(name) for name in names] for row in ledger.results()]
    said = (claims.RECORDS / "claims.toml").read_bytes()
    return hashlib.sha256(said + json.dumps(rows).encode()).hexdigest()


def _others_digest(task: Task) -> str:
    folder = task.records.parent
    paths = [p for p in folder.rglob("results.jsonl") if p.parent != task.records]
    return tree_digest(paths, folder)
