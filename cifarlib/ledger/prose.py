"""Figures in sentences, tied to the ledger.

A measured or claimed figure in a Markdown text is written between two comments that no
reader sees::

    The report claims <!--=claim R0.4 test_accuracy-->56.5 %<!--/--> on the test set.

The first comment says where the figure comes from::

    claim ID METRIC              what the report says
    band  ID VARIANT METRIC      lowest to highest recorded value
    mean  ID VARIANT METRIC      mean of the recorded values
    runs  ID VARIANT METRIC      how many values were recorded
    gain  ID VARIANT OTHER METRIC   mean of VARIANT minus mean of OTHER, which is a variant
                                    of the same system, or of another one: "R0.6b:report"
    sure  ID VARIANT OTHER METRIC   95 % interval of this gain in points, from the seeds that
                                    both have; for fractions such as accuracies

`check` finds figures that no longer match, and figures without a source; `update` rewrites
the ones that have a source, and leaves those for which nothing is recorded yet to `check`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from cifarlib._support.files import write_atomic
from cifarlib.errors import CourseError
from cifarlib.ledger import bands
from cifarlib.ledger.bands import Band
from cifarlib.ledger.claims import claim
from cifarlib.ledger.comparison import interval, number, unit_of
from cifarlib.ledger.paired_difference import paired_gain

MARK = re.compile(r"<!--=(?P<source>[^>]*?)-->(?P<text>.*?)<!--/-->", re.DOTALL)
FIGURE = re.compile(r"\d+(?:\.\d+)?\s*%|\b\d{1,3}(?:,\d{3})*,(?!000\b)\d{3}\b|\b0\.\d{3,}\b")
EXEMPT = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|^>.*?$", re.DOTALL | re.MULTILINE)


def quoted_value(source: str) -> str:
    """Return the text that a source such as "claim R0.4 test_accuracy" stands for.

    Raises:
        CourseError: the source is not of a known form, or nothing was recorded for it.
    """
    kind, *words = source.split() or [""]
    if kind == "claim" and len(words) == 2:
        return number(claim(*words), unit_of(words[1]))
    if kind in ("gain", "sure") and len(words) == 4:
        id, variant, other, metric = words
        other_id, _, other = other.rpartition(":")
        after, before = _band(id, variant, metric), _band(other_id or id, other, metric)
        if kind == "gain":
            return _gain(after, before, metric)
        if unit_of(metric) == "fraction":
            return _sure(after, before, source)
    if kind in ("band", "mean", "runs") and len(words) == 3:
        id, variant, metric = words
        values, unit = _band(id, variant, metric).values, unit_of(metric)
        if kind == "runs":
            return str(len(values))
        if kind == "band":
            return interval(values, unit)
        return number(sum(values) / len(values), unit)
    raise CourseError(
        f"{source!r} is no source of a figure. Write one of: claim ID METRIC; "
        "band, mean or runs ID VARIANT METRIC; gain ID VARIANT OTHER METRIC, or sure "
        "ID VARIANT OTHER METRIC for a fraction, such as an accuracy."
    )


def _gain(after: Band, before: Band, metric: str) -> str:
    difference = after.mean - before.mean
    if unit_of(metric) == "fraction":
        return f"{100 * difference:+.1f} points"
    return f"{difference:+.3f}"


def _sure(after: Band, before: Band, source: str) -> str:
    old = dict(zip(before.seeds, before.values, strict=True))
    pairs = [(v, old[s]) for s, v in zip(after.seeds, after.values, strict=True) if s in old]
    alike = (after.profile, after.backend) == (before.profile, before.backend)
    if len(pairs) < 2 or not alike:
        raise CourseError(
            f"{source!r}: an interval needs two seeds that both have, of one profile and backend."
        )
    gain = paired_gain(*zip(*pairs, strict=True))
    return f"{gain.low:+.1f} to {gain.high:+.1f}"


def check(path: Path | str) -> list[str]:
    """Return one line for every figure of a notebook or Markdown file that is not as it should be.

    Each line names file, cell and sentence. A per cent figure, a count such as 122,570 or a
    long decimal needs a source, unless it stands in code, a formula or a quotation (a line that
    begins with ">"). Round thousands are sizes of data sets, and need none. No source may begin a
    line: Markdown would tear the sentence apart there.
    """
    problems = []
    for place, text in _texts(Path(path)):
        for mark in MARK.finditer(text):
            if not text[: mark.start()].rpartition("\n")[2].strip():
                problems.append(
                    f"{place}: {mark['text']!r} begins a line, where Markdown takes its source for "
                    "a block of its own. Put a word in front of it."
                )
            try:
                wanted = quoted_value(mark["source"])
            except CourseError as error:
                problems.append(f"{place}: {error}")
                continue
            if mark["text"] != wanted:
                problems.append(
                    f"{place}: {_sentence(text, mark.start())!r} says {mark['text']!r}, "
                    f"the ledger {wanted!r}. `cifarlib ledger sync` mends it."
                )
        bare = EXEMPT.sub("", MARK.sub("", text))
        for found in FIGURE.finditer(bare):
            problems.append(
                f"{place}: {_sentence(bare, found.start())!r} quotes {found[0]!r} without a source."
            )
    return problems


def update(path: Path | str) -> int:
    """Rewrite the figures of a notebook or Markdown file; return how many texts changed."""
    path, changed = Path(path), 0

    def rewrite(text: str) -> str:
        nonlocal changed
        new = MARK.sub(_refreshed, text)
        changed += new != text
        return new

    _rewrite(path, rewrite)
    return changed


def _refreshed(mark: re.Match) -> str:
    """Return the mark with the ledger's figure, or as it is where the ledger has none yet."""
    try:
        return f"<!--={mark['source']}-->{quoted_value(mark['source'])}<!--/-->"
    except CourseError:
        return mark[0]


def _band(id: str, variant: str, metric: str) -> bands.Band:
    band = bands.band(id, metric, variant)
    if band is None:
        raise CourseError(f"Nothing is recorded for {id}, variant {variant!r}, {metric}.")
    return band


def _texts(path: Path) -> list[tuple[str, str]]:
    if path.suffix != ".ipynb":
        return [(path.name, path.read_text(encoding="utf-8"))]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        (f"{path.name}, cell {i}", "".join(cell["source"]))
        for i, cell in enumerate(cells)
        if cell["cell_type"] == "markdown"
    ]


def _rewrite(path: Path, rewrite: Callable[[str], str]) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        new = rewrite(text)
    else:
        notebook = json.loads(text)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = rewrite("".join(cell["source"])).splitlines(keepends=True)
        new = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    if new != text:
        write_atomic(path, new)


def _sentence(text: str, position: int) -> str:
    """Return the sentence around a position, without the comments."""
    start = max(text.rfind(mark, 0, position) for mark in ("\n", ". ", "| ")) + 1
    end = min((i for i in (text.find("\n", position), len(text)) if i >= 0), default=len(text))
    return re.sub(r"<!--.*?-->", "", text[start:end]).strip()[:120]
