"""What `cifarlib run` takes over from an earlier call, and what it runs again, and why."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell
from running import RECORD, make, read_json

from cifarlib import ledger
from cifarlib._support import environment
from cifarlib.cli import main
from cifarlib.runner import cache_key
from cifarlib.runner.data_digests import data_digests

READER = "from cifarlib.ledger.own_results import own_results\nprint(len(own_results()))"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of two notebooks that was run once; one reads what the other recorded."""
    folder = tmp_path_factory.mktemp("course")
    make(folder / "notebooks", "01_records", RECORD)
    reader = make(folder / "notebooks", "02_reads", READER)
    notebook = nbformat.read(reader, as_version=4)
    notebook.cells[-1].metadata.tags = ["reads-results"]
    nbformat.write(notebook, reader)
    done = cifarlib("run", "--profile", "smoke", "--jobs", "2", "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def cifarlib(*words, cwd, options=()):
    command = [sys.executable, *options, "-m", "cifarlib.cli", *words]
    environ = {k: v for k, v in os.environ.items() if k != "CIFARLIB_MIRROR"}
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True)


@pytest.fixture
def plan_of(course, tmp_path, monkeypatch, capsys):
    """Return a way to ask for the plan of a copy of the course: its lines, by notebook."""
    import shutil

    copy = shutil.copytree(course, tmp_path / "course")
    monkeypatch.chdir(copy)
    monkeypatch.delenv("CIFARLIB_MIRROR", raising=False)

    def ask(*words):
        capsys.readouterr()
        assert main(["run", "--profile", "smoke", "--out", "out", "--dry-run", *words]) == 0
        lines = capsys.readouterr().out.splitlines()[1:-1]
        return {line.split()[0]: " ".join(line.split()[4:]) for line in lines}

    return ask


@pytest.mark.process
def test_the_second_run_executes_nothing_and_says_what_it_reused(course):
    before = (course / "out" / "01_records" / "journal.json").read_bytes()
    words = ("run", "--profile", "smoke", "--out", "out", "--threads", "1")
    done = cifarlib(*words, cwd=course, options=["-X", "importtime"])
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "cifarlib.runner.cache_key" in loaded
    slow = {"keras", "matplotlib", "nbclient", "nbconvert", "nbformat", "papermill", "scipy"}
    assert not loaded & slow, "it would take seconds to say that there is nothing to do"
    assert "Nothing to run: all 2 results are reused." in done.stdout
    assert (course / "out" / "01_records" / "journal.json").read_bytes() == before
    entries = read_json(course / "out" / "manifest.json")["notebooks"]
    assert [(e["state"], e["reused"]) for e in entries] == [("ok", True), ("ok", True)]


@pytest.mark.process
def test_unchanged(plan_of):
    assert plan_of("--threads", "1") == {"01_records": "reused", "02_reads": "reused"}


@pytest.mark.process
def test_a_reader_runs_after_the_others_and_sees_their_results(course):
    notebook = nbformat.read(course / "out" / "02_reads" / "02_reads.ipynb", as_version=4)
    assert notebook.cells[-1].outputs[0].text == "1\n"


@pytest.mark.process
def test_text_may_change_but_code_may_not(plan_of):
    notebook = nbformat.read("notebooks/01_records.ipynb", as_version=4)
    notebook.cells.append(new_markdown_cell("A remark."))
    nbformat.write(notebook, "notebooks/01_records.ipynb")
    assert plan_of("--threads", "1")["01_records"] == "reused"
    notebook.cells[-2].source += "\n"
    nbformat.write(notebook, "notebooks/01_records.ipynb")
    assert plan_of("--threads", "1") == {
        "01_records": "run: changed: code cells",
        "02_reads": "run: shows results of notebooks that are run again",
    }


@pytest.mark.process
def test_every_part_of_the_key_counts(plan_of, tmp_path, monkeypatch):
    def why(*words, of="01_records"):
        return plan_of(*(words or ("--threads", "1")))[of]

    assert why("--threads", "3").startswith("run: changed: threads and settings (TF_NUM_INTRAOP")
    assert why("--threads", "1", "--seed", "1") == "run: changed: parameters (SEED)"
    assert why("--threads", "1", "--fresh") == "run: --fresh"
    with monkeypatch.context() as changed:
        changed.setattr(environment, "backend", lambda: "jax")
        assert why() == "run: changed: backend"
    with monkeypatch.context() as changed:
        changed.setattr(cache_key, "lock_digest", lambda: "another")
        assert why() == "run: changed: requirements.lock"
    with monkeypatch.context() as changed:
        changed.setattr(cache_key, "ledger_digest", lambda: "another")
        assert why() == "reused"  # it does not use the ledger
        assert why(of="02_reads") == "run: changed: recorded claims and results"
    (tmp_path / "mirror" / "models").mkdir(parents=True)
    name = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    (tmp_path / "mirror" / "models" / name).write_bytes(b"weights")
    monkeypatch.setenv("CIFARLIB_CACHE", str(tmp_path / "cache"))
    where = ("--threads", "1", "--mirror", str(tmp_path / "mirror"))
    assert why(*where) == "run: changed: data and weights (vgg16)"


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("01_records/01_records.ipynb", "cut", "its file 01_records/01_records.ipynb is missing"),
        ("01_records/01_records.html", "remove", "its file 01_records/01_records.html is missing"),
        ("records/01_records/results.jsonl", "empty", "its file records/01_records/results.jsonl"),
        ("01_records/journal.json", "cut", "not run before"),
        ("01_records/journal.json", "empty", "not run before"),
    ],
)
def test_what_a_power_cut_leaves_is_never_taken_for_a_result(plan_of, name, change, reason):
    """Files that are half there, empty or gone, as a disk may hold them after a power cut."""
    from pathlib import Path

    path = Path("out", name)
    content = path.read_bytes()
    path.unlink() if change == "remove" else path.write_bytes(
        content[: len(content) // 2] if change == "cut" else b""
    )
    assert plan_of("--threads", "1")["01_records"].startswith(f"run: {reason}")


@pytest.mark.process
@pytest.mark.parametrize("state", ["running", "failed", "memory"])
def test_only_good_results_are_reused(plan_of, state):
    from pathlib import Path

    path = Path("out/01_records/journal.json")
    path.write_text(json.dumps(read_json(path) | {"state": state}))
    words = {"running": "stopped in the middle last time"}.get(state, f"{state} last time")
    assert plan_of("--threads", "1")["01_records"] == f"run: {words}"


def test_large_files_are_read_once(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFARLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "none"))
    folder = tmp_path / "mirror" / "datasets" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    (folder / "data_batch_1").write_bytes(b"one")
    first = data_digests(tmp_path / "mirror")
    assert list(first) == ["cifar10"]
    with monkeypatch.context() as closed:
        closed.setattr(
            "cifarlib.runner.data_digests.file_digest", lambda _: pytest.fail("read again")
        )
        assert data_digests(tmp_path / "mirror") == first
    (folder / "data_batch_1").write_bytes(b"four")
    assert data_digests(tmp_path / "mirror") != first
    (tmp_path / "cache" / "digests.json").write_text("{ half")
    (folder / "data_batch_1").write_bytes(b"one")
    assert data_digests(tmp_path / "mirror") == first


def test_the_ledger_counts_by_what_it_says_not_by_when(monkeypatch):
    row = {"id": "R0.1", "variant": "report", "profile": "quick", "backend": "tensorflow"}
    row |= {"seed": 0, "metrics": {"test_accuracy": 0.9}, "recorded": "2026-01-01"}
    digests = []
    later = {"recorded": "2026-01-02", "environment": {"git": {"commit": "b"}}}
    trained, exact = {"training": {"seconds": 9.0}}, {"data": {"provenance": {"exact": True}}}
    for change in ({}, later, {"metrics": {"test_accuracy": 0.8}}, trained, exact):
        monkeypatch.setattr(ledger, "results", lambda change=change: [row | change])
        digests.append(cache_key.ledger_digest())
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_a_plan_names_a_few_of_many_changes():
    before = {"cifarlib": {f"cifarlib.m{number}": "a" for number in range(9)}}
    now = {"cifarlib": {f"cifarlib.m{number}": "b" for number in range(9)}}
    assert cache_key.differences(before, now) == ["cifarlib's source (m0, m1, m2, m3, 5 more)"]
