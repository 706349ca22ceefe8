"""Submissions whose file or metadata is the attack."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from attack_course import FULL, RIGHT, SLUG, WRONG, cell, handed_in, text
from attack_table import Attack

WRONG_ANSWERS = handed_in(WRONG)
GRADED = ("mean", "double", "scale", "facts", "share")


def changed(change, answers=WRONG, score: float = 0, **more) -> Attack:
    """Return a submission whose notebook `change` has altered."""
    notebook = handed_in(answers)
    change(notebook)
    return Attack(text(notebook), score, **more)


def unreadable(content, why: str) -> Attack:
    return Attack(content, 0, {"mean": "no outcome"}, problem=why, state="unreadable")


def _about(notebook: dict, name: str) -> dict:
    return cell(notebook, name)["metadata"]["nbgrader"]


def _skip(notebook: dict) -> None:
    for name in GRADED:
        cell(notebook, name)["metadata"]["tags"] = ["skip-execution", "raises-exception"]


def _edit(notebook: dict) -> None:
    for name in GRADED:
        cell(notebook, name)["source"] = "assert True\n2.0"


def _delete(notebook: dict) -> None:
    notebook["cells"] = [
        c
        for c in notebook["cells"]
        if c["metadata"].get("nbgrader", {}).get("grade_id") not in GRADED
    ]


def _copy(notebook: dict) -> None:
    for name in GRADED:
        fake = json.loads(json.dumps(cell(notebook, name)))
        notebook["cells"] += [fake | {"source": "2.0"}, fake | {"source": "pass"}]


def _rename(notebook: dict) -> None:
    for name in GRADED:
        _about(notebook, name)["grade_id"] = f"{name}_done"


def _retag(notebook: dict) -> None:
    for name in GRADED:
        _about(notebook, name).update(grade=False, solution=True, locked=False, task=True)


def _points(notebook: dict) -> None:
    for name in GRADED:
        _about(notebook, name)["points"] = 1000


def _version(notebook: dict) -> None:
    notebook.update(nbformat=4, nbformat_minor=99)
    notebook["metadata"]["kernelspec"] = {"name": "../../evil", "language": "bash"}
    for name in GRADED:
        _about(notebook, name)["schema_version"] = 99


def _to_text(notebook: dict) -> None:
    for name in GRADED:
        cell(notebook, name)["cell_type"] = "markdown"


def _odd_types(notebook: dict) -> None:
    _about(notebook, "mean")["grade_id"] = {"a": 1}
    notebook["cells"][0].update(source=7, metadata=[], outputs="none", cell_type=None)
    notebook["cells"] += [None, 3, {"source": ["x = ", 1]}, {"metadata": {"nbgrader": [1]}}]


def _surrogates(notebook: dict) -> None:
    cell(notebook, "mean_answer")["source"] += "\nlonely = '\ud800'\n# \x00\x1b[31m"


def _zip(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


def in_zip(score: float = 0, why: str = "", **members: bytes) -> Attack:
    """Return a submission that is a zip file."""
    content = _zip(**members)

    def put(path: Path) -> None:
        path.with_suffix(".zip").write_bytes(content)

    if why:
        return unreadable(put, why)
    return Attack(put, score)


def _linked_zip(path: Path) -> None:
    info = zipfile.ZipInfo(f"{SLUG}.ipynb")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.writestr(info, "/etc/passwd")


def _escaping_zip(path: Path) -> None:
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.writestr("../../../escaped.txt", "out")
        archive.writestr(f"{SLUG}.ipynb", text(handed_in(RIGHT)))


def _link_to_solution(path: Path) -> None:
    path.with_suffix(".ipynb").symlink_to(path.parents[1] / "solutions" / SLUG / f"{SLUG}.ipynb")


def _linked_folder(path: Path) -> None:
    (path / SLUG).mkdir(parents=True)
    solution = path.parents[1] / "solutions" / SLUG / f"{SLUG}.ipynb"
    (path / SLUG / f"{SLUG}.ipynb").symlink_to(solution)


def _shadowing_files(path: Path) -> None:
    (path / SLUG).mkdir(parents=True)
    (path / SLUG / f"{SLUG}.ipynb").write_bytes(text(WRONG_ANSWERS))
    for name in ("numpy.py", "cifarlib.py", "IPython.py", "sitecustomize.py", "ipython_config.py"):
        (path / SLUG / name).write_text("import os\nos._exit(0)\n")


def _empty_folder(path: Path) -> None:
    (path / SLUG).mkdir(parents=True)


CHANGED = "was changed"
FILES: dict[str, Attack] = {
    "tests_tagged_to_be_skipped": changed(_skip, odd="skip-execution"),
    "tests_edited": changed(_edit, odd='the graded or locked cell "mean" was changed'),
    "tests_deleted": changed(_delete, odd='cell "mean" was missing'),
    "tests_copied": changed(_copy, odd='cell "mean" was there twice'),
    "tests_renamed": changed(_rename, odd='"mean_done" is not the instructor\'s'),
    "tests_retagged": changed(_retag, odd='"mean" were changed: grade, solution, task, locked'),
    "points_changed": changed(_points, odd='"mean" were changed: points'),
    "schema_from_the_future": changed(_version, odd="schema_version"),
    "tests_made_text": changed(_to_text, odd='the kind of the cell "mean"'),
    "cells_of_odd_types": changed(_odd_types, odd='cell "mean" was missing'),
    "lone_surrogates": changed(_surrogates, RIGHT, FULL - 1),
    "not_json": unreadable(b"%PDF-1.7 \x00\xff", "not JSON"),
    "json_but_no_notebook": unreadable(b"[1, 2]", "no notebook of format 4"),
    "empty_file": unreadable(b"", "not JSON"),
    "notebook_of_format_3": unreadable(
        b'{"worksheets": [], "nbformat": 3}', "no notebook of format"
    ),
    "huge_notebook": unreadable(b'{"cells": ["' + b"x" * (20 << 20) + b'"]}', "larger than 16 MB"),
    "nested_without_end": unreadable(b"[" * 5_000_000, "not JSON"),
    "thousands_of_cells": unreadable(
        text({"cells": [{"cell_type": "code", "source": "1"}] * 5000}), "more than 1000 cells"
    ),
    "link_to_the_solution": unreadable(_link_to_solution, "a link"),
    "folder_with_a_link": unreadable(_linked_folder, "a link"),
    "folder_without_a_notebook": unreadable(_empty_folder, "no notebook in it"),
    "shadowing_files_beside_it": Attack(_shadowing_files, 0),
    "zip_bomb": in_zip(why="larger than 16 MB", **{f"{SLUG}.ipynb": b"0" * (200 << 20)}),
    "zip_that_is_none": unreadable(
        lambda path: path.with_suffix(".zip").write_bytes(b"PK\x03\x04 no"), "cannot be read"
    ),
    "zip_with_a_path_that_escapes": unreadable(_escaping_zip, "leads out of it"),
    "zip_with_a_link": unreadable(_linked_zip, "link in it"),
    "zip_with_two_notebooks": in_zip(
        why="2 notebooks", **{"a.ipynb": text(handed_in(RIGHT)), "b.ipynb": text(handed_in(RIGHT))}
    ),
    "honest_zip": in_zip(FULL, **{f"work__{SLUG}.ipynb": text(handed_in(RIGHT)), "data.csv": b"1"}),
}
