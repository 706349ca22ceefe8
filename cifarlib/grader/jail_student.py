"""The student's side in its jail: runs cells, hands out values as plain data, calls functions.

Nothing here is trusted: student code in the same process can change all of it. It decides no
score, and knows no test.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from cifarlib.grader import codec, wire
from cifarlib.grader.exceptions import NotPlainError
from cifarlib.grader.jail_shell import Shell, readable


class StudentSide:
    """Answers to the parent's requests; each handler returns the kind and the body of a frame."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.functions: dict[int, Callable] = {}
        self.handlers = {wire.RUN: shell.answer_run, wire.GET: self.get, wire.CALL: self.call}

    def get(self, body: bytes) -> tuple[bytes, bytes]:
        """Return the values of those of the names that exist."""
        space = self.shell.user_ns
        values = {name: space[name] for name in json.loads(body) if name in space}
        return wire.VALUE, codec.dumps_mapping(values, self.keep)

    def call(self, body: bytes) -> tuple[bytes, bytes]:
        """Call a function: (number, positional, keyword) in; ("ok", value) or an error out."""
        self.shell.left = 0
        try:
            number, args, kwargs = codec.loads(body)
            value = self.functions[number](*args, **kwargs)
            return wire.VALUE, codec.dumps(("ok", value), self.keep)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
            text = readable(error)
            if isinstance(error, NotPlainError):
                text = f"the function's result cannot be graded: {text}"
            return wire.VALUE, codec.dumps(("error", kinds[0], text))

    def keep(self, function: Callable) -> int:
        """Remember a function and return its number."""
        self.functions[len(self.functions) + 1] = function
        return len(self.functions)
