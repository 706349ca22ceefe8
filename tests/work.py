"""Work as tests count it, where seconds would depend on the machine and its load."""

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_readers: list[Counter] = []


@contextmanager
def files_opened() -> Iterator[Counter]:
    """Count how often this process opens each file, not those of the system below /proc."""
    found = Counter()
    _readers.append(found)
    try:
        yield found
    finally:
        _readers.remove(found)


@contextmanager
def calls() -> Iterator[Counter]:
    """Count the calls of functions, by their names, in this thread and in those it starts."""
    found = Counter()

    def count(frame, event, argument):
        if event == "call":
            found[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            found[argument.__qualname__] += 1

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        yield found
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _event(event: str, arguments: tuple) -> None:
    if _readers and event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        path = Path(os.fsdecode(arguments[0])).absolute()
        if path.parts[1:2] != ("proc",):  # where a watchdog that an earlier test began looks
            for reader in _readers:
                reader[path] += 1


sys.addaudithook(_event)
