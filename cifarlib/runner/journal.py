"""The journal of one notebook's run, and the executed notebook that goes with it."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cifarlib._support.digests import file_digest
from cifarlib._support.files import write_atomic
from cifarlib.errors import CourseError
from cifarlib.runner.job import Job


class Journal:
    """What is known about one run of one notebook, kept in `journal.json`.

    Args:
        job: the notebook and where its results go.
        began: on the clock of `time.monotonic`; None for now.
        facts: what an earlier journal said, to go on from; None begins anew.
    """

    def __init__(
        self, job: Job, began: float | None = None, facts: dict[str, Any] | None = None
    ) -> None:
        self.path = job.folder / "journal.json"
        self.began = time.monotonic() if began is None else began
        self.facts: dict[str, Any] = facts or {
            "notebook": str(job.notebook),
            "slug": job.slug,
            "parameters": job.parameters,
            "state": "running",
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": 0.0,
            "cell": 0,
            "cells": None,
            "failure": None,
            "key": job.key,
            "page": None,
            "files": {},
            "scratch": str(job.scratch) if job.scratch else None,
        }

    def update(self, **facts: Any) -> None:
        """Change some facts and the time, and write the whole journal in one step."""
        self.write(**facts, seconds=round(time.monotonic() - self.began, 2))

    def write(self, **facts: Any) -> None:
        """Change some facts and write the whole journal in one step."""
        self.facts |= facts
        write_atomic(self.path, json.dumps(self.facts, indent=1))

    def failed(self, state: str, text: str) -> dict[str, Any]:
        """Return the facts of a notebook that not even began; nothing is written."""
        failure = {"cell": 0, "execution_count": None, "source": "", "traceback": text}
        return self.facts | {"state": state, "failure": failure}


def partial_path(folder: Path, slug: str) -> Path:
    """Return where the unfinished executed notebook lies."""
    return folder / f".{slug}.partial.ipynb"


def keep_partial(folder: Path, slug: str, state: str, failure: dict | None) -> bool:
    """Give the executed notebook its final name, marked with its state and failure.

    Returns:
        False if there is no readable notebook; a half-written one is removed.
    """
    import nbformat

    partial = partial_path(folder, slug)
    try:
        notebook = nbformat.read(partial, as_version=4)
        notebook.metadata["cifarlib"] = {"state": state}
        if failure is None:  # papermill also puts its error banners beside intended errors
            tag = "papermill-error-cell-tag"
            kept = [c for c in notebook.cells if tag not in c.metadata.get("tags", [])]
            notebook.cells = kept
        elif state != "failed":
            _show_failure(notebook, failure)
        write_atomic(folder / f"{slug}.ipynb", nbformat.writes(notebook))
        return True
    except (OSError, ValueError, CourseError):
        return False
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _show_failure(notebook: Any, failure: dict) -> None:
    """Say in the cell itself what papermill does not: that it never finished."""
    from nbformat.v4 import new_output

    own = [c for c in notebook.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    if 0 < failure["cell"] <= len(own) and own[failure["cell"] - 1].cell_type == "code":
        text = failure["traceback"]
        own[failure["cell"] - 1].outputs.append(
            new_output("error", ename="Unfinished", evalue=text, traceback=[text])
        )


def file_states(group: Path, slug: str) -> dict[str, list]:
    """Return size and SHA-256 of the files that a good run of one notebook has left.

    The names are relative to `group`, the folder of the run.
    """
    names = [f"{slug}/{slug}.ipynb", f"{slug}/{slug}.html"]
    names += [f"records/{slug}/{name}" for name in ("results.jsonl", "data.jsonl")]
    states = {name: file_state(group / name) for name in names}
    return {name: state for name, state in states.items() if state is not None}


def file_state(path: Path) -> list | None:
    """Return size and SHA-256 of one file; None if it cannot be read."""
    try:
        return [path.stat().st_size, file_digest(path)]
    except OSError:
        return None
