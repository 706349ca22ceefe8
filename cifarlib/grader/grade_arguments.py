"""The arguments of `cifarlib grade`, apart from the grading itself, which takes long to import."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from cifarlib.grader.limits import JailLimits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `cifarlib grade`."""
    add, limits, default = parser.add_argument, JailLimits, "default: %(default)s"
    add("submissions", type=Path, metavar="SUBMISSIONS", help="a folder, or an LMS's zip file")
    add("--assignment", required=True, metavar="NN", help="number or name of the exercise")
    add("--jobs", type=int, default=os.cpu_count(), metavar="N", help="at once (default: cores)")
    add("--scheduler", metavar="ADDRESS", help="grade on the workers of this Dask scheduler")
    add("--out", type=Path, default=Path("graded"), metavar="DIR", help=default)
    add("--source", type=Path, default=Path("solutions"), metavar="DIR", help=default)
    add(
        "--regrade",
        action="append",
        default=[],
        metavar="CELL",
        help="grade only this graded cell again, for all; may be given several times",
    )
    add("--force", action="store_true", help="grade again what has a result")
    add(
        "--gradebook",
        metavar="FILE",
        help="nbgrader's database (default: gradebook.db here, if it exists)",
    )
    add("--gpu", action="store_true", help="let submissions use NVIDIA GPUs")
    add("--memory", type=int, default=limits.memory_mb, metavar="MB", help=default)
    longest = "longest time for one cell (default: %(default)g)"
    add("--cell-seconds", type=float, default=limits.cell_s, metavar="S", help=longest)
    add(
        "--unsafe-no-sandbox",
        action="store_true",
        help="run submissions as yourself, with all your rights: for your own code only",
    )
