"""The pinned versions of requirements.lock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def pins(lock: Path) -> Iterator[Requirement]:
    """Yield each pinned package of a lock; one may have several pins, by Python version."""
    from packaging.requirements import Requirement

    for line in lock.read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Za-z0-9]", line):  # not a hash, nor a comment
            yield Requirement(line.rstrip(" \\"))


def applies(pin: Requirement) -> bool:
    """Say whether a pin is for this Python and this system."""
    return pin.marker is None or pin.marker.evaluate()
