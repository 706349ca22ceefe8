"""Limits that only an onlooker can keep: the memory and the time of all processes of a jail."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import psutil

from cifarlib.grader.limits import WATCH_INTERVAL_S


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
            time.sleep(WATCH_INTERVAL_S)
            with self._lock:
                self._jails = {jail for jail in self._jails if jail.alive()}
                jails = list(self._jails)
            with suppress(OSError, psutil.Error):  # whatever it is, the next round may be luckier
                _look_at(jails)


def _look_at(jails: Sequence[Watched]) -> None:
    for jail in jails:
        if time.monotonic() > jail.ends_at:
            jail.kill("took longer in all than a notebook may")
    children = children_of_all()
    for jail in jails:
        if exceeds(family(jail.pid, children), jail.memory_mb << 20):
            jail.kill(f"used more than {jail.memory_mb} MB of memory")


def children_of_all() -> dict[int, list[int]]:
    """Return the children of every process of this machine that has any."""
    found = defaultdict(list)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            found[process.ppid()].append(process.pid)
    return found


def family(pid: int, children: Mapping[int, Sequence[int]]) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for one in found:  # grows on the way
        found += [child for child in children.get(one, ()) if child not in found]
    return found


def exceeds(pids: Sequence[int], limit: int) -> bool:
    """Say whether some processes use more than `limit` bytes in all, memory files included.

    Pages that several processes share count once. To count them so is slow; first they count as
    often as they are shared, which nearly always settles it.
    """
    files = _memory_files(pids)
    if files + sum(map(_resident, pids)) <= limit:
        return False
    return files + sum(map(_proportional, pids)) > limit


def _resident(pid: int) -> int:
    """Return a process's memory in bytes."""
    with suppress(OSError, psutil.Error):
        return psutil.Process(pid).memory_info().rss
    return 0


def _proportional(pid: int) -> int:
    """Return a process's memory in bytes; of pages that several share, its part."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return _resident(pid)


def can_see_memory_files(pid: int) -> bool:
    """Say whether this process may look behind the file descriptors of another one."""
    try:
        os.readlink(f"/proc/{pid}/fd/0")
    except PermissionError:
        return False
    return True


def _memory_files(pids: Sequence[int]) -> int:
    """Return the bytes that hide behind file descriptors (memfd_create), each file once."""
    sizes = {}
    for pid in pids:
        with suppress(OSError):
            for entry in os.scandir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    if os.readlink(entry.path).startswith("/memfd:"):
                        found = os.stat(entry.path)
                        sizes[found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())
