"""A semaphore that lets threads in by the order in which they asked, not in which they wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class OrderedSemaphore:
    """Lets at most `most` threads in at a time.

    A thread asks for a ticket first, and may do other work before it takes its turn. Nobody is let
    in before those who asked earlier, unless they gave up.
    """

    def __init__(self, most: int) -> None:
        self._free, self._asked, self._changed = most, deque(), Condition()

    def ask(self) -> object:
        """Return a ticket for a turn."""
        ticket = object()
        self._asked.append(ticket)
        return ticket

    @contextmanager
    def take(self, ticket: object) -> Iterator[None]:
        """Wait until it is the ticket's turn; the turn ends with the `with` block."""
        with self._changed:
            self._changed.wait_for(lambda: self._free > 0 and self._asked[0] is ticket)
            self._asked.popleft()
            self._free -= 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def give_up(self, ticket: object) -> None:
        """Let the others go on if a ticket's turn was never taken."""
        with self._changed:
            if ticket in self._asked:
                self._asked.remove(ticket)
                self._changed.notify_all()
