"""How long a run may take: `smoke`, `quick` and `full`.

One notebook serves all three. Where a number depends on the profile, the notebook says
so in one visible line: ``EPOCHS = profile.pick(smoke=1, quick=5, full=5)``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cifarlib.errors import CourseError

T = TypeVar("T")

PURPOSES = {
    "smoke": "embedded stand-in data, shortest trainings: shows that everything runs, nothing more",
    "quick": "real data, scaled for a laptop with two cores: about 10 minutes a notebook, up to 25",
    "full": "real data and the reports' own training lengths: meant for a GPU",
}


@dataclass(frozen=True)
class Profile:
    """One of the three sizes of the course.

    Attributes:
        name: "smoke", "quick" or "full".
        source: what to pass to `cifarlib.load`: "embedded" for smoke, else "auto".
        reason: why this profile was chosen, for people.
    """

    name: str
    source: str
    reason: str

    def pick(self, *, smoke: T, quick: T, full: T) -> T:
        """Return the value that belongs to this profile."""
        return {"smoke": smoke, "quick": quick, "full": full}[self.name]

    @property
    def is_smoke(self) -> bool:
        return self.name == "smoke"

    def __str__(self) -> str:
        return f"Profile {self.name!r} ({PURPOSES[self.name]}). Chosen because {self.reason}."


def profile(name: str = "auto", *, mirror: str | os.PathLike | None = None) -> Profile:
    """Return the profile called `name`; "auto" decides from settings, hardware and data.

    "auto" takes the environment variable CIFARLIB_PROFILE if it is set. Otherwise it takes
    "smoke" where no real data lies on this machine, "full" beside a GPU, else "quick".

    Args:
        mirror: a folder in Keras's cache layout where data may lie, instead of CIFARLIB_MIRROR.

    Raises:
        CourseError: there is no such profile.
    """
    if name == "auto" and os.environ.get("CIFARLIB_PROFILE"):
        name, reason = os.environ["CIFARLIB_PROFILE"], "CIFARLIB_PROFILE says so"
    elif name == "auto":
        name, reason = _from_machine(mirror)
    else:
        reason = "you asked for it"
    if name not in PURPOSES:
        known = "\n".join(f"  {key}: {text}" for key, text in PURPOSES.items())
        raise CourseError(f"There is no profile {name!r}. Choose one of these:\n{known}")
    return Profile(name, "embedded" if name == "smoke" else "auto", reason)


def _from_machine(mirror: str | os.PathLike | None) -> tuple[str, str]:
    from cifarlib.data.sources import found

    if not found("cifar10", mirror):
        return "smoke", (
            "no copy of CIFAR-10 was found on this machine "
            "(`cifarlib data fetch` gets one, then PROFILE = 'quick' uses it)"
        )
    if Path("/dev/nvidia0").exists():
        return "full", "this machine has a GPU"
    return "quick", "real data was found and this machine has no GPU"
