"""Jobs and results as bytes, for machines that share no files."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from cifarlib._support.files import write_atomic
from cifarlib.errors import CourseError
from cifarlib.runner.job import Job
from cifarlib.runner.plan import PATTERN, NotebookTask


def pack_job(job: Job, order: dict[str, Any]) -> bytes:
    """Return a zip file with a job, its notebook, and what the others recorded so far.

    The other notebooks of its folder come along without outputs, as one may look at them. `order`
    says how the job is to be run, as plain data.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("job.json", job.to_json())
        archive.writestr("order.json", json.dumps(order))
        archive.write(job.notebook, f"course/{job.notebook.name}")
        for path in job.notebook.parent.glob(PATTERN):
            if path != job.notebook:
                archive.writestr(f"course/{path.name}", _without_outputs(path))
        for path in job.records.parent.rglob("results.jsonl"):
            if path.parent != job.records:
                archive.write(path, f"run/{path.relative_to(job.group).as_posix()}")
    return buffer.getvalue()


def unpack_job(content: bytes, place: Path) -> tuple[Job, dict[str, Any]]:
    """Lay out a job below `place`; return it, with its paths on this machine, and its order."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(place)
    job = Job.from_json((place / "job.json").read_text(encoding="utf-8"))
    order = json.loads((place / "order.json").read_text(encoding="utf-8"))
    here = place / "course" / f"{job.slug}.ipynb"
    return replace(job, notebook=here, group=place / "run"), order


def pack_results(job: Job, journal: dict[str, Any]) -> bytes:
    """Return a zip file with everything that one notebook has left, and its journal."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in (job.folder, job.records):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.name != "journal.json":
                    archive.write(path, path.relative_to(job.group).as_posix())
        archive.writestr("journal.json", json.dumps(journal))
    return buffer.getvalue()


def unpack_results(content: bytes, task: NotebookTask) -> dict[str, Any]:
    """Write the files of a result into the run's folder, its journal last; return the journal.

    Raises:
        CourseError: the archive holds files of something else, or cannot be written.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        journal = json.loads(archive.read("journal.json"))
        journal["notebook"], journal["scratch"] = str(task.notebook), None
        for name in archive.namelist():
            mine = name.startswith((f"{task.slug}/", f"records/{task.slug}/"))
            if name == "journal.json":
                continue
            if not mine or ".." in Path(name).parts:
                raise CourseError(f"The result of {task.slug} holds a foreign file, {name}.")
            write_atomic(task.group / name, archive.read(name))
    write_atomic(task.folder / "journal.json", json.dumps(journal, indent=1))
    return journal


def _without_outputs(path: Path) -> str:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"] = []
        return json.dumps(notebook)
    except (ValueError, KeyError, TypeError):
        return path.read_text(encoding="utf-8", errors="replace")
