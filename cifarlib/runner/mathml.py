"""Formulas as MathML, which browsers draw by themselves: pages need no network for them."""

from __future__ import annotations

import re
from typing import Any

from nbconvert.preprocessors import Preprocessor

FORMULA = re.compile(
    r"(?P<code>```.*?```|`[^`\n]*`)"
    r"|\$\$(?P<block>.+?)\$\$"
    r"|(?<![\\\w])\$(?!\s)(?P<inline>[^$\n]+?)(?<![\s\\])\$(?!\w)",
    re.DOTALL,
)


def mathml(latex: str, *, block: bool = False) -> str:
    """Return one formula as a MathML element.

    Args:
        latex: the formula without its dollars.
        block: on a line of its own.
    """
    from latex2mathml.converter import convert

    # A comma between digits separates thousands: no space after it.
    latex = latex.strip().replace("{,}", r"\text{,}")
    return convert(latex, display="block" if block else "inline")


def with_mathml(text: str) -> str:
    """Return a Markdown text with its formulas as MathML; code stays as it is."""

    def replace(found: re.Match) -> str:
        if found["code"]:
            return found[0]
        return mathml(found["block"] or found["inline"], block=bool(found["block"]))

    return FORMULA.sub(replace, text)


class MathMLPreprocessor(Preprocessor):
    """Rewrites the formulas of a notebook's texts, for nbconvert's template `course`."""

    def preprocess_cell(self, cell: Any, resources: dict, index: int) -> tuple[Any, dict]:
        if cell.cell_type == "markdown":
            cell.source = with_mathml(cell.source)
        return cell, resources
