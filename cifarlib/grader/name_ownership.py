"""Which names of a graded cell come from the student: decided from the instructor's notebook alone.

A name that a solution cell defines is the student's. Imports and functions of all cells, and what
plain cells compute without the student's names, are the instructor's: the referee runs them from
the source. What a plain cell computes from the student's names is the student's again.
"""

from __future__ import annotations

import ast
import json
import subprocess
import symtable
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from cifarlib.errors import CourseError
from cifarlib.grader.source import SourceCell


@dataclass
class PlannedTest:
    """What the referee does for one graded cell.

    Attributes:
        before: the instructor's code since the graded cell before, as one text.
        names: what is fetched from the student.
    """

    before: str
    names: list[str]


@dataclass
class _Owners:
    """Whose the names are, at one place of the notebook."""

    student: set[str] = field(default_factory=set)  # names that are the student's now
    helpers: dict[str, set[str]] = field(default_factory=dict)  # function: the names it uses
    before: list[str] = field(default_factory=list)  # code that the referee runs


def plan_tests(cells: Sequence[SourceCell]) -> dict[str, PlannedTest]:
    """Return what the referee does for each automatically graded cell, in the source's order.

    Raises:
        CourseError: a cell of the source is no Python.
    """
    owners, tests = _Owners(), {}
    code = [cell for cell in cells if cell.cell_type == "code"]
    asked = _names_of_checks({cell.id: cell.source for cell in code if cell.graded})
    for cell in code:
        if cell.graded:
            uses = _used(cell.source, owners.helpers) | set(asked.get(cell.id, ()))
            tests[cell.id] = PlannedTest("\n".join(owners.before), sorted(uses & owners.student))
            owners.before = []
        else:
            for statement in _parse(cell).body:
                _read_statement(statement, cell.solution, owners)
    return tests


def imports_of_tests(tests: dict[str, PlannedTest], cells: Sequence[SourceCell]) -> list[str]:
    """Return the import statements of all that the referee will run, once each."""
    texts = [test.before for test in tests.values()]
    texts += [ast.unparse(_parse(cell)) for cell in cells if cell.graded]
    found = [s for text in texts for s in ast.parse(text).body if _is_import(s)]
    return list(dict.fromkeys(ast.unparse(statement) for statement in found))


def only_shows(cell: SourceCell) -> bool:
    """Tell whether a cell of the instructor does nothing but show hints or progress."""
    texts = [ast.unparse(statement) for statement in _parse(cell).body]
    shows = ("from cifarlib.checks import check", "check.hint(", "check.progress(")
    return all(text.startswith(shows) for text in texts)


def _read_statement(statement: ast.stmt, solution: bool, owners: _Owners) -> None:
    text = ast.unparse(statement)
    uses, binds = _uses_and_binds(text)
    if _is_import(statement):
        owners.before.append(text)
        owners.student -= binds
    elif solution:
        owners.student |= binds | (_changed(statement) - set(owners.helpers))
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        owners.before.append(text)
        owners.student -= binds
        owners.helpers[statement.name] = uses
    elif _used(text, owners.helpers) & owners.student:
        owners.student |= binds | _changed(statement)
    elif not _is_for_show(statement):
        owners.before.append(text)
        owners.student -= binds


def _used(text: str, helpers: dict[str, set[str]]) -> set[str]:
    """Return the global names that code uses, also through the instructor's functions."""
    found, waiting = set(), list(_uses_and_binds(text)[0])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += helpers.get(name, ())
    return found


def _uses_and_binds(text: str) -> tuple[set[str], set[str]]:
    uses: set[str] = set()
    binds: set[str] = set()

    def walk(table: symtable.SymbolTable, top: bool) -> None:
        for symbol in table.get_symbols():
            name = symbol.get_name()
            if symbol.is_referenced() and (top or symbol.is_global()):
                uses.add(name)
            if symbol.is_declared_global() and symbol.is_assigned():
                binds.add(name)
            if top and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()):
                binds.add(name)
        for child in table.get_children():
            walk(child, False)

    walk(symtable.symtable(text, "<cell>", "exec"), True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            uses.add(node.target.id)
    return uses, binds


def _changed(statement: ast.stmt) -> set[str]:
    """Return names whose object is changed in place: x[0] = 1, x.a = 1, x.append(1)."""
    changed = {
        _root(node)
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute | ast.Subscript)
        and isinstance(node.ctx, ast.Store | ast.Del)
    }
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        changed.add(_root(statement.value))
    return changed - {""}


def _root(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _root(node.func) if isinstance(node.func, ast.Attribute) else ""
    if isinstance(node, ast.Attribute | ast.Subscript):
        return _root(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def _is_for_show(statement: ast.stmt) -> bool:
    """Tell whether it is a check's hint or progress, or a printed value: nothing a test needs."""
    if not isinstance(statement, ast.Expr):
        return False
    if not isinstance(statement.value, ast.Call):
        return True
    return ast.unparse(statement.value.func) in ("print", "display", "check.hint", "check.progress")


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _parse(cell: SourceCell) -> ast.Module:
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return ast.parse(TransformerManager().transform_cell(cell.source))
    except SyntaxError as error:
        raise CourseError(
            f'The source notebook\'s cell "{cell.id}" is no Python ({error.msg}, line '
            f"{error.lineno}). Mend it in solutions/ and grade again."
        ) from error


def _names_of_checks(sources: dict[str, str]) -> dict[str, list[str]]:
    """Return the names that the checks in each cell read.

    In a process of its own, since checks may load Keras, and this one is to stay small.
    """
    sources = {id: text for id, text in sources.items() if "check.task(" in text}
    if not sources:
        return {}
    code = (
        "import json, sys; from cifarlib.checks import check; "
        "print(json.dumps({id: check.names_in(s) for id, s in json.load(sys.stdin).items()}))"
    )
    command, text = [sys.executable, "-c", code], json.dumps(sources)
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CourseError(f"The checks of the source notebook could not be read: {last}")
    return json.loads(done.stdout.splitlines()[-1])
