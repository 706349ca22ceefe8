"""The course itself, run headlessly: repeatable, and on another backend of Keras."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

NOTEBOOK = "01"


def run_notebook(out, backend, *options):
    command = [sys.executable, "-m", "cifarlib.cli", "run", NOTEBOOK, *options]
    done = subprocess.run(
        [*command, "--profile", "smoke", "--out", str(out)],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    (path,) = (out / "records").rglob("results.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return run_notebook(tmp_path_factory.mktemp("first"), "tensorflow")


def test_two_runs_record_the_same_bits(first, tmp_path):
    second = run_notebook(tmp_path, "tensorflow")
    assert len(first) > 3
    assert [r["metrics"] for r in second] == [r["metrics"] for r in first]
    histories = [[r["training"]["history"] for r in rows] for rows in (first, second)]
    assert histories[0] == histories[1]


def test_a_seed_gives_the_same_whether_others_are_trained_or_not(first, tmp_path):
    alone = run_notebook(tmp_path, "tensorflow", "-p", "N_SEEDS", "1")
    assert {r["seed"] for r in first} == {0, 1}
    assert [r["metrics"] for r in alone] == [r["metrics"] for r in first if r["seed"] == 0]


@pytest.mark.slow
def test_runs_on_jax(first, tmp_path):
    rows = run_notebook(tmp_path, "jax")
    assert {r["backend"] for r in rows} == {"jax"}
    assert [(r["id"], r["variant"], r["seed"]) for r in rows] == [
        (r["id"], r["variant"], r["seed"]) for r in first
    ]
    assert [r["metrics"].get("parameters") for r in rows] == [
        r["metrics"].get("parameters") for r in first
    ]


def test_records_say_where_they_come_from(first):
    for row in first:
        assert row["profile"] == "smoke"
        assert row["environment"]["versions"]["keras"]
        assert row["environment"]["cores"] >= 1
    assert first[0]["data"]["provenance"]["source"] == "embedded"
    assert "stand-in" in first[0]["data"]["title"]
