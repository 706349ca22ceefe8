"""The IPython shell in a jail: runs cells as Jupyter does and sends what they print as frames."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import Any

from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from cifarlib.grader import wire
from cifarlib.grader.limits import MAX_MESSAGE

SHOWN = ("text/plain", "image/png")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
PIECE = 1 << 15  # characters of printed text in one frame


class Shell(InteractiveShell):
    """IPython without history, with its output going to the parent."""

    pipes: Any = None
    incoming: Any = None  # a queue of requests, which `serve` fills
    token: bytes = wire.NO_TOKEN  # of the request at work
    busy: bytes | None = None  # the same, while it may be interrupted
    left = 0  # bytes of output that this cell may still send
    most = 0
    last_traceback = ""

    def execute(self, code: str) -> tuple[dict, Any]:
        """Run one cell; return how it ended, as plain data, and its last value."""
        self.left = self.most
        result = self.run_cell(code, store_history=True)
        sys.stdout.flush()
        sys.stderr.flush()
        error = result.error_before_exec or result.error_in_exec
        if error is None:
            return {"ok": True}, result.result
        return failure(type(error).__name__, error, self.last_traceback), None

    def answer_run(self, body: bytes) -> tuple[bytes, bytes]:
        """Answer a request to run code: its source in, how it ended out."""
        ended, _ = self.execute(body.decode())
        return wire.DONE, json.dumps(ended).encode()

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.last_traceback = ESCAPES.sub("", "\n".join(map(str, stb)))

    def ask_exit(self) -> None:
        """Do nothing for `exit`: the cells that follow are graded too."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Do nothing for `%matplotlib`: there is no window to open."""

    def failure_body(self, name: str, text: str) -> bytes:
        return json.dumps(failure(name, text, "")).encode()

    def send(self, output: dict) -> None:
        """Send a piece of output, as long as this cell has not sent too much."""
        if self.left > 0:
            body = json.dumps(output).encode()
            self.left -= len(body)
            self.pipes.write(wire.OUTPUT, self.token, body)


def failure(name: str, error: object, traceback: str) -> dict:
    """Return an error as plain data."""
    return {
        "ok": False,
        "ename": name[:100],
        "evalue": readable(error),
        "traceback": traceback[-MAX_MESSAGE:],
    }


def readable(error: object) -> str:
    """Return an error's message."""
    try:
        return str(error)[:MAX_MESSAGE]
    except BaseException:
        return "(an error without a readable message)"


class _Publisher(DisplayPublisher):
    def publish(self, data: dict, *_: Any, **__: Any) -> None:
        kept = {kind: str(data[kind]) for kind in SHOWN if kind in data}
        self.shell.send({"type": "display", "data": kept})

    def clear_output(self, wait: bool = False) -> None:
        pass


class _Stream(io.TextIOBase):
    """Sends what is printed, line by line; drops what is more than the cell may send."""

    def __init__(self, shell: Shell, name: str) -> None:
        self._shell, self._name, self._waiting = shell, name, ""

    def write(self, text: str) -> int:
        text = str(text)
        self._waiting += text[: max(self._shell.left, 0)]
        if "\n" in text or len(self._waiting) > PIECE:
            self.flush()
        return len(text)

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, ""
        for start in range(0, len(waiting), PIECE):
            part = waiting[start : start + PIECE]
            self._shell.send({"type": "stream", "name": self._name, "text": part})

    def writable(self) -> bool:
        return True


def make_shell(pipes: wire.Pipes, most: int) -> Shell:
    """Return this process's shell; `sys.stdout` and `sys.stderr` go to the parent from now on."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    Shell.pipes, Shell.most = pipes, most
    shell = Shell.instance(config=config)
    shell.display_pub = _Publisher(parent=shell, shell=shell)
    sys.stdout, sys.stderr = _Stream(shell, "stdout"), _Stream(shell, "stderr")
    sys.path.append("")
    return shell
