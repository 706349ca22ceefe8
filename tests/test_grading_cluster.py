"""`cifarlib grade --scheduler` on a real Dask cluster on this machine."""

import threading
from pathlib import Path

import pytest

import cifarlib

pytest.importorskip("distributed")

from clusters import Cluster, at_work, names
from test_grading import course, jailed, run, scores  # noqa: F401
from waiting import GUARD, wait_for

from cifarlib.errors import CourseError


@pytest.fixture
def dask(tmp_path_factory):
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    found.copy, found.library = found.library, str(Path(cifarlib.__file__).parents[1])
    yield found
    found.close()


def lose_alpha_when_it_is_at_work(dask):
    wait_for(lambda: at_work(dask, "alpha"))
    dask.workers["alpha"].kill()


@pytest.mark.process
@jailed
def test_a_batch_survives_the_loss_of_a_worker(course, dask, capsys):  # noqa: F811
    dask.add("alpha")
    dask.add("beta")
    wait_for(lambda: len(names(dask)) == 2)
    lost = threading.Thread(target=lose_alpha_when_it_is_at_work, args=(dask,))
    lost.start()
    assert run("--scheduler", dask.address) == 0
    lost.join()
    assert dask.workers["alpha"].wait(GUARD) != 0
    assert scores(course) == {"ann": "10.0", "bob": "0.0", "cid": "9.0"}
    assert "bubblewrap" in (course / "graded" / "01_attacked" / "grades.csv").read_text()
    assert run("--scheduler", dask.address) == 0
    assert capsys.readouterr().err.count("graded before") == 3


@pytest.mark.process
@jailed
def test_a_worker_with_another_cifarlib_grades_nothing(course, dask, capsys):  # noqa: F811
    with open(Path(dask.copy) / "cifarlib" / "errors.py", "a") as file:
        file.write("# changed\n")
    dask.add("wrong", PYTHONPATH=dask.copy)
    wait_for(lambda: names(dask) == ["wrong"])
    assert run("--scheduler", dask.address) == 1
    assert "another cifarlib" in capsys.readouterr().err
    assert not list((course / "graded" / "01_attacked" / "results").glob("*.json"))


def test_no_scheduler_is_said(course):  # noqa: F811
    with pytest.raises(CourseError, match="no Dask scheduler at"):
        run("--scheduler", "tcp://127.0.0.1:9")
