"""`cifarlib run`: execute notebooks headlessly, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cifarlib.course import report
from cifarlib.course.journal import Journal, keep_partial, partial_path
from cifarlib.course.plan import Plan
from cifarlib.course.progress import Progress
from cifarlib.errors import CourseError
from cifarlib.facts import environment

GRACE_SECONDS = 20  # for a worker to stop its kernel and save what there is
LOG_LINES = 20  # of log.txt, shown when a kernel dies


@dataclass
class Stop:
    """Requests to stop that came in as signals; the second one wants it at once."""

    signum: int | None = None
    requests: int = 0


def run(plan: Plan) -> int:
    """Execute the plan and write `manifest.json` and `index.html` into its out folder.

    A notebook that fails does not stop the others. Ctrl-C and SIGTERM stop the run in an
    orderly way: no process is left behind, and the page tells what was done.

    Returns:
        0 if all is well, 1 if a notebook failed, 130 or 143 if the run was stopped.

    Raises:
        CourseError: the out folder cannot be written to.
    """
    manifest = _manifest(plan)
    report.write(plan.out, manifest)
    began = time.monotonic()
    with _stop_signals() as stop:
        entries = zip(plan.notebooks, manifest["notebooks"], strict=True)
        for number, (notebook, entry) in enumerate(entries, start=1):
            if stop.requests:
                break
            label = f"[{number}/{len(plan.notebooks)}] {notebook.stem}"
            with Progress(label) as progress:
                journal = _run_one(plan, notebook, stop, progress)
                progress.done(journal["state"], journal["seconds"])
            entry |= {key: journal[key] for key in ("state", "seconds", "cells", "failure")}
            manifest["seconds"] = round(time.monotonic() - began, 2)
            _print_failure(notebook, journal)
            with suppress(CourseError):  # a full disk may have room again at the end
                report.write(plan.out, manifest)
        ok = all(entry["state"] == "ok" for entry in manifest["notebooks"])
        manifest["state"] = "interrupted" if stop.requests else "ok" if ok else "failed"
        report.write(plan.out, manifest)
    print(f"Result page: {plan.out / 'index.html'}")
    if stop.requests:
        return 128 + (stop.signum or signal.SIGINT)
    return 0 if ok else 1


def _manifest(plan: Plan) -> dict:
    return {
        "state": "running",
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": 0.0,
        "profile": plan.profile,
        "seed": plan.seed,
        "mirror": str(plan.mirror) if plan.mirror else None,
        "timeout": plan.timeout,
        "environment": environment(),
        "notebooks": [
            {
                "slug": notebook.stem,
                "notebook": str(notebook),
                "state": "not run",
                "seconds": None,
                "expected_minutes": _expected_minutes(plan, notebook.stem),
                "cells": None,
                "failure": None,
            }
            for notebook in plan.notebooks
        ],
        "data": [],
    }


def _expected_minutes(plan: Plan, slug: str) -> float | None:
    """Return what the notebook took the last time in this folder, under the same profile."""
    last = _read_json(plan.out / slug / "journal.json")
    if last.get("state") == "ok" and last.get("parameters", {}).get("PROFILE") == plan.profile:
        return round(last["seconds"] / 60, 2)
    return None


def _run_one(plan: Plan, notebook: Path, stop: Stop, progress: Progress) -> dict:
    """Execute one notebook in a worker process; return its journal."""
    slug, folder, records = notebook.stem, plan.out / notebook.stem, plan.out / "records"
    job = {
        "notebook": str(notebook),
        "folder": str(folder),
        "slug": slug,
        "parameters": {"PROFILE": plan.profile, "SEED": plan.seed},
        "timeout": plan.timeout,
    }
    began = time.monotonic()
    try:
        _clear(folder, slug, records / slug)
        with (
            tempfile.TemporaryDirectory(prefix="cifarlib-", ignore_cleanup_errors=True) as scratch,
            open(folder / "log.txt", "wb") as log,
        ):
            job["scratch"] = scratch
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cifarlib.course.worker", json.dumps(job)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | _variables(plan, records / slug, scratch),
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the worker
            )
            answer = _wait(process, folder, stop, progress)
            _kill_leftovers(scratch)
    except OSError as error:
        return _not_started(job, f"Could not start in {folder}: {error.strerror or error}.")
    try:
        journal = json.loads(answer)
    except ValueError:
        journal = _unfinished(job, process.returncode, stop, began)
    if journal["state"] == "died":
        journal["failure"]["traceback"] += _log_tail(folder)
    return journal


def _variables(plan: Plan, records: Path, scratch: str) -> dict[str, str]:
    """Return the environment variables that tell a notebook how it is run."""
    mirror = {} if plan.mirror is None else {"CIFARLIB_MIRROR": str(plan.mirror)}
    return mirror | {
        "CIFARLIB_PROFILE": plan.profile,
        "CIFARLIB_RECORDS": str(records),
        "CIFARLIB_QUIET": "1",
        "CIFARLIB_SCRATCH": scratch,
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }


def _not_started(job: dict, text: str) -> dict:
    """Return the journal of a notebook for which not even its folder could be prepared."""
    text = f"{text} Free some space or choose another folder with --out."
    failure = {"cell": 0, "execution_count": None, "source": "", "traceback": text}
    return Journal(job).facts | {"state": "failed", "failure": failure}


def _wait(process: subprocess.Popen, folder: Path, stop: Stop, progress: Progress) -> bytes:
    """Wait for the worker's answer; on a stop, ask it to end, then make it end."""
    deadline = None
    while True:
        try:
            return process.communicate(timeout=0.2)[0]
        except subprocess.TimeoutExpired:
            journal = _read_json(folder / "journal.json")
            progress.update(journal.get("cell", 0), journal.get("cells"))
        if stop.requests and deadline is None:
            deadline = time.monotonic() + GRACE_SECONDS
            process.terminate()
        elif deadline is not None and (stop.requests > 1 or time.monotonic() > deadline):
            process.kill()


def _kill_leftovers(scratch: str) -> None:
    """Kill what the worker, its kernel or the notebook left running.

    Processes are known by a variable they inherit, as orphans no longer have our ancestry.
    """
    import psutil

    for _ in range(5):  # a process that is being killed may just have started another
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get("CIFARLIB_SCRATCH") == scratch:
                    process.kill()
                    found.append(process)
        if not found:
            return
        psutil.wait_procs(found, timeout=5)


def _unfinished(job: dict, exit_code: int, stop: Stop, began: float) -> dict:
    """Complete the journal of a worker that ended without an answer."""
    folder, slug = Path(job["folder"]), job["slug"]
    journal = Journal(job, began)
    journal.facts |= _read_json(journal.path)
    cell = journal.facts["cell"]
    if stop.requests:
        state, text = "interrupted", "The run was stopped while this cell was at work."
    else:
        state, text = "died", f"The notebook's own process ended (exit code {exit_code})."
    failure = {"cell": cell, "execution_count": None, "source": "", "traceback": text}
    keep_partial(folder, slug, state, failure)
    with suppress(CourseError):
        journal.update(state=state, failure=failure)
    return journal.facts


def _clear(folder: Path, slug: str, records: Path) -> None:
    """Make the folders; remove what an earlier run of the same notebook left, nothing else."""
    old = [folder / name for name in ("journal.json", f"{slug}.ipynb", f"{slug}.html", "log.txt")]
    old += [partial_path(folder, slug), records / "results.jsonl", records / "data.jsonl"]
    folder.mkdir(parents=True, exist_ok=True)
    records.mkdir(parents=True, exist_ok=True)
    for path in old:
        path.unlink(missing_ok=True)


def _print_failure(notebook: Path, journal: dict) -> None:
    failure = journal["failure"]
    if failure is None:
        return
    where = f" at cell {failure['cell']}" if failure["cell"] else ""
    count = f" (In [{failure['execution_count']}])" if failure["execution_count"] else ""
    head = [f"    {line}" for line in failure["source"].splitlines()[:8]]
    print(
        f"\n{notebook.name}: {journal['state']}{where}{count}",
        *head,
        failure["traceback"].rstrip(),
        "",
        sep="\n",
        file=sys.stderr,
    )


def _log_tail(folder: Path) -> str:
    try:
        text = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    lines = text.splitlines()[-LOG_LINES:]
    return "\n\nEnd of log.txt:\n" + "\n".join(lines) if lines else ""


def _read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


@contextmanager
def _stop_signals() -> Iterator[Stop]:
    """Note SIGINT, SIGTERM and SIGHUP instead of dying of them; leave ignored ones ignored."""
    stop = Stop()

    def note(signum: int, _frame: object) -> None:
        stop.signum = stop.signum or signum
        stop.requests += 1

    before = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signum = getattr(signal, name, None)
        if signum is not None and signal.getsignal(signum) is not signal.SIG_IGN:
            with suppress(ValueError):  # not in the main thread
                before[signum] = signal.signal(signum, note)
    try:
        yield stop
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
