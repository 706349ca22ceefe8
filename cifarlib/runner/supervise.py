"""One notebook in a process of its own, watched from outside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from cifarlib.errors import CourseError
from cifarlib.runner import cells
from cifarlib.runner.job import Job
from cifarlib.runner.journal import Journal, keep_partial, partial_path
from cifarlib.runner.notebook_progress import NotebookProgress
from cifarlib.runner.plan import NotebookLimits
from cifarlib.runner.processes import kill_children, kill_leftovers, memory

GRACE_SECONDS = 20  # for a worker to stop its kernel and save what there is
LOG_LINES, LOG_BYTES = 20, 20_000  # of the end of log.txt, shown when a kernel dies
POLL_SECONDS = 0.2
NOT_RUN = "not run"


class StopRequests(Protocol):
    """Who may want a notebook to end: a signal here, or a cluster that cancels a task."""

    @property
    def requests(self) -> int:
        """How often that was asked for; the second time wants it at once."""


def supervise(
    job: Job,
    variables: dict[str, str],
    limits: NotebookLimits,
    stop: StopRequests,
    turn: AbstractContextManager[NotebookProgress | None] | None = None,
) -> dict[str, Any]:
    """Execute one notebook in a worker process; return its journal.

    Args:
        job: as a plan makes it; what only this process knows is filled in here.
        variables: of the worker's environment.
        stop: looked at all the time; a request ends the notebook, a second one at once.
        turn: entered when the worker is on its way, so it can prepare itself while it waits for
            its turn; gives what shows the progress.
    """
    imports = tuple(cells.slow_imports(job.notebook))
    job = replace(job, timeout=limits.timeout, parent=os.getpid(), imports=imports)
    with ExitStack() as held:
        try:
            scratch = held.enter_context(
                tempfile.TemporaryDirectory(prefix="cifarlib-", ignore_cleanup_errors=True)
            )
            job = replace(job, scratch=Path(scratch))
            process = held.enter_context(_worker(job, variables))
        except OSError as error:
            held.enter_context(turn or nullcontext())
            return _cannot_start(job, error)
        progress = held.enter_context(turn or nullcontext())
        if stop.requests:
            return Journal(job).failed(NOT_RUN, "The run was stopped before its turn.")
        journal = _journal(process, job, limits, stop, progress)
        if progress is not None:
            progress.done(journal["state"], journal["seconds"])
        return journal


@contextmanager
def _worker(job: Job, variables: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Start a worker, which waits for a word to begin; whatever it leaves running is ended."""
    log = _early_log(job)
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cifarlib.runner.worker", job.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | variables | job.variables(),
            start_new_session=True,  # Ctrl-C reaches us alone; we stop the worker
        )
    try:
        yield process
    finally:
        with process:  # closes the pipes: one that has not begun ends by itself
            process.kill()
        kill_leftovers(job.scratch)
        log.unlink(missing_ok=True)


def _journal(
    process: subprocess.Popen,
    job: Job,
    limits: NotebookLimits,
    stop: StopRequests,
    progress: NotebookProgress | None,
) -> dict[str, Any]:
    """Let a worker begin, wait for it, and return the journal of its notebook."""
    began = time.monotonic()
    try:
        clear(job.folder, job.slug, job.records)
        with suppress(FileNotFoundError):  # somebody may just have removed the folder
            os.replace(_early_log(job), job.folder / "log.txt")
        Journal(job, began).update()  # so that the next call finds what this one may leave
    except (OSError, CourseError) as error:
        return _cannot_start(job, error, began)
    with suppress(BrokenPipeError):  # it has died already, and `_unfinished` says so
        process.stdin.write(b"begin\n")
        process.stdin.flush()
    answer = _wait(process, job, limits, stop, progress)
    kill_leftovers(job.scratch)
    try:
        journal = json.loads(answer)
    except ValueError:
        journal = _unfinished(job, process.returncode, stop, began)
    if journal["state"] == "died":
        journal["failure"]["traceback"] += _log_tail(job.folder)
    return journal


def _cannot_start(
    job: Job, error: OSError | CourseError, began: float | None = None
) -> dict[str, Any]:
    reason = getattr(error, "strerror", None) or error
    text = f"Could not start in {job.folder}: {reason}."
    advice = "Free some space or choose another folder with --out."
    return Journal(job, began).failed("failed", f"{text} {advice}")


def _early_log(job: Job) -> Path:
    """Return where a worker's messages go until its notebook begins: beside the last run's."""
    return job.folder / f".{job.slug}.log"


def clear(folder: Path, slug: str, records: Path) -> None:
    """Make the folders; remove what an earlier run of the same notebook left, nothing else.

    Its last good results stay as `previous.jsonl`, to be compared with.
    """
    good = _read_json(folder / "journal.json").get("state") == "ok"
    old = [folder / name for name in ("journal.json", f"{slug}.ipynb", f"{slug}.html", "log.txt")]
    old += [partial_path(folder, slug), records / "results.jsonl", records / "data.jsonl"]
    folder.mkdir(parents=True, exist_ok=True)
    records.mkdir(parents=True, exist_ok=True)
    if good and (records / "results.jsonl").exists():
        os.replace(records / "results.jsonl", records / "previous.jsonl")
    for path in old:
        path.unlink(missing_ok=True)


def sweep(journal: dict[str, Any]) -> None:
    """End what a run that was itself killed may have left behind, and remove its sockets."""
    scratch = journal.get("scratch")
    if journal.get("state") == "running" and scratch:
        kill_leftovers(Path(scratch))
        if Path(scratch).name.startswith("cifarlib-"):
            shutil.rmtree(scratch, ignore_errors=True)


def _wait(
    process: subprocess.Popen,
    job: Job,
    limits: NotebookLimits,
    stop: StopRequests,
    progress: NotebookProgress | None,
) -> bytes:
    """Wait for the worker's answer; past a limit or on a stop, make it end."""
    began, deadline = time.monotonic(), None
    while True:
        try:
            return process.communicate(timeout=POLL_SECONDS)[0]
        except subprocess.TimeoutExpired:
            _show(progress, job)
        if deadline is not None:
            if stop.requests > 1 or time.monotonic() > deadline:
                process.kill()
        elif stop.requests or _exceeded(limits, job, process.pid, began):
            deadline = time.monotonic() + GRACE_SECONDS
            process.terminate()


def _show(progress: NotebookProgress | None, job: Job) -> None:
    if progress is not None:
        journal = _read_json(job.folder / "journal.json")
        progress.update(journal.get("cell", 0), journal.get("cells"))


def _exceeded(limits: NotebookLimits, job: Job, pid: int, began: float) -> bool:
    """Say whether a notebook takes more than it may; leave word for its worker if so."""
    if limits.minutes is not None and time.monotonic() - began > 60 * limits.minutes:
        text = f"The notebook ran longer than the {limits.minutes:g} minutes allowed. (--minutes)"
        _leave_verdict(job, "timeout", text)
        return True
    if limits.memory is not None and (used := memory(pid)) > limits.memory:
        text = f"The notebook took {used:.2f} GB of memory; {limits.memory:g} GB are allowed."
        _leave_verdict(job, "memory", f"{text} (--memory)")
        kill_children(pid)  # at once: it may be about to take the machine's last
        return True
    return False


def _leave_verdict(job: Job, state: str, text: str) -> None:
    """Tell the worker why its kernel is about to end; it writes the partial results."""
    with suppress(OSError):
        job.verdict.write_text(json.dumps({"state": state, "text": text}), encoding="utf-8")


def _unfinished(job: Job, exit_code: int, stop: StopRequests, began: float) -> dict[str, Any]:
    """Complete the journal of a worker that ended without an answer."""
    journal = Journal(job, began)
    journal.facts |= _read_json(journal.path)
    if verdict := _read_json(job.verdict):
        state, text = verdict["state"], verdict["text"]
    elif stop.requests:
        state, text = "interrupted", "The run was stopped while this cell was at work."
    else:
        state, text = "died", f"The notebook's own process ended (exit code {exit_code})."
    cell = journal.facts["cell"]
    failure = {"cell": cell, "execution_count": None, "source": "", "traceback": text}
    keep_partial(job.folder, job.slug, state, failure)
    with suppress(CourseError):
        journal.update(state=state, failure=failure)
    return journal.facts


def _log_tail(folder: Path) -> str:
    try:
        with open(folder / "log.txt", "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = text.splitlines()[-LOG_LINES:]
    return "\n\nEnd of log.txt:\n" + "\n".join(lines) if lines else ""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
