"""Requests to the two jails of a submission: one runs the student's cells, one the graded cells."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cifarlib.grader import codec, wire
from cifarlib.grader.bubblewrap import Sandbox
from cifarlib.grader.exceptions import GoneError, LateError
from cifarlib.grader.jail_process import Jail

GONE = "the submission's process is gone"


@dataclass
class CellResult:
    """How a cell ended.

    Attributes:
        ok: whether it ran to its end.
        error: such as "NameError: name 'x' is not defined"; "" if it is ok.
        traceback: IPython's, or "".
        outputs: what it showed, as `{"text": ...}` and `{"png": ...}` (base64).
        score: its last value, if that is a number; else None.
    """

    ok: bool
    error: str = ""
    traceback: str = ""
    outputs: list[dict[str, str]] = field(default_factory=list)
    score: object = None


class JailClient:
    """Asks one jail, and waits for its answers."""

    def __init__(self, sandbox: Sandbox, role: str, preload: Sequence[str] = ()) -> None:
        self.limits = sandbox.limits
        self.jail = Jail(sandbox, role, preload)
        self.unasked_answers = 0  # to requests that were never made
        self._asked: set[bytes] = set()
        self._printed = 0

    def wait_ready(self) -> None:
        """Wait until it takes requests; see `Jail.wait_ready`."""
        self.jail.wait_ready()

    def request(
        self,
        kind: bytes,
        body: bytes,
        seconds: float,
        show: Callable[[bytes], None] = lambda _: None,
        carry: Callable[[bytes], bytes] | None = None,
    ) -> bytes:
        """Return the answer to a request.

        Args:
            show: gets each piece of output.
            carry: answers the questions that the jail asks meanwhile.

        Raises:
            LateError: it took too long, was interrupted, and listens again.
            GoneError: the jail has ended, or was killed because it could not be interrupted.
        """
        token = secrets.token_bytes(16)
        self._asked.add(token)
        self.jail.send(kind, token, body)
        deadline, interrupted = time.monotonic() + seconds, False
        while True:
            try:
                if time.monotonic() > deadline:  # it may also send without end
                    raise LateError
                got, of, answer = self.jail.receive(deadline)
            except LateError:
                if interrupted:
                    self.jail.kill("could not be interrupted")
                    raise GoneError(self.jail.killed) from None
                self.jail.send(wire.INTERRUPT, token)
                deadline, interrupted = time.monotonic() + self.limits.interrupt_s, True
                continue
            if got == wire.OUTPUT:
                self._count(len(answer))
                if of == token:
                    show(answer)
            elif of != token:
                self.unasked_answers += of not in self._asked
            elif got == wire.ASK and carry is not None:
                self.jail.send(wire.ANSWER, token, carry(answer))
            elif interrupted:
                raise LateError
            elif got in (wire.DONE, wire.VALUE):
                return answer

    def execute(self, kind: bytes, code: str, seconds: float, **more: Callable) -> CellResult:
        """Run a cell and say how it ended; `LateError` and `GoneError` as in `request`."""
        shown = ShownOutput(self.limits.output_kb << 10)
        try:
            answer = self.request(kind, code.encode(), seconds, shown.add, **more)
        except LateError:
            text = f"TimeoutError: this cell ran longer than {seconds:g} s and was stopped"
            return CellResult(False, text, outputs=shown.outputs)
        facts = _json_object(answer)
        if facts.get("ok") is True:
            return CellResult(True, outputs=shown.outputs, score=facts.get("score"))
        error = f"{facts.get('ename', 'Error')}: {facts.get('evalue', 'no usable answer')}"
        return CellResult(False, error, str(facts.get("traceback", "")), shown.outputs)

    def close(self) -> None:
        self.jail.close()

    def _count(self, size: int) -> None:
        self._printed += size
        if self._printed > self.limits.flood_mb << 20:
            self.jail.kill(f"sent more than {self.limits.flood_mb} MB of output")
            raise GoneError(self.jail.killed)


class StudentJail(JailClient):
    """The jail in which a student's cells run. Nothing that it says is believed."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox, "student")
        self.jail.ends_at = time.monotonic() + sandbox.limits.start_s + sandbox.limits.wall_s
        self.gone = ""  # why it does not run any more

    def run_cell(self, code: str) -> CellResult:
        """Run one cell."""
        if self.gone:
            return CellResult(False, f"{GONE}: it {self.gone}")
        try:
            return self.execute(wire.RUN, code, self.limits.cell_s)
        except GoneError as reason:
            self.gone = str(reason)
            return CellResult(False, f"{GONE}: it {self.gone}")

    def fetch(self, names: Sequence[str]) -> bytes:
        """Return the values of names as `codec.dumps_mapping` writes them, unread."""
        answer = self._value(wire.GET, json.dumps(list(names)).encode())
        return answer or codec.dumps_mapping({}, len)

    def call(self, request: bytes) -> bytes:
        """Return a function's answer, unread."""
        answer = self._value(wire.CALL, request)
        late = f"the function took longer than {self.limits.call_s:g} s"
        why = f"{GONE}: it {self.gone}" if self.gone else late
        return answer or codec.dumps(("error", "TimeoutError", why))

    def _value(self, kind: bytes, body: bytes) -> bytes:
        if self.gone:
            return b""
        try:
            return self.request(kind, body, self.limits.call_s)
        except LateError:
            return b""
        except GoneError as reason:
            self.gone = str(reason)
            return b""


class RefereeJail(JailClient):
    """The jail in which graded cells run, in a fresh process for each submission."""

    def __init__(self, sandbox: Sandbox, preload: Sequence[str]) -> None:
        super().__init__(sandbox, "referee", preload)
        self._ready = False

    def begin_submission(self) -> None:
        """Start the process for a submission."""
        if not self._ready:
            self.wait_ready()
            self._ready = True
        self.request(wire.FORK, b"", self.limits.start_s)

    def run_code(self, code: str) -> CellResult:
        """Run the instructor's own code."""
        return self.execute(wire.RUN, code, self.limits.test_s)

    def bind(self, names: Sequence[str], values: bytes) -> dict[str, str]:
        """Hand in the student's values; return why some are refused, by name."""
        body = codec.join_head(list(names), values)
        refused = _json_object(self.request(wire.BIND, body, self.limits.test_s)).get("refused")
        return {str(n): str(why) for n, why in refused.items()} if isinstance(refused, dict) else {}

    def run_test(self, code: str, carry: Callable[[bytes], bytes]) -> CellResult:
        """Run a graded cell or a part of one; `carry` takes its calls to the student's jail."""
        return self.execute(wire.TEST, code, self.limits.test_s, carry=carry)

    def end_submission(self) -> None:
        """End the process for this submission and wait until the next one can begin."""
        self.jail.send(wire.END, wire.NO_TOKEN)
        self.jail.wait_ready()


class ShownOutput:
    """Collects a cell's outputs, up to a limit."""

    def __init__(self, most: int) -> None:
        self.outputs: list[dict[str, str]] = []
        self._left = most

    def add(self, body: bytes) -> None:
        """Take one piece of output as the jail sent it; what is not one is dropped."""
        if self._left <= 0:
            return
        self._left -= len(body)
        piece = _json_object(body)
        data = piece.get("data")
        if piece.get("type") == "stream":
            self._add_text(str(piece.get("text")))
        elif isinstance(data, dict) and "image/png" in data:
            self.outputs.append({"png": str(data["image/png"])})
        elif isinstance(data, dict) and "text/plain" in data:
            self._add_text(f"{data['text/plain']}\n")
        if self._left <= 0:
            self._add_text("\n[more output was left out]\n")

    def _add_text(self, text: str) -> None:
        text = text.encode(errors="replace").decode()
        if self.outputs and "text" in self.outputs[-1]:
            self.outputs[-1]["text"] += text
        else:
            self.outputs.append({"text": text})


def _json_object(body: bytes) -> dict:
    """Return a JSON object, whatever a jail sent in its place."""
    try:
        facts = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
