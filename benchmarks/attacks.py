"""The attack suite against plain nbgrader: which submissions get points that they did not earn?

    python benchmarks/attacks.py

The submissions are those of `tests/attacks/` that are notebooks and do no harm: cheats, whose
answers are all wrong; notebooks whose cells or metadata were changed; and honest ones. The tests
hold `cifarlib grade` to the right points for each; here nbgrader's own `autograde` gets them, with
its settings as they are. Every submission has a course folder of its own and, for this machine's
sake, a jail without a network around the whole of nbgrader. Results go to
`benchmarks/results/attacks.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from cifarlib.facts import environment
from cifarlib.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "attacks.json"
SECONDS = 120  # for one submission; nbgrader itself allows a cell 30 s
SCORE = (
    "select sum(g.auto_score) from grade g join submitted_notebook n on g.notebook_id = n.id "
    "join base_cell c on g.cell_id = c.id"
)
sys.path.insert(0, str(ROOT / "tests" / "attacks"))


def main() -> None:
    args = _arguments()
    kinds = _submissions()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        course = _course(Path(folder) / "course")
        with ThreadPoolExecutor(args.jobs) as pool:
            waiting = {
                name: pool.submit(_grade, course, name, attack.content)
                for kind in kinds.values()
                for name, attack in kind.items()
            }
            points = {name: future.result() for name, future in waiting.items()}
    found = {}
    for kind, attacks in kinds.items():
        found[kind] = {
            name: {"right": attack.score, "nbgrader": points[name]}
            for name, attack in attacks.items()
        }
        unearned, lost, none = (_count(found[kind].values(), how) for how in HOWS)
        print(f"{kind}: {len(attacks)}; too many points: {unearned}, too few: {lost}, none: {none}")
    content = {"nbgrader": version("nbgrader"), "submissions": found, "environment": environment()}
    write_atomic(args.out, json.dumps(content, indent=1) + "\n")
    print(f"written: {args.out}")


HOWS = {
    "too many": lambda points, right: points is not None and points > right,
    "too few": lambda points, right: points is not None and points < right,
    "no result": lambda points, right: points is None,
}


def _count(rows: list[dict], how: str) -> int:
    return sum(HOWS[how](row["nbgrader"], row["right"]) for row in rows)


def _submissions() -> dict[str, dict]:
    """Return the attacks by kind, those that are notebooks."""
    from attack_cheats import CHEATS
    from attack_files import FILES
    from attack_honest import HONEST

    kinds = {"cheats": CHEATS, "changed notebooks": FILES, "honest": HONEST}
    return {
        kind: {
            name: attack
            for name, attack in attacks.items()
            if isinstance(attack.content, bytes) and attack.state == "graded"
        }
        for kind, attacks in kinds.items()
    }


def _course(folder: Path) -> Path:
    """Make a course folder as nbgrader wants it, with one assignment."""
    from attack_course import SLUG, source, text

    path = folder / "source" / SLUG / f"{SLUG}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(text(source()))
    done = _nbgrader(folder, "generate_assignment", SLUG)
    if done is None or done.returncode:
        sys.exit(f"nbgrader could not make the assignment:\n{done and done.stderr[-3000:]}")
    return folder


def _grade(course: Path, name: str, content: bytes) -> float | None:
    """Return nbgrader's points for one submission; None if it gives none."""
    from attack_course import SLUG

    own = course.with_name(name)
    shutil.copytree(course, own)
    path = own / "submitted" / "student" / SLUG / f"{SLUG}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    done = _nbgrader(own, "autograde", SLUG)
    if done is None or done.returncode:
        return None
    with sqlite3.connect(own / "gradebook.db") as book:
        (points,) = book.execute(SCORE).fetchone()
    shutil.rmtree(own)
    return points


def _nbgrader(folder: Path, *words: str) -> subprocess.CompletedProcess | None:
    """Run nbgrader in a jail in which only its folder can be written; None if it takes too long."""
    jail = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session"]
    jail += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    jail += ["--bind", str(folder), str(folder), "--chdir", str(folder)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for variable, value in {"PATH": path, "HOME": "/tmp", "JUPYTER_PLATFORM_DIRS": "1"}.items():
        jail += ["--setenv", variable, value]
    command = [*jail, sys.executable, "-m", "nbgrader", *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="submissions at a time")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    if shutil.which("bwrap") is None:
        parser.error("bubblewrap is needed (apt install bubblewrap): these submissions are hostile")
    return args


if __name__ == "__main__":
    main()
