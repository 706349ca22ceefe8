"""`cifarlib grade`: a batch, its results, and what an instructor does with them."""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import inspect
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "attacks"))

from attack_course import FULL, RIGHT, SLUG, WRONG, cell, handed_in, source, text, write_source

from cifarlib.errors import CourseError
from cifarlib.grader import bubblewrap, dask_grading, grade
from cifarlib.grader.batch import Grader, read_result
from cifarlib.grader.bubblewrap import Sandbox
from cifarlib.grader.collect import find_submissions
from cifarlib.grader.grade_arguments import add_arguments
from cifarlib.grader.limits import JailLimits
from cifarlib.grader.local_grader import LocalGrader
from cifarlib.grader.source import find_source

NO_JAIL = bubblewrap.unavailable()
jailed = pytest.mark.skipif(bool(NO_JAIL), reason=f"no jail on this machine: {NO_JAIL}")
STUDENTS = {"ann": RIGHT, "bob": WRONG, "cid": RIGHT | {"share": "share = 0.25"}}


@pytest.fixture
def course(tmp_path, monkeypatch) -> Path:
    """A course folder with three submissions, in nbgrader's layout; the current folder."""
    write_source(tmp_path)
    for student, answers in STUDENTS.items():
        path = tmp_path / "submitted" / student / SLUG / f"{SLUG}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(text(handed_in(answers)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CIFARLIB_QUIET", "1")
    # nbgrader calls the command `alembic`.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def run(*arguments: str, submitted: str = "submitted") -> int:
    """Run `cifarlib grade` for the assignment."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return grade.main(parser.parse_args([submitted, "--assignment", "01", *arguments]))


def scores(course: Path) -> dict[str, str]:
    with open(course / "graded" / SLUG / "grades.csv", newline="") as file:
        return {row["student"]: row["score"] for row in csv.DictReader(file)}


@pytest.mark.process
@jailed
def test_a_batch(course, capsys):
    assert run() == 0
    assert scores(course) == {"ann": "10.0", "bob": "0.0", "cid": "9.0"}
    said = capsys.readouterr()
    assert "ann: 10 of 14 points" in said.err
    page = (course / "graded" / SLUG / "index.html").read_text()
    assert "The hardest first" in page or "the hardest first" in page
    assert "feedback/bob.html" in page
    feedback = (course / "graded" / SLUG / "feedback" / "bob.html").read_text()
    assert "double: 0 of 2 points (failed)" in feedback
    assert "4 more points are for answers that a person reads" in feedback


@pytest.mark.process
@jailed
@pytest.mark.parametrize(("options", "score"), [(["--gpu"], "10.0"), ([], "8.0")])
def test_a_jail_sees_a_gpu_only_if_asked_to(course, tmp_path, monkeypatch, options, score):
    """The GPU is made up: a device that swallows what is written to it."""
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "nvidia0").symlink_to("/dev/null")
    monkeypatch.setattr(bubblewrap, "DEVICES", tmp_path / "devices")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    seen = """
import os
with open("/dev/nvidia0", "w") as device:
    device.write("x")
assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
"""
    shutil.rmtree(course / "submitted")
    path = course / "submitted" / "eve.ipynb"
    path.parent.mkdir()
    path.write_bytes(text(handed_in(RIGHT | {"share": seen + RIGHT["share"]})))
    assert run(*options) == 0
    assert scores(course) == {"eve": score}


@pytest.mark.process
@jailed
@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user may always look at its own jails")
def test_where_root_may_not_watch_a_jail_it_refuses():
    """As in a container without this capability, where a submission could hide its memory."""
    without = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
    code = "from cifarlib.grader import bubblewrap; print(bubblewrap.unavailable())"
    told = subprocess.run([*without, sys.executable, "-c", code], capture_output=True, text=True)
    assert "--cap-add SYS_PTRACE" in told.stdout, told


@pytest.mark.process
@jailed
def test_one_question_graded_again_for_all(course, capsys):
    run()
    old = source()
    cell(old, "share")["source"] = "share * 4"
    (course / "solutions" / SLUG / f"{SLUG}.ipynb").write_bytes(text(old))
    run("--regrade", "share")
    assert scores(course) == {"ann": "10.0", "bob": "0.0", "cid": "9.0"}
    assert run() == 0
    assert "graded before" in capsys.readouterr().err.splitlines()[-1]
    with pytest.raises(CourseError, match="No graded cell nothing"):
        run("--regrade", "nothing")


KILLED = """
import os, signal, sys
left, folder = int(sys.argv[1]), os.getcwd()
CHANGES = "os.mkdir", "os.remove", "os.rename", "os.rmdir", "sqlite3.connect"
def count(event, arguments):
    global left
    if event in CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
        path = arguments[0]
        if not isinstance(path, int) and os.path.abspath(os.fsdecode(path)).startswith(folder):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
from test_grading import run
run("--jobs", "2", "--gradebook", "gradebook.db")
"""
"""Grades the batch, and kills itself when it is about to change a file the so-manieth time."""


@pytest.mark.process
@pytest.mark.slow
@jailed
def test_a_batch_that_is_killed_loses_and_doubles_nothing(course):
    for number in range(9):
        path = course / "submitted" / f"more{number}.ipynb"
        path.write_bytes(text(handed_in(RIGHT | {"mean": f"mean = 4.5  # {number}"})))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent)])}
    chance, results, kept = random.Random(0), course / "graded" / SLUG / "results", {}
    codes = []
    for _ in range(20):
        command = [sys.executable, "-c", KILLED, str(chance.randint(1, 20))]
        codes.append(subprocess.run(command, env=environment).returncode)
        now = {path.name: path.read_text() for path in results.glob("*.json")}
        assert kept.items() <= now.items()
        assert all(json.loads(text)["graded"] for text in now.values())
        kept = now
    assert codes.count(-signal.SIGKILL) > 10
    assert len(kept) > 5
    run("--gradebook", "gradebook.db")
    assert len(list(results.glob("*.json"))) == len(scores(course)) == 12
    assert kept.items() <= {path.name: path.read_text() for path in results.iterdir()}.items()
    assert sum(score == "10.0" for score in scores(course).values()) == 10


@pytest.mark.process
@jailed
def test_results_of_another_form_are_not_read(course):
    """Such as those of earlier versions, which had another key where the scores are now."""
    run()
    path = course / "graded" / SLUG / "results" / "ann.json"
    right = json.loads(path.read_text())
    path.write_text(path.read_text().replace('"scores":', '"marks":'))
    assert read_result(path) is None
    run()
    assert read_result(path)["graded"]["scores"] == right["graded"]["scores"]


class Client:
    """A cluster of this process alone: what is submitted is done at once."""

    def submit(self, function, *arguments, **_):
        done = concurrent.futures.Future()
        done.set_result(function(*arguments))
        return done


def test_both_graders_keep_the_contract(course):
    given = find_source("01", Path("solutions")), Sandbox("none", JailLimits())
    graders = LocalGrader(*given), dask_grading.RemoteGrader(Client(), *given)
    for grader in graders:
        for name in ("grade", "close"):
            wanted = inspect.signature(getattr(Grader, name))
            assert inspect.signature(getattr(type(grader), name)) == wanted
    found = [grader.grade(b"no notebook") for grader in graders]
    assert found[0] == found[1]
    assert (found[0].state, found[0].total, found[0].worth) == ("unreadable", 0, FULL + 4)
    for grader in graders:
        grader.close()


@pytest.mark.process
@jailed
def test_a_submission_that_changed_is_graded_again(course):
    run()
    (course / "submitted" / "bob" / SLUG / f"{SLUG}.ipynb").write_bytes(text(handed_in(RIGHT)))
    run()
    assert scores(course)["bob"] == "10.0"


@pytest.mark.process
@jailed
def test_the_gradebook_keeps_what_a_person_gave_and_takes_late_penalties(course):
    from nbgrader.api import Gradebook

    (course / "nbgrader_config.py").write_text(
        "c = get_config()\nc.LateSubmissionPlugin.penalty_method = 'zero'\n"
    )
    late = course / "submitted" / "bob" / SLUG / "timestamp.txt"
    late.write_text("2031-01-02 10:00:00 UTC")
    run("--gradebook", "gradebook.db")
    with Gradebook("sqlite:///gradebook.db") as book:
        assert book.find_submission(SLUG, "ann").score == FULL
        grade_of = book.find_grade("essay", SLUG, SLUG, "ann")
        assert grade_of.needs_manual_grade
        grade_of.manual_score = 3
        book.find_assignment(SLUG).duedate = __import__("datetime").datetime(2031, 1, 1)
        book.db.commit()
    (course / "submitted" / "bob" / SLUG / f"{SLUG}.ipynb").write_bytes(text(handed_in(RIGHT)))
    run()
    with Gradebook("sqlite:///gradebook.db") as book:
        assert book.find_submission(SLUG, "ann").score == FULL + 3
        assert book.find_submission(SLUG, "bob").late_submission_penalty == FULL
        assert book.find_submission(SLUG, "ann").late_submission_penalty == 0
    assert (course / "autograded" / "ann" / SLUG / f"{SLUG}.ipynb").is_file()


@pytest.mark.process
@jailed
def test_a_gradebook_that_does_not_fit_is_left_alone(course):
    from nbgrader.api import Gradebook

    with Gradebook("sqlite:///gradebook.db") as book:
        book.add_assignment(SLUG)
        book.add_notebook(SLUG, SLUG)
        book.add_grade_cell("other", SLUG, SLUG, max_score=1, cell_type="code")
    before = (course / "gradebook.db").read_bytes()
    with pytest.raises(CourseError, match="has other graded cells"):
        run()
    assert (course / "gradebook.db").read_bytes() == before
    assert scores(course)["ann"] == "10.0"


def test_without_a_sandbox_it_refuses_and_says_the_way_out(course, monkeypatch):
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda name: None)
    bubblewrap.unavailable.cache_clear()
    try:
        with pytest.raises(CourseError, match=r"not installed.*apt install bubblewrap.*container"):
            run()
    finally:
        bubblewrap.unavailable.cache_clear()


@pytest.mark.process
def test_unsafe_runs_are_marked_in_every_result(course, capsys):
    assert run("--unsafe-no-sandbox") == 0
    assert "submissions run as you" in capsys.readouterr().err
    assert scores(course) == {"ann": "10.0", "bob": "0.0", "cid": "9.0"}
    out = course / "graded" / SLUG
    assert {row["sandbox"] for row in json.loads((out / "grades.json").read_text())} == {"none"}
    assert "Graded without a sandbox" in (out / "index.html").read_text()


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("Jane Doe_12345_assignsubmission_file/work.ipynb", "Jane Doe_12345"),
        ("doejane_LATE_1234_5678_work.ipynb", "doejane"),
        ("doejane_1234_5678_work.ipynb", "doejane"),
        ("=cmd|x.ipynb", "_cmd_x"),
        ("ünï.ipynb", "ünï"),
    ],
)
def test_zip_files_of_lmses(tmp_path, name, student):
    with zipfile.ZipFile(tmp_path / "lms.zip", "w") as archive:
        archive.writestr(name, text(handed_in(RIGHT)))
        archive.writestr("other/work.ipynb", text(handed_in(WRONG)))
    with find_submissions(tmp_path / "lms.zip", SLUG) as found:
        by_name = {item.student: item for item in found}
        assert set(by_name) == {student, "other"}
        assert by_name[student].read(SLUG, 16) == text(handed_in(RIGHT))


def test_a_zip_file_that_escapes_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "lms.zip", "w") as archive:
        archive.writestr("../../out.ipynb", "{}")
    with (
        pytest.raises(CourseError, match="leads out of it"),
        find_submissions(tmp_path / "lms.zip", SLUG),
    ):
        pass


def test_no_submissions(tmp_path):
    with (
        pytest.raises(CourseError, match="There are no submissions"),
        find_submissions(tmp_path, SLUG),
    ):
        pass
