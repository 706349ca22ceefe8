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
    text = _template("feedback.html").render(
        student=student,
        assignment=source.slug,
        graded=graded,
        waiting=sum(score.worth for score in graded.scores.values() if score.points is None),
    )
    write_atomic(path, text)
    return path


def write_summary(out: Path, source: Source, rows: list[dict[str, Any]]) -> Path:
    """Write the instructor's page from the rows of the table. Return where it lies."""
    path = out / "index.html"
    text = _template("summary.html").render(
        assignment=source.slug,
        rows=rows,
        bars=_distribution(rows),
        mean=statistics.fmean(row["score"] for row in rows),
        median=statistics.median(row["score"] for row in rows),
        worth=sum(source.worth.values()),
        questions=_questions(source, rows),
        people=[row for row in rows if row["problems"]],
        waiting=sum(1 for r in rows if any(s["points"] is None for s in r["scores"].values())),
        odd=[row for row in rows if row["oddities"]],
        unsafe=any(row["sandbox"] == "none" for row in rows),
    )
    write_atomic(path, text)
    return path


def _questions(source: Source, rows: list[dict]) -> list[dict]:
    """Return for each graded cell how it went, the hardest first."""
    found = []
    for id, worth in source.worth.items():
        scores = [row["scores"][id] for row in rows if id in row["scores"]]
        points = [score["points"] for score in scores if score["points"] is not None]
        reasons = [score["reason"] for score in scores]
        found.append(
            {
                "id": id,
                "worth": worth,
                "mean": statistics.fmean(points) if points else None,
                "full": sum(number >= worth for number in points),
                "of": len(scores),
                "refused": reasons.count("refused"),
            }
        )
    return sorted(found, key=_share)


def _share(question: dict) -> float:
    """Return a question's mean as a share of its worth; more than all where no program grades."""
    if question["mean"] is None or not question["worth"]:
        return 2
    return question["mean"] / question["worth"]


def _distribution(rows: list[dict]) -> list[tuple[str, int, float]]:
    """Return bars: label, count, height in percent of the highest."""
    worth = max((row["max_score"] for row in rows), default=0) or 1
    counts = [0] * BARS
    for row in rows:
        counts[min(int(row["score"] / worth * BARS), BARS - 1)] += 1
    labels = [f"{worth * i / BARS:g} to {worth * (i + 1) / BARS:g}" for i in range(BARS)]
    return [(label, n, 100 * n / max(counts)) for label, n in zip(labels, counts, strict=True)]


@cache
def _template(name: str) -> Any:
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
    return pages.get_template(name)


def _picture(text: str) -> str:
    """Return a student's picture for an `img`; "" if it is no PNG picture."""
    try:
        content = base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(content).decode() if content.startswith(PNG) else ""
