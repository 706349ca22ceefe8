"""Jobs and results as bytes, for machines that share no files."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from cifarlib._support.files import write_atomic
from cifarlib.errors import CourseError
from cifarlib.runner.plan import PATTERN, Task


def pack_job(task: Task, job: dict[str, Any]) -> bytes:
    """Return a zip file with the job, the notebook, and what the others recorded so far.

    The other notebooks of its folder come along without outputs, as one may look at them.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as parcel:
        parcel.writestr("job.json", json.dumps(job))
        parcel.write(task.notebook, f"course/{task.notebook.name}")
        for path in task.notebook.parent.glob(PATTERN):
            if path != task.notebook:
                parcel.writestr(f"course/{path.name}", _without_outputs(path))
        for path in task.records.parent.rglob("results.jsonl"):
            if path.parent != task.records:
                parcel.write(path, f"run/{path.relative_to(task.group).as_posix()}")
    return buffer.getvalue()


def unpack_job(parcel: bytes, place: Path) -> dict[str, Any]:
    """Lay out a job below `place` and return it, with its paths on this machine."""
    with zipfile.ZipFile(io.BytesIO(parcel)) as content:
        content.extractall(place)
    job = json.loads((place / "job.json").read_text(encoding="utf-8"))
    return job | {
        "notebook": str(place / "course" / f"{job['slug']}.ipynb"),
        "folder": str(place / "run" / job["slug"]),
        "group": str(place / "run"),
    }


def pack_results(job: dict[str, Any], journal: dict[str, Any]) -> bytes:
    """Return a zip file with everything that one notebook has left, and its journal."""
    group, slug = Path(job["group"]), job["slug"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as parcel:
        for folder in (group / slug, group / "records" / slug):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.name != "journal.json":
                    parcel.write(path, path.relative_to(group).as_posix())
        parcel.writestr("journal.json", json.dumps(journal))
    return buffer.getvalue()


def unpack_results(parcel: bytes, task: Task) -> dict[str, Any]:
    """Write the files of a result into the run's folder, its journal last; return the journal.

    Raises:
        CourseError: the parcel holds files of something else, or cannot be written.
    """
    with zipfile.ZipFile(io.BytesIO(parcel)) as content:
        journal = json.loads(content.read("journal.json"))
        journal["notebook"], journal["scratch"] = str(task.notebook), None
        for name in content.namelist():
            mine = name.startswith((f"{task.slug}/", f"records/{task.slug}/"))
            if name == "journal.json":
                continue
            if not mine or ".." in Path(name).parts:
                raise CourseError(f"The result of {task.slug} holds a foreign file, {name}.")
            write_atomic(task.group / name, content.read(name))
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
