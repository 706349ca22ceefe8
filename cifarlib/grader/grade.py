"""`cifarlib grade`: from submissions to results, pages and the gradebook."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cifarlib._support.files import write_atomic
from cifarlib.errors import CourseError
from cifarlib.grader import pages
from cifarlib.grader.batch import Batch, failure, read_result
from cifarlib.grader.bubblewrap import Sandbox, open_sandbox
from cifarlib.grader.collect import Handed, submissions
from cifarlib.grader.limits import Limits
from cifarlib.grader.scores import Graded
from cifarlib.grader.source import Source, find_source


def main(args: argparse.Namespace) -> int:
    """Grade; return 0, or 1 where a submission could not be graded at all.

    Raises:
        CourseError: nothing can be graded; the message says why.
    """
    source = find_source(args.assignment, args.source)
    unknown = sorted(set(args.regrade) - set(source.worth))
    if unknown:
        known = ", ".join(source.worth)
        raise CourseError(
            f"No graded cell {', '.join(unknown)} in {source.path}. There is: {known}."
        )
    call_s = min(args.cell_seconds, Limits.call_s)
    limits = Limits(
        memory_mb=args.memory,
        cell_s=args.cell_seconds,
        call_s=call_s,
        interrupt_s=min(max(args.cell_seconds / 2, 5), 15),
    )
    sandbox = _sandbox(args, limits, source)
    if sandbox.kind == "none":
        print("No sandbox: submissions run as you, with all your rights.", file=sys.stderr)
    out = args.out / source.slug
    with _cluster(args) as cluster, submissions(args.submissions, source.slug) as handed:
        grader = cluster and cluster.grader
        batch = Batch(source, sandbox, out, tuple(args.regrade), args.force, grader)
        failed = _grade(batch, handed, cluster.jobs if cluster else args.jobs)
        rows = [_row(batch, item, failed.get(item.student)) for item in handed]
    _write_tables(out, source, rows)
    pages.write_summary(out, source, rows)
    database = args.gradebook or ("gradebook.db" if Path("gradebook.db").is_file() else None)
    if database:
        from cifarlib.grader import gradebook

        gradebook.write(Path(database), source, [row for row in rows if row["state"] != "failed"])
        gradebook.write_notebooks(out, Path(database).parent / "autograded", source, rows)
    print(f"Results: {out / 'grades.csv'}, {out / 'index.html'}")
    return 1 if failed else 0


def _sandbox(args: argparse.Namespace, limits: Limits, source: Source) -> Sandbox:
    """Return how jails are made; on a cluster the workers find out whether they can."""
    if args.scheduler:
        kind = "none" if args.unsafe_no_sandbox else "bubblewrap"
        return Sandbox(kind, limits, source.files, args.gpu)
    return open_sandbox(limits, source.files, gpu=args.gpu, unsafe=args.unsafe_no_sandbox)


def _cluster(args: argparse.Namespace) -> AbstractContextManager[Any]:
    if not args.scheduler:
        return nullcontext()
    from cifarlib.grader.dask_grading import Cluster

    return Cluster(args.scheduler)


def _grade(batch: Batch, handed: list[Handed], jobs: int) -> dict[str, Graded]:
    """Grade with a progress bar; return what could not be graded, by student."""
    failed: dict[str, Graded] = {}
    watched = sys.stderr.isatty() and os.environ.get("CIFARLIB_QUIET") != "1"
    with tqdm(total=len(handed), unit="submission", disable=not watched) as bar:

        def done(student: str, graded: Graded | None) -> None:
            bar.update()
            if graded is not None and graded.state == "failed":
                failed[student] = graded
            elif graded is not None:
                pages.write_feedback(batch.out, batch.source, student, graded)
            if not watched:
                state = "graded before" if graded is None else _short(graded)
                print(f"{student}: {state}", file=sys.stderr, flush=True)

        batch.grade(handed, jobs, done)
    return failed


def _short(graded: Graded) -> str:
    worth = sum(mark.worth for mark in graded.marks.values())
    text = f"{graded.score:g} of {worth:g} points in {graded.seconds:g} s"
    return text if graded.state == "graded" else f"{graded.state}: {graded.why}"


def _row(batch: Batch, item: Handed, failed: Graded | None) -> dict[str, Any]:
    """Return a student's line of the tables: the result without the notebook."""
    facts = read_result(batch.result_path(item.student)) if failed is None else None
    graded = facts["graded"] if facts else (failed or failure(batch.source, "no result")).as_dict()
    graded.pop("notebook")
    scores = [mark["score"] for mark in graded["marks"].values()]
    return {
        "student": item.student,
        "timestamp": item.timestamp,
        "score": float(sum(score or 0 for score in scores)),
        "max_score": sum(batch.source.worth.values()),
        "needs_a_person": None in scores or bool(graded["problems"]),
        **graded,
    }


def _write_tables(out: Path, source: Source, rows: list[dict]) -> None:
    write_atomic(out / "grades.json", json.dumps(rows, indent=1))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    head = ["student", "timestamp", "score", "max_score", "state", "needs_a_person", "suspicious"]
    table.writerow([*head, "sandbox", *source.worth])
    for row in rows:
        facts = [row[name] for name in head[:-1]] + [bool(row["oddities"]), row["sandbox"]]
        marks = [row["marks"].get(id, {}).get("score") for id in source.worth]
        table.writerow(facts + ["" if score is None else score for score in marks])
    write_atomic(out / "grades.csv", text.getvalue())
