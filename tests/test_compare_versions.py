"""The weekly run against newest packages: what counts as drift, and the issue about it."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from cifarlib import ledger
from cifarlib.cli import main
from cifarlib.runner.compare_versions import compare_versions

ROOT = Path(__file__).parent.parent
ISSUE = ROOT / ".github" / "open_issue"
GH = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> calls
if [ "$2" = list ]; then cat open; fi
"""


@pytest.fixture
def run(tmp_path):
    """Return a way to write a run of one notebook with one result, and to ask for its drift."""
    (tmp_path / "lock").write_text("keras==3.0.0 \\\n    --hash=sha256:ab\nnumpy==2.0.0\n")

    def ask(metrics, state="ok", profile="quick"):
        records = tmp_path / "records" / "01_mnist_cnn"
        records.mkdir(parents=True, exist_ok=True)
        row = {"id": "R0.1", "variant": "all-data", "seed": 0, "metrics": metrics}
        row["profile"] = profile
        (records / "results.jsonl").write_text(json.dumps(row) + "\n")
        failure = {"cell": 7, "traceback": "```\nNameError: x"} if state != "ok" else None
        entry = {"slug": "01_mnist_cnn", "state": state, "profile": profile, "failure": failure}
        environment = {"versions": {"keras": "4.0.0", "numpy": "2.0.0"}}
        manifest = {"notebooks": [entry], "environment": environment}
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        return compare_versions(tmp_path, tmp_path / "lock")

    return ask


def test_a_figure_inside_its_band_is_no_drift(run):
    band = ledger.band("R0.1", "test_accuracy", "all-data")
    assert run({"test_accuracy": band.mean}) == ""


def test_a_figure_outside_its_band_is_drift(run):
    text = run({"test_accuracy": 0.5})
    assert "| R0.1 | all-data | test accuracy | 50.0 % | 98." in text
    assert "- **keras 4.0.0**, locked 3.0.0" in text
    assert "- numpy 2.0.0\n" in text + "\n"


def test_stand_in_data_is_compared_by_its_counts_only(run):
    assert run({"test_accuracy": 0.5}, profile="smoke") == ""
    assert "| parameters | 7 | 258,090" in run({"parameters": 7}, profile="smoke")


def test_a_failed_notebook_is_drift(run, tmp_path, capsys):
    assert "### 01_mnist_cnn: failed at cell 7\n\n````text\n```\nNameError: x\n````" in run(
        {}, state="failed"
    )
    assert main(["drift", str(tmp_path), "--lock", str(tmp_path / "lock")]) == 1
    assert "NameError" in capsys.readouterr().out


def test_no_run_is_said(tmp_path, capsys):
    assert main(["drift", str(tmp_path / "none")]) == 2
    assert "holds no run" in capsys.readouterr().err


@pytest.mark.process
@pytest.mark.parametrize(
    ("number", "calls"), [("", ["issue create"]), ("12\n", ["issue edit 12", "issue comment 12"])]
)
def test_one_issue_is_opened_or_renewed(tmp_path, number, calls):
    """`gh` is made up: what it is asked to do is written down."""
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "open").write_text(number)
    (tmp_path / "drift.md").write_text("text")
    environ = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["bash", str(ISSUE), "drift.md"], cwd=tmp_path, env=environ, check=True)
    listed, *done = (tmp_path / "calls").read_text().splitlines()
    assert listed.startswith("issue list --state open --search in:title")
    assert [
        " ".join(line.split()[: len(c.split())]) for line, c in zip(done, calls, strict=True)
    ] == calls
    assert all("drift.md" in line or "Seen again" in line for line in done)


def test_the_workflow_calls_what_exists():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "newest.yml").read_text())
    job = workflow["jobs"]["drift"]
    assert job["permissions"]["issues"] == "write"
    text = "\n".join(step.get("run", "") for step in job["steps"])
    assert "bash .github/open_issue drift.md" in text
    assert "cifarlib drift runs/newest --lock requirements.lock > drift.md" in text
    assert ISSUE.exists()
