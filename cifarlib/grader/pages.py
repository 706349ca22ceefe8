"""Pages from results: one a student, and a summary for the instructor."""

from __future__ import annotations

import base64
import binascii
import statistics
from functools import cache
from pathlib import Path
from typing import Any

from cifarlib._support.files import write_atomic
from cifarlib.grader.scores import Graded
from cifarlib.grader.source import Source

BARS = 10  # of the distribution
PNG = b"\x89PNG\r\n\x1a\n"


def write_feedback(out: Path, source: Source, student: str, graded: Graded) -> Path:
    """Write a student's page: cells, outcomes, messages, points. Return where it lies."""
    path = out / "feedback" / f"{student}.html"
    text = (
        _pages()
        .get_template("feedback.html")
        .render(
            student=student,
            assignment=source.slug,
            graded=graded,
            worth=sum(mark.worth for mark in graded.marks.values()),
            waiting=sum(mark.worth for mark in graded.marks.values() if mark.score is None),
        )
    )
    write_atomic(path, text)
    return path


def write_summary(out: Path, source: Source, rows: list[dict[str, Any]]) -> Path:
    """Write the instructor's page from the rows of the table. Return where it lies."""
    path = out / "index.html"
    text = (
        _pages()
        .get_template("summary.html")
        .render(
            assignment=source.slug,
            rows=rows,
            bars=_distribution(rows),
            mean=statistics.fmean(row["score"] for row in rows),
            median=statistics.median(row["score"] for row in rows),
            worth=sum(source.worth.values()),
            questions=_questions(source, rows),
            people=[row for row in rows if row["problems"]],
            waiting=sum(1 for r in rows if any(m["score"] is None for m in r["marks"].values())),
            odd=[row for row in rows if row["oddities"]],
            unsafe=any(row["sandbox"] == "none" for row in rows),
        )
    )
    write_atomic(path, text)
    return path


def _questions(source: Source, rows: list[dict]) -> list[dict]:
    """Return for each graded cell how it went, the hardest first."""
    found = []
    for id, worth in source.worth.items():
        marks = [row["marks"][id] for row in rows if id in row["marks"]]
        scores = [mark["score"] for mark in marks if mark["score"] is not None]
        reasons = [mark["reason"] for mark in marks]
        found.append(
            {
                "id": id,
                "worth": worth,
                "mean": statistics.fmean(scores) if scores else None,
                "full": sum(score >= worth for score in scores),
                "of": len(marks),
                "refused": reasons.count("refused"),
            }
        )
    share = {
        q["id"]: q["mean"] / q["worth"] if q["worth"] and scores_known(q) else 2 for q in found
    }
    return sorted(found, key=lambda question: share[question["id"]])


def scores_known(question: dict) -> bool:
    """Tell whether a program graded the question for anyone."""
    return question["mean"] is not None


def _distribution(rows: list[dict]) -> list[tuple[str, int, float]]:
    """Return bars: label, count, height in percent of the highest."""
    worth = max((row["max_score"] for row in rows), default=0) or 1
    counts = [0] * BARS
    for row in rows:
        counts[min(int(row["score"] / worth * BARS), BARS - 1)] += 1
    labels = [f"{worth * i / BARS:g} to {worth * (i + 1) / BARS:g}" for i in range(BARS)]
    return [(label, n, 100 * n / max(counts)) for label, n in zip(labels, counts, strict=True)]


@cache
def _pages() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["points"] = lambda number: "–" if number is None else f"{number:g}"
    pages.filters["picture"] = _picture
    return pages


def _picture(text: str) -> str:
    """Return a student's picture for an `img`; "" if it is no PNG picture."""
    try:
        content = base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(content).decode() if content.startswith(PNG) else ""
