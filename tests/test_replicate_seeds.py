"""Bands from several seeds: a tiny notebook stands for the one that treats R0.4."""

import json

import nbformat
import pytest
from running import make

from cifarlib import CourseError, ledger
from cifarlib.ledger import result_store
from cifarlib.runner.replicate_seeds import bands, replicate

RECORD = """
import cifarlib
from cifarlib import ledger
ledger.record("R0.4", {"test_accuracy": 0.5 + SEED / 100}, seed=SEED,
              profile=cifarlib.profile(PROFILE))
"""


def indented(code):
    return code.replace("\n", "\n    ")


@pytest.fixture
def course(tmp_path, monkeypatch):
    make(tmp_path / "notebooks", "03_cifar10_cnn", RECORD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(result_store, "RESULTS", tmp_path / "results.jsonl")
    return tmp_path


@pytest.mark.process
def test_each_seed_becomes_one_value_of_the_band(course, capsys):
    assert replicate(["R0.4"], range(3), course / "out") == 0
    assert ledger.band("R0.4", "test_accuracy").values == (0.5, 0.51, 0.52)
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("R0.4 ")]
    assert "50.0 to 52.0 %" in line
    assert "tensorflow" in line
    assert "CPU cores" in line


@pytest.mark.process
def test_a_notebook_that_fails_is_said_and_the_rest_is_kept(course):
    make(course / "notebooks", "03_cifar10_cnn", RECORD, "assert SEED != 1")
    assert replicate(["R0.4"], range(2), course / "out") == 1
    assert ledger.band("R0.4", "test_accuracy").values == (0.5, 0.51)


@pytest.mark.process
def test_each_network_is_trained_once_a_seed(course):
    path = course / "notebooks" / "03_cifar10_cnn.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source += "\nN_SEEDS = None"
    notebook.cells[2].source = f"for SEED in range(SEED, SEED + (N_SEEDS or 3)):{indented(RECORD)}"
    nbformat.write(notebook, path)
    assert replicate(["R0.4"], [0, 4], course / "out") == 0
    assert ledger.band("R0.4", "test_accuracy").seeds == (0, 4)


@pytest.mark.process
def test_what_is_recorded_stays(course):
    replicate(["R0.4"], [1], course / "out")
    result_store.RESULTS.write_text(result_store.RESULTS.read_text().replace("0.51", "0.9"))
    replicate(["R0.4"], [1, 2], course / "out")
    assert ledger.band("R0.4", "test_accuracy").values == (0.9, 0.52)


def test_stand_in_data_makes_no_band(course):
    with pytest.raises(CourseError, match="Bands come from real data"):
        replicate(["R0.4"], [0], course / "out", profile="smoke")
    with pytest.raises(CourseError, match=r"R0\.99"):
        replicate(["R0.99"], [0], course / "out")
    assert not (course / "results.jsonl").exists()


def test_smoke_results_are_in_no_band(course):
    row = {"id": "R0.4", "variant": "report", "profile": "smoke", "seed": 0, "data": None}
    row |= {"backend": "tensorflow", "metrics": {"test_accuracy": 0.1}, "environment": {}}
    result_store.RESULTS.write_text(json.dumps(row) + "\n")
    assert len(bands(["R0.4"])) == 0
