"""The attack suite against other graders: which submissions get points that they did not earn?

    python benchmarks/attacks.py [--otter PYTHON]

The submissions are those of `tests/attacks/` that are notebooks and do no harm: cheats, whose
answers are all wrong; notebooks whose cells or metadata were changed; and honest ones. The tests
hold `cifarlib grade` to the right points for each. Here nbgrader's own `autograde` gets them, with
its settings as they are; and otter's `grade_notebook`, if PYTHON is that of an environment with
`otter-grader` and NumPy, with the same questions as test files, whose helpers are their own. Every
submission has a folder of its own and, for this machine's sake, a jail without a network around
the whole grader. The cheats were written with our grader in mind, so what another one withstands
here says nothing of cheats that aim at it. Results go to `benchmarks/results/attacks.json`.
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
from functools import partial
from importlib.metadata import version
from pathlib import Path

from cifarlib._support.environment import environment
from cifarlib._support.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "attacks.json"
SECONDS = 60  # for one submission; nbgrader itself allows a cell 30 s
OTTER_FILE = """OK_FORMAT = False
from otter.test_files import test_case

name = {name!r}
points = None
"""
OTTER_CASE = """
@test_case(points={points}, hidden=True)
def test_{number}(env):
    exec({code!r}, dict(env))
"""
OTTER_GRADE = """
import glob, os
from otter.execute import grade_notebook
tests = sorted(glob.glob("./tests/*.py"))
options = {"cwd": os.getcwd(), "test_dir": "./tests", "force_python3_kernel": True}
print(grade_notebook("work.ipynb", tests_glob=tests, **options).total)
"""
SCORE = (
    "select sum(g.auto_score) from grade g join submitted_notebook n on g.notebook_id = n.id "
    "join base_cell c on g.cell_id = c.id"
)
sys.path.insert(0, str(ROOT / "tests" / "attacks"))


def main() -> None:
    args = _arguments()
    kinds = _submissions()
    attacks = {name: attack for kind in kinds.values() for name, attack in kind.items()}
    found, versions = {}, {"nbgrader": version("nbgrader")}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        graders = {"nbgrader": partial(_by_nbgrader, _course(Path(folder) / "course"))}
        if args.otter:
            tests = _otter_tests(Path(folder) / "tests")
            graders["otter"] = partial(_by_otter, args.otter, tests)
            versions["otter"] = _otter_version(args.otter)
        for name, grader in graders.items():
            with ThreadPoolExecutor(args.jobs) as pool:
                contents = [attack.content for attack in attacks.values()]
                places = [Path(folder) / f"{name}-{number}" for number in range(len(attacks))]
                found[name] = dict(zip(attacks, pool.map(grader, places, contents), strict=True))
    rows = {
        kind: {
            name: {"right": attack.score}
            | {grader: points[name] for grader, points in found.items()}
            for name, attack in kind_attacks.items()
        }
        for kind, kind_attacks in kinds.items()
    }
    content = {"graders": versions, "submissions": rows, "environment": environment()}
    write_atomic(args.out, json.dumps(content, indent=1) + "\n")
    print(json.dumps(rows, indent=1), f"written: {args.out}", sep="\n")


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


def _by_nbgrader(course: Path, place: Path, content: bytes) -> float | None:
    """Return nbgrader's points for one submission; None if it gives none."""
    from attack_course import SLUG

    shutil.copytree(course, place)
    path = place / "submitted" / "student" / SLUG / f"{SLUG}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    done = _nbgrader(place, "autograde", SLUG)
    if done is None or done.returncode:
        return None
    with sqlite3.connect(place / "gradebook.db") as book:
        (points,) = book.execute(SCORE).fetchone()
    return points


def _nbgrader(folder: Path, *words: str) -> subprocess.CompletedProcess | None:
    return _jailed(folder, sys.executable, "-m", "nbgrader", *words)


def _otter_tests(folder: Path) -> Path:
    """Write a test file of otter's for each question; "share" has two cases, for partial credit."""
    from attack_course import HELPERS, QUESTIONS

    folder.mkdir()
    for name, (points, _, test, hidden) in QUESTIONS.items():
        cases = {f"{test}\n{hidden}": points}
        if name == "share":
            cases = {f"assert {test} >= {least}": 1 for least in range(1, points + 1)}
        text = OTTER_FILE.format(name=name)
        for number, (code, worth) in enumerate(cases.items()):
            text += OTTER_CASE.format(number=number, points=worth, code=f"{HELPERS}\n{code}")
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def _by_otter(python: str, tests: Path, place: Path, content: bytes) -> float | None:
    """Return otter's points for one submission; None if it gives none."""
    shutil.copytree(tests, place / "tests")
    (place / "work.ipynb").write_bytes(content)
    done = _jailed(place, python, "-c", OTTER_GRADE)
    if done is None or done.returncode:
        return None
    return json.loads(done.stdout.splitlines()[-1])


def _otter_version(python: str) -> str:
    code = "from importlib.metadata import version; print(version('otter-grader'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{python} has no otter-grader: {python} -m pip install 'otter-grader[grading]'")
    return done.stdout.strip()


def _jailed(folder: Path, *command: str) -> subprocess.CompletedProcess | None:
    """Run a grader in a jail in which only its folder can be written; None if it takes too long."""
    jail = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session"]
    jail += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    for shown in (folder, Path(command[0]).parents[1]):  # they may lie below /tmp
        jail += ["--bind" if shown == folder else "--ro-bind", str(shown), str(shown)]
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    for variable, value in {"PATH": path, "HOME": "/tmp", "JUPYTER_PLATFORM_DIRS": "1"}.items():
        jail += ["--setenv", variable, value]
    jail += ["--chdir", str(folder), *command]
    try:
        return subprocess.run(jail, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="submissions at a time")
    parser.add_argument("--otter", metavar="PYTHON", help="of an environment with otter-grader")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    if shutil.which("bwrap") is None:
        parser.error("bubblewrap is needed (apt install bubblewrap): these submissions are hostile")
    return args


if __name__ == "__main__":
    main()
