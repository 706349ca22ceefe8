"""Notebook files read as plain JSON: quick, and without Jupyter's packages."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path

READS_RESULTS = "reads-results"
"""Tag of the cells that read what the other notebooks of a run recorded (`ledger.own_table`)."""
SLOW_MODULES = ("keras",)


def code_digest(path: Path) -> str:
    """Return a SHA-256 over sources and tags of the code cells; text may change freely."""
    try:
        code = [[c.get("source"), c["metadata"].get("tags", [])] for c in _code_cells(path)]
    except (ValueError, KeyError, TypeError, AttributeError):  # the worker says what is wrong
        return hashlib.sha256(path.read_bytes()).hexdigest()
    joined = [["".join(source or ""), tags] for source, tags in code]
    return hashlib.sha256(json.dumps(joined).encode()).hexdigest()


def parameter_names(path: Path) -> list[str]:
    """Return the variables that the cell tagged `parameters` sets; [] without such a cell."""
    try:
        (cell,) = [c for c in _code_cells(path) if "parameters" in c["metadata"].get("tags", [])]
        body = ast.parse("".join(cell["source"])).body
    except (ValueError, KeyError, TypeError, AttributeError, SyntaxError):
        return []
    targets = [
        target
        for node in body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def reads_results(path: Path) -> bool:
    """Say whether a notebook shows the results of the others, so that it must run after them."""
    try:
        return any(READS_RESULTS in c["metadata"].get("tags", []) for c in _code_cells(path))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def slow_imports(path: Path) -> list[str]:
    """Return those modules that take seconds to import and that the notebook imports."""
    try:
        text = code(path)
    except ValueError:
        return []
    return [name for name in SLOW_MODULES if re.search(rf"^\s*import {name}\b", text, re.MULTILINE)]


def code(path: Path) -> str:
    """Return the code of all cells as one text.

    Raises:
        ValueError: the file is no notebook.
    """
    try:
        return "\n".join("".join(c["source"]) for c in _code_cells(path))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no notebook") from error


def _code_cells(path: Path) -> list[dict]:
    stat = path.stat()
    return _parsed(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _parsed(path: Path, changed: int, size: int) -> list[dict]:
    """Read a notebook, once for each state its file is in."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    return [{"source": c["source"], "metadata": c["metadata"]} for c in code]
