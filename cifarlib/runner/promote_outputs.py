"""`cifarlib accept`: take a good run's outputs into the committed notebooks and ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cifarlib._support.files import write_atomic
from cifarlib.errors import CourseError
from cifarlib.runner import durations
from cifarlib.runner.plan import course_folder
from cifarlib.runner.report import read_manifest

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def promote_outputs(out: Path | str, *, allow_smoke: bool = False) -> list[Path]:
    """Put the outputs of the run in `out` into the course's notebooks; merge its results.

    Only outputs and execution counts are taken, counted as if papermill had injected no
    cell. Everything else stays as it is in the course: sources, tags, metadata. Text may have
    been edited since the run; code may not. How long each notebook took is noted for later plans.

    Returns:
        The notebooks that were written.

    Raises:
        CourseError: the run is unfinished or not fully ok, used the smoke profile, or a
            notebook was changed since. Nothing is written then.
    """
    from cifarlib.ledger import merging

    out = Path(out).absolute()
    manifest = _manifest(out, allow_smoke)
    folder = course_folder()
    texts = {}
    for entry in manifest["notebooks"]:
        target = (folder or Path("notebooks").absolute()) / Path(entry["notebook"]).name
        if not target.is_file():
            raise CourseError(
                f"The course has no notebook {target}. "
                "Go to the folder of the course that this run belongs to, then accept it again."
            )
        texts[target] = _with_outputs(target, out / entry["slug"] / f"{entry['slug']}.ipynb")
    for entry in manifest["notebooks"]:
        merging.merge(out / "records" / entry["slug"], allow_smoke=allow_smoke)
    for target, text in texts.items():
        write_atomic(target, text)
    durations.remember(manifest)
    return list(texts)


def _manifest(out: Path, allow_smoke: bool) -> dict:
    manifest = read_manifest(out)
    if manifest.get("runs"):
        raise CourseError(
            f"{out} holds several runs: {', '.join(manifest['runs'])}. "
            f"Accept one of them, such as {out / manifest['runs'][0]}."
        )
    if manifest.get("parameters"):
        raise CourseError(
            f"The run in {out} set parameters with -p ({', '.join(manifest['parameters'])}), so "
            "its results are not the course's own. Run without -p, then accept."
        )
    bad = [f"{e['slug']} ({e['state']})" for e in manifest["notebooks"] if e["state"] != "ok"]
    if bad or manifest["state"] != "ok":
        raise CourseError(
            f"The run in {out} is not good throughout: {', '.join(bad) or manifest['state']}. "
            "Mend that, run again, then accept."
        )
    if manifest["profile"] == "smoke" and not allow_smoke:
        raise CourseError(
            f"The run in {out} used the smoke profile, whose numbers mean nothing. "
            "Run with --profile quick or full, or add --allow-smoke if you are sure."
        )
    return manifest


def _with_outputs(target: Path, executed: Path) -> str:
    import nbformat

    course = nbformat.read(target, as_version=4)
    if not executed.is_file():
        raise CourseError(f"The run lacks its notebook {executed}. Run it again, then accept.")
    cells = [c for c in course.cells if c.cell_type == "code"]
    run = [c for c in nbformat.read(executed, as_version=4).cells if c.cell_type == "code"]
    injected = [c for c in run if "injected-parameters" in c.metadata.get("tags", [])]
    run = [c for c in run if c not in injected]
    if [c.source for c in run] != [c.source for c in cells]:
        raise CourseError(
            f"{target} was changed after the run: its code is no longer that of {executed}. "
            "Run it again, then accept."
        )
    skipped = min((c.execution_count for c in injected if c.execution_count), default=None)
    for cell, done in zip(cells, run, strict=True):
        cell.execution_count = _count(done.execution_count, skipped)
        cell.outputs = [_output(o, cell.execution_count) for o in done.outputs]
    return nbformat.writes(course) + "\n"


def _count(count: int | None, skipped: int | None) -> int | None:
    return count - 1 if count and skipped and count > skipped else count


def _output(output: Any, count: int | None) -> Any:
    if output.output_type == "execute_result":
        output.execution_count = count
    if "data" in output:
        output.data.pop(WIDGET_VIEW, None)  # shows nothing without its widget's state
    return output
