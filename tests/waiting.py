"""How tests wait for something that other processes or threads do."""

import time
from collections.abc import Callable, Iterable

import psutil

GUARD = 300  # seconds after which a test gives up waiting: never reached where all is right


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition holds, however long that takes on a busy machine."""
    deadline = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < deadline, f"waited {GUARD} seconds in vain"
        time.sleep(0.05)


def alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those of some processes that have not ended."""
    return [p for p in processes if p.is_running() and not has_ended(p.pid)]


def has_ended(pid: int) -> bool:
    """Say whether a process has ended, be it that nobody asked for its status yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
