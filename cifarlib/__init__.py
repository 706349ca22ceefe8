"""cifarlib: the helper library of a notebook course on convolutional networks.

The ten names that a notebook needs most are here. The rest is in rooms, one folder each, whose
`__init__` says what they are for and which file to read first: `data`, `networks`, `parameters`,
`backbones`, `augmentation`, `plots` and `ledger` for notebooks, `checks` for exercises, `runner`
and `grader` for instructors. Importing this package loads neither Keras nor Matplotlib: names are
fetched when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from cifarlib.errors import CourseError

if TYPE_CHECKING:
    from cifarlib.data import Dataset, load
    from cifarlib.data.image_folders import load_folder
    from cifarlib.evaluation import Evaluation, evaluate
    from cifarlib.profiles import profile
    from cifarlib.training import Run, fit, set_seed

__version__ = "0.1.0"

_HOMES = {
    "Dataset": "data",
    "load": "data",
    "load_folder": "data.image_folders",
    "Evaluation": "evaluation",
    "evaluate": "evaluation",
    "profile": "profiles",
    "Run": "training",
    "fit": "training",
    "set_seed": "training",
}

__all__ = [
    "CourseError",
    "Dataset",
    "Evaluation",
    "Run",
    "evaluate",
    "fit",
    "load",
    "load_folder",
    "profile",
    "set_seed",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        value = getattr(import_module(f"cifarlib.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'cifarlib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
