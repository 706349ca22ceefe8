"""Limits that only an onlooker can keep: the memory and the time of all processes of a jail."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import Protocol

import psutil

PAUSE_S = 0.1


class Watched(Protocol):
    """What the watchdog needs of a jail."""

    pid: int
    memory_mb: int
    ends_at: float  # of time.monotonic

    def alive(self) -> bool: ...

    def kill(self, why: str) -> None: ...


class Watchdog(threading.Thread):
    """Kills jails that use more than they may."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="watchdog")
        self._jails: set[Watched] = set()
        self._lock = threading.Lock()

    def add(self, jail: Watched) -> None:
        """Watch a jail until it ends."""
        with self._lock:
            self._jails.add(jail)
            if not self.is_alive() and self.ident is None:
                self.start()

    def run(self) -> None:
        while True:
            time.sleep(PAUSE_S)
            with self._lock:
                self._jails = {jail for jail in self._jails if jail.alive()}
                jails = list(self._jails)
            for jail in jails:
                used = memory(jail.pid) >> 20
                if used > jail.memory_mb:
                    jail.kill(f"used more than {jail.memory_mb} MB of memory")
                elif time.monotonic() > jail.ends_at:
                    jail.kill("took longer in all than a notebook may")


def memory(pid: int) -> int:
    """Return the bytes of memory that a process and all below it use, memory files included."""
    total, seen = 0, set()
    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.Error, OSError):
                total += _proportional(process.pid)
            with suppress(OSError):
                total += _memory_files(process.pid, seen)
    return total


def _proportional(pid: int) -> int:
    """Return a process's memory in bytes; pages that several share count once in all."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return psutil.Process(pid).memory_info().rss


def _memory_files(pid: int, seen: set[int]) -> int:
    """Return the size of memory that hides behind file descriptors (memfd_create)."""
    total = 0
    for entry in os.scandir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            if os.readlink(entry.path).startswith("/memfd:"):
                found = os.stat(entry.path)
                if found.st_ino not in seen:
                    seen.add(found.st_ino)
                    total += found.st_blocks * 512
    return total
