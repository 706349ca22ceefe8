"""What is taken from a submitted notebook: the text of its cells, and which of them it names.

Of a cell's metadata only the name is believed. Flags, points, tags, outputs, kernels and versions
are the instructor's or nobody's. Graded and locked cells get the instructor's text; missing ones
are put back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from cifarlib.grader.exceptions import UnreadableError
from cifarlib.grader.limits import JailLimits
from cifarlib.grader.nbgrader_format import FLAGS
from cifarlib.grader.source import Source, SourceCell

BAD_TAGS = {"skip-execution", "raises-exception"}


@dataclass(frozen=True)
class SubmittedCell:
    """One cell as it is graded: the text is the student's, or the instructor's for `restored`."""

    id: str
    cell_type: str
    source: str
    restored: bool = False


@dataclass
class SubmittedNotebook:
    """A submitted notebook after cleaning, and what was odd about it."""

    cells: list[SubmittedCell]
    oddities: list[str] = field(default_factory=list)


def read_submitted_notebook(
    content: bytes, source: Source, limits: JailLimits
) -> SubmittedNotebook:
    """Return the cells of a submitted notebook.

    Raises:
        UnreadableError: it is no notebook, or too large to be one.
    """
    if len(content) > limits.notebook_mb << 20:
        raise UnreadableError(f"the file is larger than {limits.notebook_mb} MB")
    try:
        raw = json.loads(content)["cells"]
        found = [_read(cell) for cell in raw if isinstance(cell, dict)]
    except (ValueError, RecursionError):
        raise UnreadableError("the file is no notebook: not JSON") from None
    except (KeyError, TypeError, AttributeError):
        raise UnreadableError("the file is JSON, but no notebook of format 4") from None
    if len(found) > limits.notebook_cells:
        raise UnreadableError(f"the notebook has more than {limits.notebook_cells} cells")
    result = SubmittedNotebook([])
    known, last = source.by_id, _last_places(found)
    for place, (cell, about) in enumerate(found):
        theirs = known.get(cell.id)
        _note_oddities(result.oddities, cell, about, theirs)
        if theirs is None:
            result.cells.append(SubmittedCell("", cell.cell_type, cell.source))
        elif not theirs.restored:
            result.cells.append(SubmittedCell(cell.id, theirs.cell_type, cell.source))
        elif last[cell.id] == place:
            result.cells.append(_restored(theirs))
        else:
            result.oddities.append(f'the graded or locked cell "{cell.id}" was there twice')
    _put_back(result, source)
    result.oddities = list(dict.fromkeys(result.oddities))
    return result


def _read(cell: dict) -> tuple[SubmittedCell, dict]:
    text, metadata = cell.get("source", ""), cell.get("metadata")
    text = "".join(map(str, text)) if isinstance(text, list) else str(text)
    metadata = metadata if isinstance(metadata, dict) else {}
    about = metadata.get("nbgrader")
    about = about if isinstance(about, dict) else {}
    id = about.get("grade_id")
    about = about | {"tags": metadata.get("tags")}
    # A lone surrogate in the JSON would stop everything that writes the text.
    text = text.encode(errors="replace").decode()
    kind = cell.get("cell_type")
    kind = kind if kind in ("code", "markdown", "raw") else "raw"
    return SubmittedCell(id if isinstance(id, str) else "", kind, text), about


def _restored(cell: SourceCell) -> SubmittedCell:
    return SubmittedCell(cell.id, cell.cell_type, cell.source, restored=True)


def _last_places(found: list[tuple[SubmittedCell, dict]]) -> dict[str, int]:
    return {cell.id: place for place, (cell, _) in enumerate(found)}


def _put_back(result: SubmittedNotebook, source: Source) -> None:
    """Put missing graded and locked cells where they belong, and graded cells behind their answers.

    A missing cell comes behind the named cell that precedes it in the source. A graded cell that
    stands above its answer would fail an honest student who moved cells about.
    """
    before: list[str] = []
    answers: list[str] = []  # of the graded cell that comes next in the source
    fresh = True
    for theirs in source.cells:
        if not theirs.id:
            continue
        places = {cell.id: place for place, cell in enumerate(result.cells) if cell.id}
        if theirs.restored:
            here = places.get(theirs.id)
            if here is None:
                result.oddities.append(f'the graded or locked cell "{theirs.id}" was missing')
                behind = [places[id] for id in before if id in places][-1:]
            else:
                behind = [places[id] for id in answers if id in places and theirs.graded]
            if here is None or max(behind, default=-1) > here:
                place = max(behind) + 1 if behind else len(result.cells)
                result.cells.insert(place, _restored(theirs))
                if here is not None:
                    del result.cells[here]
        if theirs.graded:
            fresh = True
        elif theirs.solution:
            answers = [theirs.id] if fresh else [*answers, theirs.id]
            fresh = False
        before.append(theirs.id)


def _note_oddities(
    oddities: list[str], cell: SubmittedCell, about: dict[str, Any], theirs: SourceCell | None
) -> None:
    tags = about.get("tags")
    bad = BAD_TAGS & {str(tag) for tag in tags} if isinstance(tags, list) else set()
    if "skip-execution" in bad or (bad and not (theirs and theirs.restored)):
        oddities.append(f"a cell has the tag {', '.join(sorted(bad))}")
    if theirs is None:
        if cell.id:
            oddities.append(f'the cell name "{cell.id[:60]}" is not the instructor\'s')
        return
    texts = (theirs.visible.strip(), theirs.source.strip())
    if theirs.restored and theirs.cell_type == "code" and cell.source.strip() not in texts:
        oddities.append(f'the text of the graded or locked cell "{cell.id}" was changed')
    if cell.cell_type != theirs.cell_type:
        oddities.append(f'the kind of the cell "{cell.id}" was changed')
    changed = [flag for flag in FLAGS if bool(about.get(flag)) != getattr(theirs, flag)]
    if theirs.points and about.get("points") != theirs.points:
        changed.append("points")
    if about.get("schema_version") not in (1, 2, 3):
        changed.append("schema_version")
    if changed:
        oddities.append(f'the settings of the cell "{cell.id}" were changed: {", ".join(changed)}')
