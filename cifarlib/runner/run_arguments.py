"""The arguments of `cifarlib run`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path


def seeds(text: str) -> list[int]:
    """Read "3", "0-4" or "0,2,5-7".

    Raises:
        ArgumentTypeError: the text is none of these.
    """
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        numbers = range(int(match[1]), int(match[2] or match[1]) + 1) if match else ()
        if not numbers:
            raise argparse.ArgumentTypeError(f"{text!r} is no seed or range such as 0-4 or 0,2,5")
        found += numbers
    return found


def add_run_arguments(run: argparse.ArgumentParser) -> None:
    """Add notebooks and options to the parser of `cifarlib run`."""
    run.add_argument(
        "notebooks",
        nargs="*",
        metavar="NOTEBOOK",
        help='number ("03"), name ("cifar10_cnn") or path (default: the whole course)',
    )
    run.add_argument(
        "--profile",
        default="auto",
        help="smoke (embedded data, minutes), quick (real data, a laptop), full (a GPU), or "
        "several with commas; default: chosen from this machine and its data",
    )
    run.add_argument(
        "--seeds",
        "--seed",
        type=seeds,
        default=[0],
        metavar="SEEDS",
        help="for every training: one, or a range such as 0-4 (default: 0)",
    )
    run.add_argument(
        "-p",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set another variable of the notebooks' parameters cells",
    )
    run.add_argument(
        "--mirror",
        metavar="DIR",
        help="folder with real data, as `cifarlib data bundle` makes it "
        "(default: the environment variable CIFARLIB_MIRROR)",
    )
    run.add_argument(
        "--out",
        metavar="DIR",
        default=Path("runs") / "latest",
        help="where results go; what is there already and still holds is not run again "
        "(default: %(default)s)",
    )
    run.add_argument("--dry-run", action="store_true", help="show the plan and do nothing")
    run.add_argument("--fresh", action="store_true", help="run everything again")
    run.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="notebooks at a time (default: 1)"
    )
    run.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="CPU threads of each notebook (default: its share of the cores)",
    )
    run.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="longest time for one cell (default: any)"
    )
    run.add_argument(
        "--minutes", type=float, metavar="N", help="longest time for one notebook (default: any)"
    )
    run.add_argument(
        "--memory", type=float, metavar="GB", help="most memory for one notebook (default: any)"
    )
    run.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="run on the Dask cluster at this address, such as tcp://10.0.0.1:8786",
    )
