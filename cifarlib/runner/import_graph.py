"""Which modules of cifarlib some Python code uses: read from its import statements, nothing is run.

Imports inside functions count, since they run sooner or later. Imports that only type checkers see
are told apart. Of `import cifarlib` count the names that are then used, `cifarlib.fit` for example,
by where `cifarlib/__init__.py` says that they live.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import cifarlib

PACKAGE = "cifarlib"
BY_NAME = {"cifarlib.checks.tasks": "cifarlib.checks"}
"""Modules that import others by a name that they are given, and the room in which these are."""
ROOT = Path(cifarlib.__file__).parent


def modules() -> dict[str, Path]:
    """Return every module of cifarlib, by its dotted name, and the file it is in."""
    return {_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def used_by(code: str, *, typing_only: bool = False) -> set[str]:
    """Return the modules that some code imports, directly.

    Args:
        code: Python.
        typing_only: count also what stands below `if TYPE_CHECKING:`.

    Raises:
        SyntaxError: the code is no Python.
    """
    return _direct(ast.parse(code), typing_only)


def closure(names: Iterable[str], without: Iterable[str] = ()) -> set[str]:
    """Return these modules, and all that they import in turn, with the packages around them.

    Args:
        without: modules that are left out, with what only they import.
    """
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name in without:
            continue
        found.add(name)
        waiting += _imports_of(modules_path(name), False)
        if room := BY_NAME.get(name):
            waiting += [other for other in modules() if other.startswith(f"{room}.")]
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    return found


def modules_path(name: str) -> Path:
    """Return the file of a module."""
    path = ROOT.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@lru_cache
def _imports_of(path: Path, typing_only: bool) -> frozenset[str]:
    return frozenset(_direct(ast.parse(path.read_text(encoding="utf-8")), typing_only))


def _direct(tree: ast.Module, typing_only: bool) -> set[str]:
    found: set[str] = set()
    for node in _nodes(tree, typing_only):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.split(".")[0] == PACKAGE}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            found |= {_home(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == PACKAGE:
            found.add(_home(PACKAGE, node.attr))
    return found


def _nodes(tree: ast.AST, typing_only: bool) -> Iterator[ast.AST]:
    """Yield all nodes below a tree, without those that only type checkers see unless asked for."""
    for node in ast.iter_child_nodes(tree):
        hidden = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if hidden and not typing_only:
            for other in node.orelse:
                yield from _nodes(other, typing_only)
            continue
        yield node
        yield from _nodes(node, typing_only)


def _home(package: str, name: str) -> str:
    """Return the module that a name is imported from: itself a module, or in one."""
    inside = f"{package}.{name}"
    path = ROOT.joinpath(*inside.split(".")[1:])
    if path.is_dir() or path.with_suffix(".py").exists():
        return inside
    if package == PACKAGE and name in cifarlib._HOMES:
        return f"{PACKAGE}.{cifarlib._HOMES[name]}"
    return package


def _name(path: Path) -> str:
    parts = [PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
