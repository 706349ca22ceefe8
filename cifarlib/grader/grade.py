"""`cifarlib grade`: from submissions to results, pages and the gradebook."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifarlib._support import progress
from cifarlib._support.files import write_atomic
from cifarlib.errors import CourseError
from cifarlib.grader import feedback_pages
from cifarlib.grader.batch import Batch, read_result
from cifarlib.grader.bubblewrap import Sandbox, open_sandbox
from cifarlib.grader.collect import Submission, find_submissions
from cifarlib.grader.limits import JailLimits
from cifarlib.grader.local_grader import LocalGrader
from cifarlib.grader.scores import Graded
from cifarlib.grader.source import Source, find_source

if TYPE_CHECKING:
    from cifarlib.grader.dask_grading import Cluster


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
    sandbox = _sandbox(args, JailLimits.for_cells(args.cell_seconds, args.memory), source)
    if sandbox.kind == "none":
        print("No sandbox: submissions run as you, with all your rights.", file=sys.stderr)
    out = args.out / source.slug
    with _cluster(args) as cluster, find_submissions(args.submissions, source.slug) as found:
        make_grader = cluster.grader if cluster else LocalGrader
        batch = Batch(source, sandbox, out, tuple(args.regrade), args.force, make_grader)
        failed = _grade(batch, found, cluster.jobs if cluster else args.jobs)
        rows = [_row(batch, submission, failed.get(submission.student)) for submission in found]
    _write_tables(out, source, rows)
    feedback_pages.write_summary(out, source, rows)
    database = args.gradebook or ("gradebook.db" if Path("gradebook.db").is_file() else None)
    if database:
        from cifarlib.grader import gradebook

        gradebook.write(Path(database), source, [row for row in rows if row["state"] != "failed"])
        gradebook.write_notebooks(out, Path(database).parent / "autograded", source, rows)
    print(f"Results: {out / 'grades.csv'}, {out / 'index.html'}")
    return 1 if failed else 0


def _sandbox(args: argparse.Namespace, limits: JailLimits, source: Source) -> Sandbox:
    """Return how jails are made; on a cluster the workers find out whether they can."""
    if args.scheduler:
        kind = "none" if args.unsafe_no_sandbox else "bubblewrap"
        return Sandbox(kind, limits, source.files, args.gpu)
    return open_sandbox(limits, source.files, gpu=args.gpu, unsafe=args.unsafe_no_sandbox)


def _cluster(args: argparse.Namespace) -> AbstractContextManager[Cluster | None]:
    if not args.scheduler:
        return nullcontext()
    from cifarlib.grader.dask_grading import Cluster

    return Cluster(args.scheduler)


def _grade(batch: Batch, submissions: list[Submission], jobs: int) -> dict[str, Graded]:
    """Grade with a progress bar; return what could not be graded, by student."""
    failed: dict[str, Graded] = {}
    watched = sys.stderr.isatty() and os.environ.get("CIFARLIB_QUIET") != "1"
    with progress.bar(len(submissions) if watched else 0, "grading", "submission") as bar:

        def done(student: str, graded: Graded | None) -> None:
            bar.update()
            if graded is not None and graded.state == "failed":
                failed[student] = graded
            elif graded is not None:
                feedback_pages.write_feedback(batch.out, batch.source, student, graded)
            if not watched:
                state = "graded before" if graded is None else _short(graded)
                print(f"{student}: {state}", file=sys.stderr, flush=True)

        batch.grade(submissions, jobs, done)
    return failed


def _short(graded: Graded) -> str:
    text = f"{graded.total:g} of {graded.worth:g} points in {graded.seconds:g} s"
    return text if graded.state == "graded" else f"{graded.state}: {graded.why}"


def _row(batch: Batch, submission: Submission, failed: Graded | None) -> dict[str, Any]:
    """Return a student's line of the tables: the result without the notebook."""
    facts = read_result(batch.result_path(submission.student)) if failed is None else None
    failed = failed or Graded.failed(batch.source, "no result")
    graded = facts["graded"] if facts else asdict(failed)
    graded.pop("notebook")
    points = [score["points"] for score in graded["scores"].values()]
    return {
        "student": submission.student,
        "timestamp": submission.timestamp,
        "score": float(sum(number or 0 for number in points)),
        "max_score": sum(batch.source.worth.values()),
        "needs_a_person": None in points or bool(graded["problems"]),
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
        points = [row["scores"].get(id, {}).get("points") for id in source.worth]
        table.writerow(facts + ["" if number is None else number for number in points])
    write_atomic(out / "grades.csv", text.getvalue())
