"""Which room may import which. Imports inside functions and for type checkers count."""

import ast
import re
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

import pytest

from cifarlib.runner.import_graph import ROOT, modules, used_by

STUDENT = {
    "augmentation", "backbones", "data", "evaluation", "ledger", "networks", "parameters", "plots",
    "profiles", "training",
}  # fmt: skip
INSTRUCTOR = {"checks", "cli", "grader", "runner"}
SHARED = {"_support", "errors"}
NEVER = {
    **dict.fromkeys(STUDENT, INSTRUCTOR),
    "checks": {"cli", "grader", "runner"},
    "runner": {"checks", "cli", "grader"},
    "grader": {"cli", "runner"},
    "_support": STUDENT | INSTRUCTOR,
    "errors": STUDENT | INSTRUCTOR | {"_support"},
}
"""What each room must not import; `cli` may import all."""

Edge = tuple[str, str]  # who imports, and what is imported: names of modules


def room(module: str) -> str:
    """Return the room of a module: its folder, or its own name where it is flat; "" for the top."""
    return module.split(".")[1] if "." in module else ""


def all_edges() -> list[Edge]:
    return [
        (name, used)
        for name, path in modules().items()
        for used in sorted(used_by(path.read_text(encoding="utf-8"), typing_only=True))
    ]


def violations(edges: Iterable[Edge]) -> list[str]:
    """Return a line for each arrow that points the wrong way, and one for a circle of rooms."""
    found, rooms = [], {}
    for name, used in edges:
        a, b = room(name), room(used)
        if not a or not b or a == b:
            continue
        rooms.setdefault(a, set()).add(b)
        if b in NEVER.get(a, ()):
            found.append(f"{name} imports {used}, which {a} must not")
    try:
        TopologicalSorter(rooms).prepare()
    except CycleError as error:
        found.append(f"rooms import each other: {' <- '.join(error.args[1])}")
    return found


def test_arrows_go_one_way():
    assert violations(all_edges()) == []


def test_every_room_has_its_rules():
    assert {room(name) for name in modules()} - {""} == STUDENT | INSTRUCTOR | SHARED


def test_no_modules_import_each_other():
    graph: dict[str, set[str]] = {}
    for name, used in all_edges():
        if name != "cifarlib" and used not in (name, "cifarlib"):
            graph.setdefault(name, set()).add(used)
    for names in graph.values():  # a module of a room may be imported by the room's own front door
        names -= {name for name in names if not name.rpartition(".")[0].rpartition(".")[0]}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    ("edge", "said"),
    [
        (("cifarlib.data.loading", "cifarlib.ledger.bands"), "rooms import each other"),
        (("cifarlib.runner.plan", "cifarlib.grader.limits"), "which runner must not"),
        (("cifarlib.grader.batch", "cifarlib.runner.plan"), "which grader must not"),
        (("cifarlib.plots.figures", "cifarlib.checks.tasks"), "which plots must not"),
        (("cifarlib.checks.check", "cifarlib.grader.codec"), "which checks must not"),
        (("cifarlib._support.files", "cifarlib.data.sources"), "which _support must not"),
        (("cifarlib.runner.run", "cifarlib.cli"), "which runner must not"),
    ],
)
def test_a_wrong_arrow_is_found(edge, said):
    assert any(said in line for line in violations([*all_edges(), edge]))


def test_imports_are_seen_wherever_they_stand():
    code = """
from typing import TYPE_CHECKING
from cifarlib import ledger as book, fit
if TYPE_CHECKING:
    from cifarlib.data.dataset import Dataset
def later():
    import cifarlib.plots
    import cifarlib
    return cifarlib.evaluate
"""
    now = {"cifarlib.ledger", "cifarlib.training", "cifarlib.plots", "cifarlib.evaluation"}
    assert used_by(code) - {"cifarlib"} == now
    assert used_by(code, typing_only=True) - {"cifarlib"} == now | {"cifarlib.data.dataset"}


@pytest.mark.parametrize("name", sorted(STUDENT | INSTRUCTOR | {"_support"}))
def test_a_room_says_what_it_is_for_and_names_each_of_its_modules(name):
    path = ROOT / name / "__init__.py"
    if not path.exists():
        return  # a module beside the rooms
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    inside = {p.stem for p in path.parent.iterdir() if p.suffix == ".py"} - {"__init__"}
    inside |= {p.name for p in path.parent.iterdir() if (p / "__init__.py").exists()}
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    named = {word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == inside
    said = {words for words in ("In: ", "Out: ", "Read first: ") if words in text}
    assert len(said) == 3 or name == "_support"
