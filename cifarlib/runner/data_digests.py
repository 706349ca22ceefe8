"""Digests of data and weights: large files are read once, and again only after they changed."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from cifarlib._support.digests import file_digest
from cifarlib._support.files import write_atomic
from cifarlib._support.folders import cache_folder
from cifarlib.errors import CourseError


def data_digests(mirror: str | os.PathLike | None = None) -> dict[str, str]:
    """Return a SHA-256 for each data set and each file of weights that this machine has.

    What a file's digest was is remembered in the course's cache folder, with the file's size
    and time of change.
    """
    from cifarlib.data import sources

    memory = cache_folder() / "digests.json"
    known = _read(memory)
    fresh = dict(known)
    found = {}
    for name in sources.LAYOUTS:
        path = sources.found(name, mirror)
        if path is not None:
            found[name] = _digest(path, fresh)
    if fresh != known:
        with suppress(CourseError):  # then they are computed again the next time
            write_atomic(memory, json.dumps(fresh, indent=1))
    return found


def _digest(path: Path, memory: dict[str, list]) -> str:
    if path.is_dir():
        files = [p for p in sorted(path.rglob("*")) if p.is_file()]
        lines = [f"{p.relative_to(path).as_posix()} {_digest(p, memory)}" for p in files]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    stat = path.stat()
    state = [stat.st_size, stat.st_mtime_ns]
    if memory.get(str(path), [])[:2] != state:
        memory[str(path)] = [*state, file_digest(path)]
    return memory[str(path)][2]


def _read(path: Path) -> dict[str, list]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: row for name, row in content.items() if len(row) == 3}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
