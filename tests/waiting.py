"""How tests wait for something that other processes or threads do."""

import time
from collections.abc import Callable

GUARD = 300  # seconds after which a test gives up waiting: never reached where all is right


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition holds, however long that takes on a busy machine."""
    deadline = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < deadline, f"waited {GUARD} seconds in vain"
        time.sleep(0.05)
