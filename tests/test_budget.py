"""What the project may weigh: ceilings in budget.toml, compared with what is there.

A ceiling is raised in a commit of its own that says why. Processor time of the tests is compared by
`tests/tier_time.py`.
"""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from cifarlib.runner import cells
from cifarlib.runner.import_graph import ROOT as PACKAGE
from cifarlib.runner.import_graph import closure, modules, modules_path, used_by

ROOT = Path(__file__).parent.parent
BUDGET = tomllib.loads((ROOT / "budget.toml").read_text(encoding="utf-8"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def lines_by_room() -> dict[str, int]:
    """Return the lines of Python in each room; modules beside the rooms together are "flat"."""
    found: dict[str, int] = defaultdict(int)
    for path in modules().values():
        parts = path.relative_to(PACKAGE).parts
        found[parts[0] if len(parts) > 1 else "flat"] += lines(path)
    return found


def lines_loaded(notebooks: list[Path]) -> int:
    """Return the lines of cifarlib that the imports of these notebooks load, all in turn."""
    used = {name for path in notebooks for name in used_by(cells.code(path))}
    return sum(lines(modules_path(name)) for name in closure(used))


def weight_of(path: Path) -> dict[str, int]:
    """Return what a reader of a notebook has to take in."""
    notebook = nbformat.read(path, as_version=4)
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    text = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    return {
        "cells": len(notebook.cells),
        "words": sum(len(source.split()) for source in text),
        "names": len(names_of_cifarlib("\n".join(code))),
        "lines_of_a_cell": max(len(source.splitlines()) for source in code),
    }


def names_of_cifarlib(code: str) -> set[str]:
    """Return the names of cifarlib that some code uses: imported ones, and those of its rooms."""
    tree = ast.parse(code)
    found, rooms = set(), set()
    for module, name, known_as in _imported(tree):
        if f"{module}.{name}".strip(".") in modules():
            rooms.add(known_as)
        else:
            found.add(name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {node.attr} if node.value.id in rooms else set()
    return found


def _imported(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Yield module, name, and what it is called here, of each import from cifarlib."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cifarlib":
            yield from ((node.module, a.name, a.asname or a.name) for a in node.names)
        elif isinstance(node, ast.Import):
            ours = [a for a in node.names if a.name.split(".")[0] == "cifarlib"]
            yield from (("", a.name, a.asname or a.name) for a in ours)


def over(actual: dict[str, int], ceilings: dict[str, int]) -> list[str]:
    """Return a line for everything that is over its ceiling, or has none."""
    return [
        f"{name}: {value:,}, ceiling {ceilings.get(name, 'missing')}"
        for name, value in actual.items()
        if value > ceilings.get(name, -1)
    ]


def test_no_room_grows_over_its_ceiling():
    assert over(lines_by_room(), BUDGET["rooms"]) == []


def test_the_library_stays_small():
    whole = {"cifarlib": sum(lines_by_room().values()), "notebooks": lines_loaded(NOTEBOOKS)}
    assert over(whole, BUDGET["library"]) == []


def test_no_module_is_longer_than_a_reader_has_patience():
    longest = {name: lines(path) for name, path in modules().items()}
    assert over(longest, dict.fromkeys(longest, BUDGET["library"]["module"])) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_notebook_grows_over_its_ceiling(path):
    assert over(weight_of(path), BUDGET["notebooks"][path.stem]) == []


def test_the_budget_has_no_entry_for_what_is_gone():
    assert BUDGET["rooms"].keys() == lines_by_room().keys()
    assert BUDGET["notebooks"].keys() == {path.stem for path in NOTEBOOKS}


def test_a_room_over_its_ceiling_is_found():
    ceiling = BUDGET["rooms"]["data"]
    assert over({"data": ceiling}, BUDGET["rooms"]) == []
    assert over({"data": ceiling + 1}, BUDGET["rooms"]) == [
        f"data: {ceiling + 1:,}, ceiling {ceiling}"
    ]
    assert over({"attic": 1}, BUDGET["rooms"]) == ["attic: 1, ceiling missing"]


def test_names_are_counted_as_a_reader_meets_them():
    code = """
import cifarlib, keras
from cifarlib import ledger, plots
from cifarlib.ledger import compare
data = cifarlib.load("mnist")
plots.canvas(); plots.canvas(); ledger.record(); compare(); keras.Input(); data.x_train
"""
    assert names_of_cifarlib(code) == {"load", "canvas", "record", "compare"}
