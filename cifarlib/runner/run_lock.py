"""One run at a time in a result folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cifarlib._support.files import write_atomic
from cifarlib.errors import CourseError


@contextmanager
def sole_user(out: Path) -> Iterator[None]:
    """Make the folder, and keep other runs out of it; the lock ends with this process.

    Raises:
        CourseError: another run is at work there, or the folder cannot be written to.
    """
    owner, lock = out / ".owner", FileLock(out / ".lock", timeout=0)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise CourseError(
            f"Another `cifarlib run` is at work in {out} (process {_said_by(owner)}). "
            "Wait until it has ended, or choose another folder with --out."
        ) from None
    except OSError as error:
        raise CourseError(
            f"Could not write {out / '.lock'}: {error.strerror or error}. "
            "Free some space or choose a folder you may write to, then try again."
        ) from error
    try:
        write_atomic(owner, str(os.getpid()))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _said_by(owner: Path) -> str:
    try:
        return owner.read_text(encoding="utf-8")
    except OSError:
        return "unknown"
