"""Making `exercises/` from `solutions/`, with nbgrader's own converters.

What `release` writes is what nbgrader's `generate_assignment` would write, byte for byte, only
without a gradebook. The settings of both stand in `nbgrader_config.py`.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from cifarlib._support import progress
from cifarlib._support.files import write_atomic
from cifarlib.checks import tasks
from cifarlib.checks.outcomes import points
from cifarlib.errors import CourseError
from cifarlib.grader.nbgrader_format import CONFIG, RELEASE, SOURCE, load_config

TAG = "raises-exception"
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def release(root: Path | str = ".", names: Sequence[str] = ()) -> list[Path]:
    """Write the exercises of the solutions below `root`.

    Args:
        names: assignments by number or name; none means all, and then exercises without a
            solution go away.

    Returns:
        The files that changed.

    Raises:
        CourseError: this is no course folder, there is no such assignment, or a solution has
            something wrong in it. Then nothing is written.
    """
    root = Path(root).absolute()
    made = _convert(root, _chosen(root, names))
    old = {} if names else {path: None for path in _files(root / RELEASE)}
    changed = [path for path, content in (old | made).items() if _read(path) != content]
    for path in changed:
        if path in made:
            write_atomic(path, made[path])
        else:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
    return changed


def stale(root: Path | str = ".", names: Sequence[str] = ()) -> list[str]:
    """Return one line for each exercise that is not what its solution makes; write nothing.

    Raises:
        CourseError: as `release`.
    """
    root = Path(root).absolute()
    made = _convert(root, _chosen(root, names))
    lines = [_difference(path, content, root) for path, content in made.items()]
    if not names:
        extra = [path for path in _files(root / RELEASE) if path not in made]
        lines += [f"{path.relative_to(root)}: there is no solution for it." for path in extra]
    return [line for line in lines if line]


def problems(path: Path) -> list[str]:
    """Return one line for each thing that is wrong in a solution notebook.

    Compared are its cells with the tasks in `cifarlib.checks.assignments`: titles and points in
    the headings, points and names in nbgrader's metadata, and the calls in the test cells.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assignment = tasks.assignment(path.stem[:2])
    found = list(_heading_problems(cells, assignment))
    graded = {}
    for number, cell in enumerate(cells):
        meta = cell["metadata"].get("nbgrader", {})
        if meta.get("grade"):
            graded[meta["grade_id"]] = number
            found += _graded_problems(cell, assignment)
        if cell.get("outputs"):
            found.append(f"cell {number} has outputs. Clear them.")
        for target in _LINK.findall(_source(cell) if cell["cell_type"] == "markdown" else ""):
            if not (path.parent / target).exists():
                found.append(f"cell {number} links to {target}, which is not there.")
    if list(graded) != list(assignment.tasks):
        found.append(
            f"graded cells are {', '.join(graded)}; "
            f"cifarlib.checks.assignments has {', '.join(assignment.tasks)}."
        )
    return [f"{path.name}: {line}" for line in found]


def _heading_problems(cells: list[dict], assignment: tasks.Assignment) -> Iterator[str]:
    texts = [_source(cell) for cell in cells if cell["cell_type"] == "markdown"]
    given = re.findall(r"^## (Task .*)$", "\n".join(texts), re.MULTILINE)
    wanted = [
        f"Task {number} · {task.title} ({points(task.points)})"
        for number, task in enumerate(assignment.tasks.values(), start=1)
    ]
    for mine, right in itertools.zip_longest(given, wanted):
        if mine != right:
            yield f'heading is "{mine}". By cifarlib.checks.assignments it is "{right}".'


def _graded_problems(cell: dict, assignment: tasks.Assignment) -> Iterator[str]:
    meta = cell["metadata"]["nbgrader"]
    name = meta["grade_id"]
    task = assignment.tasks.get(name)
    if task is None:
        return
    if meta["points"] != task.points:
        yield (
            f'cell "{name}" has {meta["points"]} points in its metadata. '
            f"By cifarlib.checks.assignments it is {task.points}."
        )
    if task.function is None:
        if not meta["solution"] or cell["cell_type"] != "markdown":
            yield f'cell "{name}" is no cell for a written answer, which its task asks for.'
        return
    called = re.findall(r"^check\.task\(\"([\w.]+)\"", _source(cell), re.MULTILINE)
    if set(called) != {f"{assignment.number}.{name}"}:
        yield f'cell "{name}" must call check.task("{assignment.number}.{name}"), and no other.'
    if TAG not in cell["metadata"].get("tags", []):
        yield f'cell "{name}" needs the tag "{TAG}", so that "Run All" goes on behind it.'


def _chosen(root: Path, names: Sequence[str]) -> list[Path]:
    """Return the solution notebooks that are meant."""
    if not (root / CONFIG).is_file() or not (root / SOURCE).is_dir():
        raise CourseError(
            f"{root} is no course folder: it needs {CONFIG} and {SOURCE}/. "
            "Change into the course's folder and try again."
        )
    every = sorted((root / SOURCE).glob("[0-9][0-9]_*/*.ipynb"))
    for path in every:
        if path.stem != path.parent.name:
            raise CourseError(f"{path}: the notebook and its folder must have one name.")
    chosen = []
    for name in names:
        stem = Path(name).stem
        matching = [p for p in every if stem in (p.stem, p.stem[:2], p.stem[3:])]
        if not matching:
            known = ", ".join(path.stem for path in every) or "none"
            raise CourseError(f'There is no solution "{name}" in {root / SOURCE}. Known: {known}.')
        chosen += matching
    return chosen if names else every


def _convert(root: Path, paths: Sequence[Path]) -> dict[Path, bytes]:
    """Return the exercises that nbgrader makes of solutions, by the path where they belong."""
    wrong = [line for path in paths for line in problems(path)]
    if wrong:
        raise CourseError("The solutions need mending before a release:\n" + "\n".join(wrong))
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in progress.each(paths, "making", "exercise"):
            _generate(root, path.stem, Path(folder))
        for path in _files(Path(folder)):
            made[root / RELEASE / path.relative_to(folder)] = path.read_bytes()
    return made


def _generate(root: Path, name: str, folder: Path) -> None:
    """Have nbgrader write one assignment into a folder, without its gradebook."""
    try:
        from nbgrader.converters import GenerateAssignment
        from nbgrader.coursedir import CourseDirectory
        from nbgrader.preprocessors import SaveCells
    except ImportError as error:
        raise CourseError(
            f"nbgrader is needed for a release, and cannot be imported ({error}). "
            'Install it with `pip install "cifarlib[teach]"`, or use the environment of `make`.'
        ) from None
    log = logging.getLogger(__name__)
    log.addHandler(logging.NullHandler())
    log.propagate = False
    config = load_config(root)
    course = CourseDirectory(
        config=config, root=str(root), assignment_id=name, release_directory=str(folder)
    )
    converter = GenerateAssignment(coursedir=course, config=config, no_database=True, log=log)
    converter.preprocessors = [p for p in converter.preprocessors if p is not SaveCells]
    try:
        converter.start()
    except Exception as error:
        raise CourseError(
            f"nbgrader could not convert {SOURCE}/{name}/: {error}. "
            f"`nbgrader generate_assignment {name} --no-db` shows more."
        ) from error


def _difference(path: Path, content: bytes, root: Path) -> str:
    """Say how an exercise differs from what its solution makes; "" if it does not."""
    name, old = path.relative_to(root), _read(path)
    if old == content:
        return ""
    mend = f"`cifarlib release {path.parent.name}` mends it."
    if old is None:
        return f"{name} is missing. {mend}"
    if path.suffix != ".ipynb":
        return f"{name} differs from the one in {SOURCE}/. {mend}"
    try:
        pairs = itertools.zip_longest(json.loads(old)["cells"], json.loads(content)["cells"])
        for number, (mine, right) in enumerate(pairs):
            if mine != right:
                return f"{name}, cell {number} ({_cell_name(right or mine)}) is stale. {mend}"
    except (ValueError, KeyError, TypeError):
        return f"{name} is no notebook. {mend}"
    return f"{name} is stale: its metadata or its layout differ. {mend}"


def _cell_name(cell: dict) -> str:
    name = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
    return name or '"' + _source(cell).strip().splitlines()[0][:50] + '"'


def _source(cell: dict) -> str:
    return "".join(cell["source"])


def _files(folder: Path) -> list[Path]:
    return sorted(
        p for p in folder.rglob("*") if p.is_file() and ".ipynb_checkpoints" not in p.parts
    )


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
