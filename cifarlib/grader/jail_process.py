"""The parent's end of a jailed process: frames with deadlines, and killing it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from cifarlib.grader import wire
from cifarlib.grader.bubblewrap import Sandbox
from cifarlib.grader.exceptions import GoneError, LateError
from cifarlib.grader.watchdog import Watchdog

# A jail dies with the *thread* that started it, so one thread that stays starts them all.
_starter = ThreadPoolExecutor(1, "jails")
_watchdog = Watchdog()


class Jail:
    """A jailed process. Everything that comes out of it is only bytes."""

    def __init__(self, sandbox: Sandbox, role: str, preload: Sequence[str] = ()) -> None:
        self.limits, self.memory_mb = sandbox.limits, sandbox.limits.memory_mb
        self.killed = ""  # why it was killed
        self.ends_at = float("inf")
        self._buffer = bytearray()
        self._folder = tempfile.mkdtemp(prefix="grade-") if sandbox.kind == "none" else ""
        self._process = _starter.submit(
            subprocess.Popen,
            sandbox.command(role, self._folder, preload),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=sandbox.environment(self._folder),
            cwd=self._folder or "/",
            start_new_session=True,
        ).result()
        self.pid = self._process.pid
        self._out, self._in = self._process.stdout.fileno(), self._process.stdin.fileno()
        os.set_blocking(self._in, False)
        _watchdog.add(self)

    def wait_ready(self) -> None:
        """Wait until the process inside takes requests.

        Raises:
            GoneError: it did not start; the message holds its last words.
        """
        try:
            kind, _, _ = self.receive(time.monotonic() + self.limits.start_s)
        except LateError:
            self.kill(f"was not ready within {self.limits.start_s:g} s")
            raise GoneError(self.killed) from None
        except GoneError as reason:
            raise GoneError(f"{reason}: {self._last_words()}") from None
        if kind != wire.READY:
            self.kill("did not start as it should")
            raise GoneError(self.killed)

    def send(self, kind: bytes, token: bytes, body: bytes = b"") -> None:
        """Write a frame.

        Raises:
            GoneError: the process has ended, or does not take what is written to it.
        """
        data = memoryview(wire.frame(kind, token, body))
        deadline = time.monotonic() + self.limits.send_s
        while data:
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([], [self._in], [], wait)[1]:
                self.kill("stopped listening")
                raise GoneError(self.killed)
            try:
                data = data[os.write(self._in, data[: 1 << 16]) :]
            except BlockingIOError:
                continue
            except OSError:
                raise GoneError(self._why()) from None

    def receive(self, deadline: float) -> tuple[bytes, bytes, bytes]:
        """Return the next frame: kind, token, body.

        Raises:
            LateError: it did not come before the deadline (of `time.monotonic`).
            GoneError: the process has ended, or sent what is no frame or too large a one.
        """
        while True:
            if len(self._buffer) >= wire.HEAD.size:
                kind, token, length = wire.HEAD.unpack_from(self._buffer)
                if length > self.limits.value_mb << 20:
                    self.kill(f"sent a value of more than {self.limits.value_mb} MB")
                    raise GoneError(self.killed)
                end = wire.HEAD.size + length
                if len(self._buffer) >= end:
                    body = bytes(memoryview(self._buffer)[wire.HEAD.size : end])
                    del self._buffer[:end]
                    return kind, token, body
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([self._out], [], [], wait)[0]:
                raise LateError
            part = os.read(self._out, 1 << 20)
            if not part:
                raise GoneError(self._why())
            self._buffer += part

    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self, why: str) -> None:
        """End all processes of the jail; the first reason given is the one that counts."""
        self.killed = self.killed or why
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill what is left and release everything."""
        self.kill("was no longer needed")
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError):
                pipe.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _why(self) -> str:
        if self.killed:
            return self.killed
        code = self._process.wait()
        if code < 0 or code > 128:
            number = -code if code < 0 else code - 128
            with suppress(ValueError):
                return f"ended by itself ({signal.Signals(number).name})"
        return f"ended by itself (exit code {code})"

    def _last_words(self) -> str:
        os.set_blocking(self._process.stderr.fileno(), False)
        try:
            return os.read(self._process.stderr.fileno(), 1 << 16).decode(errors="replace")[-2000:]
        except OSError:
            return ""
