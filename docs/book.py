"""What the course page needs beyond Sphinx and MyST-NB: a small Sphinx extension.

- The alternative text of figures is kept: the notebooks hold it with each output.
- Formulas become MathML, so that no script is fetched from anywhere.
- The README is the first page; the list of all pages, `contents.md`, is put below it.
- The directive `exercises` lists the exercises with their tasks and points.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx

from cifarlib.checks import tasks
from cifarlib.runner.mathml import mathml


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", _add_contents)
    app.connect("source-read", _describe_figures)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.add_directive("exercises", Exercises)
    return {"parallel_read_safe": True}


def _add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    if name == app.config.root_doc:
        contents = Path(app.confdir) / "contents.md"
        source[0] += "\n" + contents.read_text(encoding="utf-8")


def _describe_figures(app: Sphinx, name: str, source: list[str]) -> None:
    """Hand the alternative text of each output to MyST-NB, which looks for it in the cell."""
    if not name.startswith(("notebooks/", "exercises/")):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            alt = output.get("metadata", {}).get("image/png", {}).get("alt")
            if alt:
                cell["metadata"]["mystnb"] = {"image": {"alt": alt}}
    source[0] = json.dumps(notebook)


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


class Exercises(Directive):
    """A table of all exercises: link, number of tasks, points."""

    def run(self) -> list[nodes.Node]:
        lines = ["| exercise | tasks | points |", "|---|---:|---:|"]
        for slug in tasks.slugs():
            found = tasks.assignment(slug[:2]).tasks.values()
            points = sum(task.points for task in found)
            path = f"../exercises/{slug}/{slug}.ipynb"
            lines.append(f"| []({path}) | {len(found)} | {points} |")
        container = nodes.container()
        self.state.nested_parse(StringList(lines, "exercises"), 0, container)
        return container.children
