"""Processes of a notebook: what they occupy together, and ending them all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil


def kill_leftovers(scratch: Path) -> None:
    """Kill what a worker, its kernel or its notebook left running.

    Processes are known by a variable they inherit, as orphans no longer have our ancestry.
    """
    for _ in range(5):  # a process that is being killed may just have started another
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                mine = process.environ().get("CIFARLIB_SCRATCH") == str(scratch)
                if mine and process.pid != os.getpid():
                    process.kill()
                    found.append(process)
        if not found:
            return
        psutil.wait_procs(found, timeout=5)


def memory(pid: int) -> float:
    """Return the GB that a process and all its descendants occupy."""
    total = 0
    with suppress(psutil.Error):
        worker = psutil.Process(pid)
        for process in (worker, *worker.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total / 2**30


def kill_children(pid: int) -> None:
    """Kill all descendants of a process, and leave itself."""
    with suppress(psutil.Error):
        for process in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.Error):
                process.kill()
