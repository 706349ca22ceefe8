"""Where the course keeps files of its own on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder(cache: str | os.PathLike | None = None) -> Path:
    """Return the course's cache folder: the argument, else CIFARLIB_CACHE, else the user's."""
    named = cache or os.environ.get("CIFARLIB_CACHE")
    if named:
        return Path(named).expanduser()
    return platformdirs.user_cache_path("cifarlib", appauthor=False, opinion=False)
