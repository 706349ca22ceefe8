"""Hostile, broken and honest submissions in one batch: each gets exactly what it must get."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from attack_cheats import CHEATS
from attack_course import SECRET, SLUG, write_source
from attack_files import FILES
from attack_harm import HARM
from attack_honest import HONEST
from waiting import alive

from cifarlib.grader import bubblewrap

ATTACKS = CHEATS | FILES | HARM | HONEST
MEMORY_MB = 1237
CELL_SECONDS = 30  # what must not reach it takes a second on an idle machine
SET_CHILD_SUBREAPER = 36  # of prctl(2)
COMMAND = """
import argparse, json, re
from cifarlib.grader import grade
from cifarlib.grader.grade_arguments import add_arguments
parser = argparse.ArgumentParser()
add_arguments(parser)
code = grade.main(parser.parse_args())
most = re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())
print(json.dumps({"code": code, "kb": int(most[1])}))
"""

NO_JAIL = bubblewrap.unavailable()
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(bool(NO_JAIL), reason=f"no jail on this machine: {NO_JAIL}"),
]


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> dict:
    """Grade all submissions in one batch, with secrets lying about."""
    folder = tmp_path_factory.mktemp("attacked")
    write_source(folder)
    listener = socket.create_server(("127.0.0.1", 0))
    for name, attack in ATTACKS.items():
        path = folder / "submitted" / name
        path.parent.mkdir(exist_ok=True)
        if callable(attack.content):
            attack.content(path)
        else:
            content = attack.content.replace(b"PORT", str(listener.getsockname()[1]).encode())
            path.with_suffix(".ipynb").write_bytes(content)
    (folder / "secret.txt").write_text(SECRET)
    with adopted() as strays:
        run = grade(folder)
    listener.close()
    assert run.returncode == 0, run.stderr[-3000:]
    rows = json.loads((folder / "graded" / SLUG / "grades.json").read_text())
    facts = json.loads(run.stdout.splitlines()[-1])
    left = os.listdir(folder / "temporary")
    found = {"folder": folder, "rows": {r["student"]: r for r in rows}}
    return found | {"left": left, "strays": strays} | facts


@contextmanager
def adopted() -> Iterator[list[psutil.Process]]:
    """Give a list to which all processes are added that outlive those that started them here."""
    prctl, strays, before = ctypes.CDLL(None).prctl, [], psutil.Process().children()
    assert prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield strays
        new = [p for p in psutil.Process().children() if p not in before]
        strays += alive([p for child in new for p in (child, *child.children(recursive=True))])
    finally:
        prctl(SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def grade(folder: Path) -> subprocess.CompletedProcess:
    """Run `cifarlib grade` in a process of its own, as a shell does in the background."""
    (folder / "temporary").mkdir(exist_ok=True)
    command = [sys.executable, "-c", COMMAND, "submitted", "--assignment", "01", "--jobs", "4"]
    command += ["--memory", str(MEMORY_MB), "--cell-seconds", str(CELL_SECONDS)]
    command += ["--gradebook", "gradebook.db"]
    environment = os.environ | {"COURSE_SECRET": SECRET, "TMPDIR": str(folder / "temporary")}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )


@pytest.mark.parametrize("name", ATTACKS)
def test_gets_what_it_must_get(graded, name):
    attack, row = ATTACKS[name], graded["rows"][name]
    reasons = {id: score["reason"] for id, score in row["scores"].items()}
    told = f"{row['oddities']} {row['problems']} {json.dumps(row['scores'], indent=1)}"
    assert (row["score"], row["state"]) == (attack.score, attack.state), told
    assert attack.reasons.items() <= reasons.items(), told
    for wanted, found in [(attack.odd, row["oddities"]), (attack.problem, row["problems"])]:
        if wanted is not None:
            assert wanted in "; ".join(found) if wanted else not found, told
    assert row["sandbox"] == "bubblewrap"


def test_there_are_enough(graded):
    print(f"{len(CHEATS)} cheats, {len(FILES)} files, {len(HARM)} harmful, {len(HONEST)} honest")
    assert len(CHEATS) + len(FILES) + len(HARM) >= 40
    assert set(graded["rows"]) == set(ATTACKS)


def test_nothing_leaks(graded):
    out = graded["folder"] / "graded" / SLUG
    for path in (out / "results").iterdir():
        found = json.loads(path.read_text())["graded"]
        errors = [cell["error"] for cell in found["notebook"]]
        assert "Error: LEAK" not in f"{errors} {found['scores']}", path.name
    pages = list((out / "feedback").glob("*.html"))
    assert len(pages) == len(ATTACKS)
    for path in pages:
        text = path.read_text()
        assert SECRET not in text, path.name
        assert "HIDDEN" not in text, path.name
        assert "<script" not in text, path.name


def test_nothing_is_left_behind(graded):
    assert not graded["left"]
    assert not list(graded["folder"].parent.rglob("escaped.txt"))
    assert graded["strays"] == []


def test_the_parent_stays_small(graded):
    print(f"largest: {graded['kb'] >> 10} MB")
    assert graded["kb"] < 600 << 10


def test_the_gradebook_has_these_scores_and_no_others(graded):
    with sqlite3.connect(graded["folder"] / "gradebook.db") as book:
        rows = book.execute(
            "select s.student_id, c.name, g.auto_score, g.manual_score from grade g "
            "join submitted_notebook n on g.notebook_id = n.id "
            "join submitted_assignment s on n.assignment_id = s.id "
            "join base_cell c on g.cell_id = c.id"
        ).fetchall()
    found = {(student, cell): (auto, manual) for student, cell, auto, manual in rows}
    wanted = {
        (student, cell): (score["points"], None)
        for student, row in graded["rows"].items()
        for cell, score in row["scores"].items()
    }
    assert found == wanted
    assert len(rows) == len(found)


def test_a_second_run_grades_nothing_again(graded):
    results = graded["folder"] / "graded" / SLUG / "results"
    before = {path: path.stat().st_mtime_ns for path in results.iterdir()}
    run = grade(graded["folder"])
    assert run.stderr.count("graded before") == len(ATTACKS), run.stderr[-2000:]
    assert {path: path.stat().st_mtime_ns for path in results.iterdir()} == before
