"""A small table that reads well in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from numbers import Integral, Real

Cell = str | int | float | None


class Table:
    """Rows of text and numbers under headers.

    Numbers are right-aligned; whole numbers get thousands separators, other numbers four
    significant digits. `None` is an empty cell. Text is shown as it is, so a number that must
    not be changed (a year, a percentage) is passed as text.

    Args:
        headers: one heading per column.
        rows: the cells of each row, as many as there are headers.
        caption: a title, shown above the table.
        footer: one more row, set apart below the others (a total).

    Raises:
        ValueError: a row has more or fewer cells than there are headers.
    """

    def __init__(
        self,
        headers: Sequence[str],
        rows: Iterable[Sequence[Cell]],
        caption: str = "",
        footer: Sequence[Cell] | None = None,
    ) -> None:
        self.headers = tuple(headers)
        self.rows = [tuple(row) for row in rows]
        self.caption = caption
        self.footer = tuple(footer) if footer is not None else None
        for number, row in enumerate(self._all_rows(), start=1):
            if len(row) != len(self.headers):
                raise ValueError(
                    f"Row {number} has {len(row)} cells, but there are {len(self.headers)} "
                    f"headers {self.headers}. Give every row one cell per header."
                )

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        texts = [[_text(cell) for cell in row] for row in self._all_rows()]
        columns = list(zip(self.headers, *texts, strict=True))
        widths = [max(len(text) for text in column) for column in columns]
        right = self._right_aligned()

        def line(cells: Sequence[str]) -> str:
            padded = (
                cell.rjust(width) if is_right else cell.ljust(width)
                for cell, width, is_right in zip(cells, widths, right, strict=True)
            )
            return "  ".join(padded).rstrip()

        rule = "  ".join("-" * width for width in widths)
        lines = [self.caption] if self.caption else []
        lines += [line(self.headers), rule]
        lines += [line(cells) for cells in texts[: len(self.rows)]]
        if self.footer is not None:
            lines += [rule, line(texts[-1])]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        right = self._right_aligned()
        head = "".join(_cell("th", h, r, "col") for h, r in zip(self.headers, right, strict=True))
        body = "\n".join(_row(row, right) for row in self.rows)
        parts = ["<table>"]
        if self.caption:
            parts.append(f"<caption>{escape(self.caption)}</caption>")
        parts += [f"<thead><tr>{head}</tr></thead>", f"<tbody>\n{body}\n</tbody>"]
        if self.footer is not None:
            parts.append(f"<tfoot>{_row(self.footer, right)}</tfoot>")
        return "\n".join([*parts, "</table>"])

    def _all_rows(self) -> list[tuple[Cell, ...]]:
        return self.rows if self.footer is None else [*self.rows, self.footer]

    def _right_aligned(self) -> list[bool]:
        """Say for each column whether it holds numbers (and gaps) only, and at least one."""
        columns = [[row[i] for row in self.rows] for i in range(len(self.headers))]
        return [
            any(_is_number(cell) for cell in column)
            and all(cell is None or _is_number(cell) for cell in column)
            for column in columns
        ]


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, Real) and not isinstance(cell, bool)


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if not _is_number(cell):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, Integral) else f"{cell:.4g}"


def _row(cells: Sequence[Cell], right: Sequence[bool]) -> str:
    first, *rest = zip(cells, right, strict=True)
    return (
        "<tr>"
        + _cell("th", *first, scope="row")
        + "".join(_cell("td", cell, is_right) for cell, is_right in rest)
        + "</tr>"
    )


def _cell(tag: str, cell: Cell, is_right: bool, scope: str = "") -> str:
    scope = f' scope="{scope}"' if scope else ""
    align = "right" if is_right else "left"
    return f'<{tag}{scope} style="text-align: {align}">{escape(_text(cell))}</{tag}>'
