"""NotebookProgress on the terminal: a bar a notebook where someone watches, else plain lines."""

from __future__ import annotations

import os
import sys
from typing import Any

from cifarlib._support import progress


class NotebookProgress:
    """Shows how far one notebook is. Use as a context manager."""

    def __init__(self, label: str) -> None:
        self.label, self.begun = label, False
        self.bar: Any = None
        if sys.stderr.isatty() and os.environ.get("CIFARLIB_QUIET") != "1":
            self.bar = progress.bar(None, label, "cell", leave=True)
        else:
            self._say(f"{label} ...")

    def update(self, cell: int, cells: int | None) -> None:
        """Show that cell number `cell` of `cells` is at work; 0 before the first."""
        self.begun = self.begun or cell > 0
        if self.bar is not None:
            self.bar.total, self.bar.n = cells, max(0, cell - 1)
            self.bar.refresh()

    def done(self, state: str, seconds: float) -> None:
        """Show how the notebook ended."""
        if self.bar is not None:
            if state == "ok":
                self.bar.n = self.bar.total or self.bar.n
            self.bar.set_postfix_str(state)
        else:
            self._say(f"{self.label}: {state} after {seconds:.0f} s")

    def __enter__(self) -> NotebookProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
