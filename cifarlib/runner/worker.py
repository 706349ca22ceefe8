"""Run one notebook in a process of its own: `python -m cifarlib.runner.worker JOB`.

JOB is a `cifarlib.runner.job.Job` as JSON. We prepare what we can, begin when a line comes on
stdin, and end if stdin ends before that.

The journal tells at any moment how far the notebook is; its last state is also printed, so that it
arrives even when the disk is full. If the parent ends the notebook because of a limit, it says so
beforehand in the job's `verdict` file.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from cifarlib.errors import CourseError
from cifarlib.runner import kernel_prestart
from cifarlib.runner.job import Job
from cifarlib.runner.journal import Journal, file_states, keep_partial, partial_path
from cifarlib.runner.processes import kill_leftovers

KERNEL_START_SECONDS = 180
OUTPUT_WAIT_SECONDS = 60  # nbclient's 4 s give false alarms on a busy machine
ORPHAN_SECONDS = 20  # for a notebook to end in order after its parent has gone
MOST_TEXT = 20_000  # characters of a traceback or a cell's source in a journal


def execute(job: Job, waiting: subprocess.Popen | None = None) -> dict:
    """Run the notebook of `job`, write its results, and return its journal.

    Args:
        waiting: a process that can become the kernel (see `cifarlib.runner.kernel_prestart`).
    """
    from cifarlib.runner.notebook_page import page_digest, write_page

    folder, slug = job.folder, job.slug
    journal = Journal(job)
    page = None
    files: dict[str, list] = {}
    try:
        journal.update(cells=_count_cells(job.notebook))
        state, failure = _run_cells(job, journal, waiting)
        if keep_partial(folder, slug, state, failure):
            write_page(folder, slug)
            page = page_digest()
            files = file_states(job.group, slug) if state == "ok" else {}
        elif state == "ok":
            raise CourseError(f"The executed notebook could not be written into {folder}.")
    except (OSError, CourseError) as error:
        state, failure = "failed", _failure(journal, [_say(error, folder)])
        keep_partial(folder, slug, state, failure)
    except Exception:
        state, failure = "failed", _failure(journal, [traceback.format_exc()])
        keep_partial(folder, slug, state, failure)
    with suppress(CourseError):  # a full disk: the caller still gets the facts
        journal.update(state=state, failure=failure, files=files, page=page)
    return journal.facts


def _prepare(job: Job) -> subprocess.Popen | None:
    """Start a kernel's process and import what we need; return the process, if there is one."""
    process = kernel_prestart.start(job.imports, job.scratch) if os.name == "posix" else None
    # jsonschema would spend a second on the grammar of addresses, which no notebook's schema has.
    sys.modules["rfc3987_syntax"] = None
    import nbconvert  # noqa: F401
    from papermill import execute_notebook  # noqa: F401

    return process


def _run_cells(
    job: Job, journal: Journal, waiting: subprocess.Popen | None
) -> tuple[str, dict | None]:
    """Execute with papermill; return the state and, if it went wrong, where and why."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    from cifarlib.runner.bounded_output import ENGINE
    from cifarlib.runner.kernel import CourseKernelManager

    manager = CourseKernelManager(waiting=waiting)
    cell_now: dict[str, Any] = {}
    raised: list[dict] = []

    def at_cell_start(cell: Any, cell_index: int) -> None:
        tags = cell.metadata.get("tags", [])
        cell_now["injected"] = cell_now.get("injected", 0) + ("injected-parameters" in tags)
        cell_now["source"] = cell.source
        journal.update(cell=cell_index + 1 - cell_now["injected"])

    def at_cell_error(cell: Any, cell_index: int, execute_reply: dict) -> None:
        if "raises-exception" not in cell.metadata.get("tags", []):
            reply = execute_reply["content"]
            lines = reply.get("traceback") or [f"{reply.get('ename')}: {reply.get('evalue')}"]
            raised.append(_failure(journal, lines, cell.source, cell.get("execution_count")))

    try:
        execute_notebook(
            _literal(job.notebook),
            _literal(partial_path(job.folder, job.slug)),
            parameters=job.parameters,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            cwd=str(job.notebook.parent),
            start_timeout=KERNEL_START_SECONDS,
            execution_timeout=job.timeout,
            iopub_timeout=OUTPUT_WAIT_SECONDS,
            kernel_manager=manager,
            on_cell_start=at_cell_start,
            on_cell_error=at_cell_error,
            engine_name=ENGINE,
        )
    except PapermillExecutionError:
        pass  # at_cell_error knows better: it tells intended errors from others
    except CellTimeoutError:
        text = f"This cell ran longer than the {job.timeout:g} seconds allowed (--timeout)."
        return "timeout", _failure(journal, [text], cell_now.get("source", ""))
    except KeyboardInterrupt:
        text = "The run was stopped while this cell was at work."
        state, text = _verdict(job) or ("interrupted", text)
        return state, _failure(journal, [text], cell_now.get("source", ""))
    except RuntimeError as error:  # DeadKernelError, or a kernel that never came up
        if not isinstance(error, DeadKernelError) and "died" not in str(error):
            raise
        state, text = _verdict(job) or ("died", _death(manager.exit_code))
        return state, _failure(journal, [text], cell_now.get("source", ""))
    return ("failed", raised[-1]) if raised else ("ok", None)


def _verdict(job: Job) -> tuple[str, str] | None:
    """Return state and reason if the parent has ended the notebook because of a limit."""
    try:
        verdict = json.loads(job.verdict.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return verdict["state"], verdict["text"]


def _count_cells(notebook: Path) -> int:
    import nbformat

    try:
        return len(nbformat.read(notebook, as_version=4).cells)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, AttributeError) as error:
        raise CourseError(
            f"{notebook} is no notebook that can be read ({str(error).splitlines()[0][:80]}). "
            "Open and save it in JupyterLab, or take it out of version control again."
        ) from error


def _literal(path: Path | str) -> str:
    """Protect braces in a path, which papermill would take for placeholders."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _failure(
    journal: Journal, lines: list[str], source: str = "", execution_count: int | None = None
) -> dict:
    """Describe what went wrong; `cell` counts the notebook's own cells from 1."""
    from nbconvert.filters import strip_ansi

    return {
        "cell": journal.facts["cell"],
        "execution_count": execution_count,
        "source": _shortened(source),
        "traceback": _shortened(strip_ansi("\n".join(lines))),
    }


def _shortened(text: str) -> str:
    half = MOST_TEXT // 2
    return text if len(text) <= MOST_TEXT else f"{text[:half]}\n[...]\n{text[-half:]}"


def _say(error: Exception, folder: Path) -> str:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"No space left for {folder}. Free some space, then run this notebook again."
    return str(error)


def _death(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = " Often the machine ran out of memory." if name == "SIGKILL" else ""
        return f"The kernel was killed by {name} while this cell was at work.{hint}"
    return f"The kernel ended (exit code {exit_code}) while this cell was at work."


def _stop_with(parent: int, scratch: Path) -> None:
    """Interrupt this process when `parent` has gone; end it if that does not help."""
    import _thread

    import psutil

    with suppress(psutil.Error):
        psutil.Process(parent).wait()
    if os.name == "posix":
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        _thread.interrupt_main()
    time.sleep(ORPHAN_SECONDS)
    _tidy_up(scratch)
    os._exit(1)


def _tidy_up(scratch: Path) -> None:
    """Do what the parent does after a notebook, now that it has gone."""
    kill_leftovers(scratch)
    shutil.rmtree(scratch, ignore_errors=True)


def main() -> None:
    """Run the job given as the only argument."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    job = Job.from_json(sys.argv[1])
    tempfile.tempdir = str(job.scratch)
    logging.basicConfig(level=logging.WARNING)
    # The kernel inherits stdout: send what it prints to the log, keep the pipe for the answer.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    threading.Thread(target=_stop_with, args=(job.parent, job.scratch), daemon=True).start()
    try:
        waiting = _prepare(job)
        begin = sys.stdin.readline()
    except KeyboardInterrupt:
        return
    if not begin:
        return
    with answer:
        facts = execute(job, waiting)
        if os.getppid() == job.parent:
            json.dump(facts, answer)
        else:
            _tidy_up(job.scratch)
            os._exit(1)  # there is no reader for the answer, nor for a complaint about that


if __name__ == "__main__":
    main()
