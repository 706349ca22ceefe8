"""nbgrader's names for things: folders of a course, the settings file, flags of cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SOURCE = "solutions"  # the folder of the instructor's notebooks, with answers and hidden tests
RELEASE = "exercises"  # the folder beside it with what students get
CONFIG = "nbgrader_config.py"
FLAGS = ("grade", "solution", "task", "locked")
"""What `metadata.nbgrader` of a cell says about it, beside its name and its points."""


def load_config(folder: Path) -> Any:
    """Return nbgrader's settings for the course in a folder; its defaults if there is no file."""
    from traitlets.config import Config, PyFileConfigLoader

    if not (folder / CONFIG).is_file():
        return Config()
    return PyFileConfigLoader(CONFIG, path=str(folder.absolute())).load_config()
