"""What a notebook's result depends on, so that it is computed once: the key of a task, in parts.

In the key are the notebook's code and parameters, the modules of cifarlib that it uses and those
that execute it, the lock and the installed versions, the data and weights on this machine, the
backend, threads and settings; for notebooks that use the ledger what is recorded there, and for
those that read the others' results these. The grader, pages and the rest of the runner are not in
it, and checks only for exercises, which call them.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any

from cifarlib import ledger
from cifarlib._support import environment
from cifarlib._support.digests import file_digest, package_digest, tree_digest
from cifarlib.ledger import claims
from cifarlib.runner import cells
from cifarlib.runner.data_digests import data_digests
from cifarlib.runner.import_graph import closure, modules, modules_path, used_by
from cifarlib.runner.plan import NotebookTask

PARTS = {
    "code": "code cells",
    "parameters": "parameters",
    "cifarlib": "cifarlib's source",
    "execution": "how notebooks are executed",
    "lock": "requirements.lock",
    "packages": "installed packages",
    "ledger": "recorded claims and results",
    "data": "data and weights",
    "backend": "backend",
    "settings": "threads and settings",
    "others": "results of the other notebooks",
}
"""Each part of a key, in words for people."""
WORKER, PAGE = "cifarlib.runner.worker", "cifarlib.runner.notebook_page"
LEDGER = "cifarlib.ledger"
MOST_NAMES = 4  # of changed modules, said in a plan
INSTRUCTOR = tuple(f"cifarlib.{room}" for room in ("runner", "grader", "cli"))


def common(mirror: Path | str | None) -> dict[str, Any]:
    """Return the parts that all tasks of a plan share on this machine."""
    return {
        "execution": _module_digests(closure([WORKER], without=[PAGE])),
        "lock": lock_digest(),
        "packages": environment.versions() | {"python": platform.python_version()},
        "data": data_digests(mirror),
        "backend": environment.backend(),
    }


def machine() -> dict[str, Any]:
    """Return what has to be the same on two machines, for results of one to count on the other."""
    return common(None) | {"cifarlib": package_digest(), "ledger": ledger_digest()}


def key(task: NotebookTask, shared: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    """Return the key of a task.

    Args:
        shared: see `common`; what else is in it is left out.
        variables: of the environment that the notebook will get for threads and devices.
    """
    settings = {name: os.environ[name] for name in environment.SETTINGS if name in os.environ}
    settings |= variables
    if settings.get("CUDA_VISIBLE_DEVICES", "-1") != "-1":
        settings["CUDA_VISIBLE_DEVICES"] = "one GPU"  # which one does not matter
    used = modules_of(task.notebook)
    parts = {name: shared[name] for name in ("execution", "lock", "packages", "data", "backend")}
    parts |= {
        "code": cells.code_digest(task.notebook),
        "parameters": task.parameters,
        "cifarlib": _module_digests(used),
        "settings": settings,
    }
    if LEDGER in used:
        parts["ledger"] = ledger_digest()
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
            shown = [name.removeprefix("cifarlib.") for name in names[:MOST_NAMES]]
            more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
            words += f" ({', '.join(shown + more)})"
        found.append(words)
    return found


def modules_of(notebook: Path) -> set[str]:
    """Return the modules of cifarlib that a notebook uses, directly or through others.

    Code that is not plain Python, a line for the shell for example, could use any of them.
    """
    try:
        return closure(used_by(cells.code(notebook)))
    except (SyntaxError, ValueError):
        return {name for name in modules() if not name.startswith(INSTRUCTOR)}


def lock_digest() -> str:
    """Return the digest of requirements.lock; "" where cifarlib is installed without it."""
    top = environment.checkout()
    path = top / "requirements.lock" if top else None
    return file_digest(path) if path and path.is_file() else ""


def ledger_digest() -> str:
    """Digest all that the ledger holds but when it was recorded, and from which commit."""
    rows = [_without_times(row) for row in ledger.results()]
    said = (claims.RECORDS / "claims.toml").read_bytes()
    return hashlib.sha256(said + json.dumps(rows).encode()).hexdigest()


def _without_times(row: dict[str, Any]) -> dict[str, Any]:
    facts = {k: v for k, v in (row.get("environment") or {}).items() if k != "git"}
    return {k: v for k, v in row.items() if k != "recorded"} | {"environment": facts}


def _module_digests(names: set[str]) -> dict[str, str]:
    return {name: _module_digest(modules_path(name)) for name in sorted(names)}


@lru_cache
def _module_digest(path: Path) -> str:
    return file_digest(path)[:16]


def _others_digest(task: NotebookTask) -> str:
    folder = task.records.parent
    paths = [p for p in folder.rglob("results.jsonl") if p.parent != task.records]
    return tree_digest(paths, folder)
