"""Make the notebooks ready for Colab: `python docs/launch.py` puts a set-up cell into each.

The workflow `book.yml` runs it on a copy that it pushes to the branch `launch`; the page's
buttons open that branch. Binder has the course installed already; there the cell does nothing.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
SETUP = """\
# On Colab this installs the course. Where it is installed, this does nothing.
import importlib.util

if importlib.util.find_spec("cifarlib") is None:
    %pip install --quiet "cifarlib @ git+{address}"
"""


def address(root: Path = ROOT) -> str:
    """Return the project's public address, or "" where pyproject.toml names none."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository", "")


def prepare(root: Path = ROOT) -> list[Path]:
    """Put the set-up cell into all notebooks and exercises below `root`; return what changed."""
    where = address(root)
    if not where:
        raise SystemExit(
            "pyproject.toml names no public address, so there is nothing to install from. Add it:\n"
            '[project.urls]\nRepository = "https://github.com/OWNER/NAME"'
        )
    changed = []
    for path in [*root.glob("notebooks/*.ipynb"), *root.glob("exercises/*/*.ipynb")]:
        notebook = nbformat.read(path, as_version=4)
        cell = nbformat.v4.new_code_cell(SETUP.format(address=where), id="set-up")
        if notebook.cells[1].id != cell.id:
            notebook.cells.insert(1, cell)
            nbformat.write(notebook, path)
            changed.append(path)
    return changed


if __name__ == "__main__":
    print(f"{len(prepare())} notebooks have a set-up cell now.")
