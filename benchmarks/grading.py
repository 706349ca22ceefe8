"""How long grading takes: `cifarlib grade` beside nbgrader's own `autograde`, on one batch.

    python benchmarks/grading.py [--assignment 02] [--submissions 40] [--jobs 2] [--scale 400]

Submissions are the reference solution with some of its answers left out, each in another way.
`--scale` also grades that many by `cifarlib grade` alone, to show that time a submission and memory
stay what they are. Results go to `benchmarks/results/grading.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cifarlib._support.environment import environment
from cifarlib._support.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "grading.json"
SOLUTION = re.compile(
    r"^[ \t]*### BEGIN SOLUTION.*?### END SOLUTION[^\n]*\n?", re.DOTALL | re.MULTILINE
)
GRADE = (
    "import re, sys; from cifarlib.cli import main; code = main(sys.argv[1:]); "
    "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1]); sys.exit(code)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assignment", default="02")
    parser.add_argument("--submissions", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--scale", type=int, default=400, help="0 to leave that out")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    (solution,) = ROOT.glob(f"solutions/{args.assignment}_*/*.ipynb")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        few = _course(Path(folder) / "few", solution, args.submissions)
        ours, largest = _ours(few, args.assignment, args.jobs)
        same = _course(Path(folder) / "same", solution, args.submissions)
        theirs = _theirs(same, solution.stem)
        report = _before(args.out) | {
            "assignment": solution.stem,
            "submissions": args.submissions,
            "jobs": args.jobs,
            "cifarlib_seconds": round(ours, 1),
            "nbgrader_seconds": round(theirs, 1),
            "times_as_fast": round(theirs / ours, 2),
            "largest_parent_mb": largest,
        }
        if args.scale:
            large = _course(Path(folder) / "large", solution, args.scale)
            seconds, largest = _ours(large, args.assignment, args.jobs)
            report["scale"] = {
                "submissions": args.scale,
                "seconds_each": round(seconds / args.scale, 3),
                "seconds_each_before": round(ours / args.submissions, 3),
                "largest_parent_mb": largest,
            }
    report["environment"] = environment()
    write_atomic(args.out, json.dumps(report, indent=1) + "\n")
    print(args.out.read_text(encoding="utf-8"))


def _before(out: Path) -> dict:
    """Return what was measured last; what is measured now replaces it."""
    return json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}


def _course(folder: Path, solution: Path, count: int) -> Path:
    """Make a course's folder with so many submissions."""
    for name in ("solutions", "exercises"):
        shutil.copytree(ROOT / name / solution.stem, folder / name / solution.stem)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    for number in range(count):
        chance, notebook = random.Random(number), json.loads(solution.read_text())
        for cell in notebook["cells"]:
            about = cell["metadata"].get("nbgrader", {})
            text = "".join(cell["source"])
            if about.get("solution") and chance.random() < 0.2:
                cell["source"] = SOLUTION.sub("pass", text)
        path = folder / "submitted" / f"student{number:03d}" / solution.stem / solution.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook))
    return folder


def _ours(course: Path, assignment: str, jobs: int) -> tuple[float, int]:
    """Return the seconds that `cifarlib grade` takes, and its largest memory in MB.

    The points go into a gradebook, as nbgrader's do.
    """
    command = [sys.executable, "-c", GRADE, "grade", "submitted", "--assignment", assignment]
    command += ["--gradebook", "gradebook.db"]
    seconds, out = _timed([*command, "--jobs", str(jobs)], course)
    return seconds, int(out.splitlines()[-1]) >> 10


def _theirs(course: Path, name: str) -> float:
    """Return the seconds that `nbgrader autograde` takes."""
    command = [sys.executable, "-m", "nbgrader"]
    _timed([*command, "generate_assignment", name, "--force"], course)
    return _timed([*command, "autograde", name], course)[0]


def _timed(command: list[str], course: Path) -> tuple[float, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=course, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return time.monotonic() - began, done.stdout


if __name__ == "__main__":
    main()
