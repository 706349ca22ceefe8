"""Who may use a result folder, and requests to stop."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cifarlib.errors import CourseError


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


@contextmanager
def sole_user(out: Path) -> Iterator[None]:
    """Make the folder, and keep other runs out of it; the lock ends with this process.

    Raises:
        CourseError: another run is at work there, or the folder cannot be written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = _locked(out / ".lock")
    except BlockingIOError:
        who = _read(out / ".lock")
        raise CourseError(
            f"Another `cifarlib run` is at work in {out} (process {who or 'unknown'}). "
            "Wait until it has ended, or choose another folder with --out."
        ) from None
    except OSError as error:
        raise CourseError(
            f"Could not write {out / '.lock'}: {error.strerror or error}. "
            "Free some space or choose a folder you may write to, then try again."
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):
            (out / ".lock").unlink(missing_ok=True)
        os.close(handle)


def _locked(path: Path) -> int:
    """Open and lock a file.

    Raises:
        BlockingIOError: another process holds the lock.
    """
    try:
        import fcntl
    except ImportError:  # Windows, which the course supports through its Linux subsystem
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last owner may have removed the file after we opened it: then try again.
            if path.exists() and path.stat().st_ino == os.fstat(handle).st_ino:
                os.truncate(handle, 0)
                os.write(handle, str(os.getpid()).encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
