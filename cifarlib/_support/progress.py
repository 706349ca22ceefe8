"""Progress bars where somebody is watching, and none with CIFARLIB_QUIET=1."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds before a bar appears: what is faster needs none."""


def bar(total: int | None, what: str, unit: str, *, leave: bool = False) -> Any:
    """Return a bar to use as `with bar(...) as b: b.update(n)`; it goes away at its end.

    Args:
        total: how many units there are; None if that is not known yet.
        what: what is done, shown before the bar.
        unit: what is counted, such as "image".
        leave: whether it stays at its end.
    """
    from tqdm.auto import tqdm

    quiet = total == 0 or os.environ.get("CIFARLIB_QUIET") == "1"
    return tqdm(total=total, desc=what, unit=unit, leave=leave, delay=PATIENCE, disable=quiet)


def each(items: Iterable[T], what: str, unit: str) -> Iterator[T]:
    """Yield the items, with a bar that counts those that are done."""
    items = list(items)
    with bar(len(items), what, unit) as shown:
        for item in items:
            yield item
            shown.update(1)
