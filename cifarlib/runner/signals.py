"""Requests to stop, which come in as signals."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass
class Stop:
    """Requests to stop that came in as signals; the second one wants it at once."""

    signum: int | None = None
    requests: int = 0


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Note SIGINT, SIGTERM and SIGHUP instead of dying of them; leave ignored ones ignored."""
    stop = Stop()

    def note(signum: int, _frame: object) -> None:
        stop.signum = stop.signum or signum
        stop.requests += 1

    before = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signum = getattr(signal, name, None)
        if signum is not None and signal.getsignal(signum) is not signal.SIG_IGN:
            with suppress(ValueError):  # not in the main thread
                before[signum] = signal.signal(signum, note)
    try:
        yield stop
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
