"""The arguments of `cifarlib grade`, apart from the grading itself, which takes long to import."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from cifarlib.grader.limits import JailLimits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `cifarlib grade`."""
    add = parser.add_argument
    add("submissions", type=Path, metavar="SUBMISSIONS", help="a folder, or an LMS's zip file")
    add("--assignment", required=True, metavar="NN", help="number or name of the exercise")
    add("--jobs", type=int, default=os.cpu_count(), metavar="N", help="at once (default: cores)")
    add("--scheduler", metavar="ADDRESS", help="grade on the workers of this Dask scheduler")
    add("--out", type=Path, default=Path("graded"), metavar="DIR", help="default: %(default)s")
    add(
        "--source", type=Path, default=Path("solutions"), metavar="DIR", help="default: %(default)s"
    )
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
    add(
        "--memory",
        type=int,
        default=JailLimits.memory_mb,
        metavar="MB",
        help="default: %(default)s",
    )
    add(
        "--cell-seconds",
        type=float,
        default=JailLimits.cell_s,
        metavar="S",
        help="longest time for one cell (default: %(default)g)",
    )
    add(
        "--unsafe-no-sandbox",
        action="store_true",
        help="run submissions as yourself, with all your rights: for your own code only",
    )
