"""How long `cifarlib run` takes: beside plain `papermill` commands, and beside bare nbclient.

    python benchmarks/runner.py --mirror DIR         # all of it: some hours
    python benchmarks/runner.py 00 02 12 --only course serial        # part of the course: minutes
    python benchmarks/runner.py --only overhead linear

Six measurements: `course` (smoke notebooks, `--jobs 2` against one `papermill` command after the
other), `serial` (the same one at a time, and again when nothing has changed), `quick` (the course
on real data, `--jobs 2`), `overhead` (seconds that the runner adds to a notebook, over nbclient
in one process with the same kernels), `linear` (4, 16 and 64 copies of a notebook that takes 2
seconds), and `setup` (the environment, by `make`). Memory is the most that all processes of a run
occupied together. Results go to `benchmarks/results/runner.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from cifarlib._support.environment import environment
from cifarlib._support.files import write_atomic
from cifarlib.runner.plan import select
from cifarlib.runner.processes import memory
from cifarlib.runner.report import read_manifest

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "runner.json"
BIN = Path(sys.executable).parent
ROUNDS = 5  # of the overhead
MOST_OF_PAPERMILL, MOST_OVERHEAD, MOST_SPREAD = 0.65, 1.0, 0.15  # what is wanted
MOST_SERIAL, MOST_TWO_JOBS, MOST_CACHED = 360, 240, 3  # seconds of the smoke course


def main() -> None:
    args = _arguments()
    found = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    found["environment"] = environment()  # what is not asked for stays as it was measured last
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        for name in args.only:
            folder = Path(place) / name
            folder.mkdir()
            found[name] = MEASURES[name](folder, args)
            print(json.dumps({name: found[name]}, indent=1), flush=True)
            write_atomic(args.out, json.dumps(found, indent=1) + "\n")
    print(f"written: {args.out}")


def _course(folder: Path, args: argparse.Namespace) -> dict:
    """Time the course by papermill and by us, each from a cold start of every process."""
    notebooks = select(args.notebooks)
    plain = {}
    for path in notebooks:
        command = [BIN / "papermill", path, folder / path.name, "-p", "PROFILE", "smoke"]
        plain[path.stem] = _timed([*command, "--cwd", path.parent], folder)
    ours, gb = _watched(_run(notebooks, folder / "out", args.jobs), folder)
    seconds = sum(plain.values())
    return {
        "papermill_seconds": round(seconds, 1),
        "papermill_each": {name: round(s, 1) for name, s in plain.items()},
        "cifarlib_seconds": round(ours, 1),
        "jobs": args.jobs,
        "share_of_papermill": round(ours / seconds, 3),
        "wanted": MOST_OF_PAPERMILL,
        "wanted_seconds": MOST_TWO_JOBS,
        "gb": round(gb, 2),
    }


def _serial(folder: Path, args: argparse.Namespace) -> dict:
    """Time the course one notebook at a time, and once more with all results there."""
    command = _run(select(args.notebooks), folder / "out", 1)
    seconds, gb = _watched(command, folder)
    again, again_gb = _watched([word for word in command if word != "--fresh"], folder)
    return {
        "notebooks": len(read_manifest(folder / "out")["notebooks"]),
        "seconds": round(seconds, 1),
        "wanted": MOST_SERIAL,
        "gb": round(gb, 2),
        "cached_seconds": round(again, 2),
        "cached_wanted": MOST_CACHED,
        "cached_gb": round(again_gb, 2),
    }


def _quick(folder: Path, args: argparse.Namespace) -> dict:
    """Time the course on real data; a run that is kept can be made in several calls.

    The memory is that of the last call.
    """
    out = args.keep or folder / "out"
    mirror = ["--mirror", args.mirror] if args.mirror else []
    command = _run(select(args.notebooks), out, args.jobs, "quick")
    command = [word for word in command if word != "--fresh"]
    _, gb = _watched([*command, "--seed", args.seed, *mirror], folder)
    found = [json.loads(path.read_text("utf-8")) for path in sorted(out.rglob("journal.json"))]
    journals = [journal for journal in found if journal["state"] == "ok"]
    return {
        "jobs": args.jobs,
        "minutes": round(_at_work(journals) / 60, 1),
        "minutes_each": {j["slug"]: round(j["seconds"] / 60, 1) for j in journals},
        "gb": round(gb, 2),
    }


def _at_work(journals: list[dict]) -> float:
    """Return the seconds in which at least one of these notebooks was at work."""
    until = total = 0.0
    for journal in sorted(journals, key=lambda j: j["started"]):
        began = datetime.fromisoformat(journal["started"]).timestamp()
        ended = began + journal["seconds"]
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total


def _setup(folder: Path, args: argparse.Namespace) -> dict:
    """Time the environment's installation into a fresh copy of the project."""
    copy = folder / "copy"
    _timed(["git", "clone", "--quiet", ROOT, copy], folder)
    return {"seconds": round(_timed(["make", ".venv/.ready"], copy), 1)}


def _overhead(folder: Path, args: argparse.Namespace) -> dict:
    """Time a notebook with nearly nothing in it by nbclient in this process, and by us.

    Ours is what each further notebook of a run costs: its worker process, the journal, the
    executed notebook and its page. The profile is one in which nothing is prepared ahead. The
    kernel's own start is in both.
    """
    paths = [_notebook(folder / f"{n:02d}_small.ipynb", "print(1)") for n in range(ROUNDS + 1)]
    bare, ours = [], []
    for number, path in enumerate(paths[1:]):
        began = time.perf_counter()
        client = NotebookClient(nbformat.read(path, as_version=4), kernel_name="python3")
        client.execute()
        bare.append(time.perf_counter() - began)
        one, all_ = (
            _timed(_run(chosen, folder / f"out{number}-{len(chosen)}", 1, "quick"), folder)
            for chosen in (paths[:1], paths)
        )
        ours.append((all_ - one) / ROUNDS)
    extra = statistics.median(ours) - statistics.median(bare)
    return {
        "nbclient_seconds": [round(s, 2) for s in bare],
        "cifarlib_seconds": [round(s, 2) for s in ours],
        "overhead_seconds": round(extra, 2),
        "wanted": MOST_OVERHEAD,
    }


def _linear(folder: Path, args: argparse.Namespace) -> dict:
    """Time many copies of a notebook of 2 seconds, and what each further one costs."""
    total = {}
    for count in args.copies:
        place = folder / str(count)
        paths = [
            _notebook(place / f"{number:02d}_copy.ipynb", "import time\ntime.sleep(2)")
            for number in range(count)
        ]
        total[count] = _timed(_run(paths, place / "out", args.jobs), place)
    each = {count: seconds / count for count, seconds in total.items()}
    further = {
        f"{few} to {many}": (total[many] - total[few]) / (many - few)
        for few, many in pairwise(args.copies)
    }
    return {
        "jobs": args.jobs,
        "seconds_a_notebook": {count: round(seconds, 3) for count, seconds in each.items()},
        "spread": round(max(each.values()) / min(each.values()) - 1, 3),
        "seconds_a_further_notebook": {name: round(s, 3) for name, s in further.items()},
        "wanted": MOST_SPREAD,
    }


MEASURES = {
    "course": _course,
    "serial": _serial,
    "quick": _quick,
    "overhead": _overhead,
    "linear": _linear,
    "setup": _setup,
}


def _run(notebooks: list[Path], out: Path, jobs: int, profile: str = "smoke") -> list:
    command = [BIN / "cifarlib", "run", *notebooks, "--profile", profile, "--fresh"]
    return [*command, "--out", out, "--jobs", jobs]


def _notebook(path: Path, source: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=[new_code_cell(source)]), path)
    return path


def _watched(command: list, folder: Path) -> tuple[float, float]:
    """Return the seconds that a command takes, and the most GB that its processes occupy."""
    own, samples, ended = memory(os.getpid()), [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            samples.append(memory(os.getpid()) - own)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    seconds = _timed(command, folder)
    ended.set()
    watcher.join()
    return seconds, max(samples)


def _timed(command: list, folder: Path) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=os.environ | {"CIFARLIB_QUIET": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-3000:]}")
    return time.perf_counter() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="default: the course")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), default=list(MEASURES))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--mirror", help="of real data; default: CIFARLIB_MIRROR")
    parser.add_argument("--seed", type=int, default=0, help="of the quick course")
    parser.add_argument("--keep", type=Path, help="a folder in which the quick course's run stays")
    parser.add_argument("--copies", type=int, nargs="+", default=[4, 16, 64])
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    if shutil.which("papermill", path=str(BIN)) is None:
        parser.error(f"there is no papermill in {BIN}")
    return args


if __name__ == "__main__":
    main()
