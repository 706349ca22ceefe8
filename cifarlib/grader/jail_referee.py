"""The referee's side in its jail: runs graded cells with the student's values.

It sees the student only as decoded plain data and as `StudentFunction`s, which ask the parent.
"""

from __future__ import annotations

import builtins
import json
import math
import numbers
from typing import Any

import numpy as np

from cifarlib.grader import codec, wire
from cifarlib.grader.exceptions import NotPlainError
from cifarlib.grader.jail_shell import Shell


class SubmissionError(Exception):
    """The student's function failed in a way that has no built-in exception."""


class RefereeSide:
    """Answers to the parent's requests; each handler returns the kind and the body of a frame."""

    def __init__(self, pipes: wire.Pipes, shell: Shell) -> None:
        self.pipes, self.shell = pipes, shell
        hook = shell.displayhook  # a test's score is no news
        hook.write_output_prompt = hook.finish_displayhook = lambda: None
        hook.write_format_data = lambda *_: None
        self.handlers = {wire.BIND: self.bind, wire.TEST: self.test, wire.RUN: shell.answer_run}

    def test(self, body: bytes) -> tuple[bytes, bytes]:
        """Run a graded cell, or a part of one; a last value that is a number is its score."""
        ended, value = self.shell.execute(body.decode())
        if ended["ok"] and value is not None:
            ended["score"] = _score(value)
        return wire.DONE, json.dumps(ended).encode()

    def bind(self, body: bytes) -> tuple[bytes, bytes]:
        """Put the student's values into the namespace; return why some were refused.

        The body is the list of names that were asked for, and then the student's answer.
        """
        (names, answer), refused = codec.split_head(body), {}
        for name in names:
            self.shell.user_ns.pop(name, None)
        try:
            values = codec.loads_mapping(answer)
        except NotPlainError as error:
            return wire.DONE, json.dumps({"refused": {name: str(error) for name in names}}).encode()
        for name in names:
            why, data = values.get(name, ("", b""))
            try:
                if data and not why:
                    self.shell.user_ns[name] = codec.loads(data, self.function)
            except NotPlainError as error:
                why = str(error)
            if why:
                refused[name] = why
        return wire.DONE, json.dumps({"refused": refused}).encode()

    def function(self, number: int, name: str) -> StudentFunction:
        return StudentFunction(self, number, name)

    def ask(self, request: bytes) -> bytes:
        """Have the parent carry a call to the student's jail."""
        self.pipes.write(wire.ASK, self.shell.token, request)
        while True:
            kind, token, body = self.shell.incoming.get()
            if kind == wire.END:
                raise SystemExit
            if kind == wire.ANSWER and token == self.shell.token:
                return body


class StudentFunction:
    """A function that lives in the student's jail: plain data in, plain data out."""

    def __init__(self, side: RefereeSide, number: int, name: str) -> None:
        self.__name__ = self.__qualname__ = name
        self._side, self._number = side, number

    def __repr__(self) -> str:
        return f"<function {self.__name__} of the submission>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        request = codec.dumps((self._number, args, kwargs))
        answer = codec.loads(self._side.ask(request), self._side.function)
        if type(answer) is tuple and len(answer) == 2 and answer[0] == "ok":
            return answer[1]
        if type(answer) is tuple and len(answer) == 3 and answer[0] == "error":
            raise _exception(str(answer[1]), str(answer[2]))
        raise SubmissionError("the submission gave no usable answer")


def _score(value: Any) -> float | str:
    """Return a test's last value as its score; a text if it is no number."""
    if isinstance(value, bool | np.bool_):
        return "full" if value else 0.0
    if isinstance(value, numbers.Real) and math.isfinite(value):
        return float(value)
    return f"no number: {type(value).__name__}"


def _exception(kind: str, text: str) -> Exception:
    found = getattr(builtins, kind, None)
    if isinstance(found, type) and issubclass(found, Exception):
        try:
            return found(text)
        except Exception:
            pass
    return SubmissionError(f"{kind}: {text}")
