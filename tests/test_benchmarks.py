"""The benchmarks: their page is what their results say, and each can be asked what it does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import cifarlib

FOLDER = Path(__file__).parents[1] / "benchmarks"
HELPERS = {"limits", "page"}
NAMES = sorted(p.stem for p in FOLDER.glob("*.py") if p.stem not in HELPERS)


@pytest.fixture(autouse=True)
def found_by_import(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


def test_page_is_what_the_results_say():
    import page

    assert page.PAGE.read_text() == page.text()
    results = {path.stem for path in (FOLDER / "results").glob("*.json")}
    assert all(f"`python benchmarks/{name}.py`" in page.text() for name in results)


def test_a_figure_that_falls_short_is_said():
    import page

    found = {"systems": {"R0.9": {"times_faster_first_time": 3.9, "wanted": 4.0}}}
    found["systems"]["R0.9"] |= {"times_faster_cached": 100.0, "part_of_limit": 0.5}
    found["systems"]["R0.9"] |= {"median_accuracy": {}, "measured": "extrapolated"}
    assert [row[-1] for row in page.frozen_features(found)] == ["**no**"]
    ends = {"report_accuracy": 0.55, "features_accuracy": 0.54}
    found["systems"]["R0.9"]["median_accuracy"] = ends
    assert "test accuracy 55.0% and ours 54.0%" in next(page.frozen_features(found))[1]


def test_points_by_a_grader_that_is_fooled_are_said():
    import page

    rows = {"a": {"right": 0, "nbgrader": 10.0}, "b": {"right": 0, "nbgrader": None}}
    honest = {"c": {"right": 10, "nbgrader": 10.0}}
    found = {"graders": {"nbgrader": "1.0"}, "submissions": {"cheats": rows, "honest": honest}}
    said = [f"{what}: {measured}" for what, measured, _, _ in page.attacks(found)]
    assert said[:2] == [
        "cheats by nbgrader 1.0: too many points: 1 of 2: a",
        "cheats by nbgrader 1.0: none: 1 of 2: b",
    ]
    assert said[2] == "honest by nbgrader 1.0: all right: 1"


@pytest.mark.process
@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_it_does(name):
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--help"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0
    assert "--out" in answer.stdout


def test_a_run_made_in_two_calls_took_as_long_as_notebooks_were_at_work():
    import runner

    day = "2026-11-21T10:"
    journals = [
        {"started": f"{day}00:00+00:00", "seconds": 60.0},
        {"started": f"{day}00:10+00:00", "seconds": 20.0},
        {"started": f"{day}00:50+00:00", "seconds": 30.0},
        {"started": f"{day}30:00+00:00", "seconds": 5.0},
    ]
    assert runner._at_work(journals[::-1]) == 85
    assert runner._at_work([]) == 0


def test_limits_are_plausible():
    import limits

    assert limits.multiply_adds_per_second(64) > 1e6
    assert limits.bytes_per_second(8) > 1e8


@pytest.mark.training
def test_the_recipe_of_notebook_13_trains():
    import beat_the_reports

    data = cifarlib.load("cifar10", source="embedded", n_train=100)
    train = beat_the_reports.recipe(data)
    model, run = train(data, (4, 8, 8), 1, 0)
    assert run.n_train == 100
    assert model.layers[-1].output.shape == (None, 10)


def test_results_name_the_machine():
    for path in (FOLDER / "results").glob("*.json"):
        assert {"cpu", "cores", "versions"} <= set(json.loads(path.read_text())["environment"])
