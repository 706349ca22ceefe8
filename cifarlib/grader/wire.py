"""The frames between the parent and a jailed process, over the process's stdin and stdout.

A frame is a kind (1 byte), a token (16 bytes), a length (4 bytes) and a body. The parent makes a
new random token for each request; an answer with another token is dropped, so a late or foreign
answer is no answer. There are no sockets: nothing to connect to, and the parent decides how much
it reads.
"""

from __future__ import annotations

import os
import struct
import threading

HEAD = struct.Struct(">c16sI")
NO_TOKEN = bytes(16)

# From the parent.
RUN, GET, CALL = b"r", b"g", b"c"  # run a cell; get names; call a function
BIND, TEST, ANSWER = b"b", b"t", b"a"  # bind names; run a graded cell; the answer to ASK
FORK, INTERRUPT, END = b"f", b"i", b"e"  # begin a submission; stop the running cell; end it
# From the jail.
READY, OUTPUT, DONE, VALUE, ASK = b"R", b"o", b"d", b"v", b"q"


def frame(kind: bytes, token: bytes, body: bytes = b"") -> bytes:
    """Return one frame as bytes."""
    return HEAD.pack(kind, token, len(body)) + body


class Pipes:
    """The jailed process's own ends of the pipes."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._lock = threading.RLock()

    def read(self) -> tuple[bytes, bytes, bytes]:
        """Wait for a frame and return its kind, token and body.

        Raises:
            EOFError: the parent has gone.
        """
        kind, token, length = HEAD.unpack(self._exactly(HEAD.size))
        return kind, token, self._exactly(length)

    def write(self, kind: bytes, token: bytes, body: bytes = b"") -> None:
        """Write one frame; frames of several threads do not mix."""
        data = memoryview(frame(kind, token, body))
        with self._lock:
            while data:
                data = data[os.write(self._writing, data) :]

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            part = os.read(self._reading, min(count, 1 << 20))
            if not part:
                raise EOFError("the parent has gone")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
