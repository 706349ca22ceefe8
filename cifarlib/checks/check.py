"""Feedback on answers, for exercise notebooks: `check.task`, `check.hint`, `check.progress`.

A test cell holds an import and a call, `check.task("02.conv_parameters")`. The check finds the
student's names in the globals of the cell that calls it, so a name that is missing is an outcome
and no NameError; it keeps no state, so it is right after a restart and in any order of cells, in
the student's kernel and in the referee's, which puts the same names there as plain data, proxies
of functions or rebuilt models (`names_in` says which). It shows its outcome and raises
`CheckFailed` unless the answer is right: a cell without a right answer fails whoever runs it, with
nothing switched on. `CheckFailed` shows no traceback, and test cells carry the tag `raises-
exception`, so that "Run All" goes on behind them. Hidden tests call the same check with other
inputs. Checks use plain data, calls with plain data and methods of `keras.Model`; they look
neither at the source nor at the identity of an answer.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Mapping
from typing import Any

from cifarlib.checks import tasks
from cifarlib.checks.outcomes import (
    CheckFailed,
    ExerciseProgress,
    Kind,
    NotAttempted,
    Outcome,
    Wrong,
)

__all__ = ["CheckFailed", "hint", "names", "names_in", "outcome", "progress", "task"]

_CALL = re.compile(r"""^\s*check\.task\(\s*["']([\w.]+)["']""", re.MULTILINE)
_HIDDEN = (
    "Right for the inputs that you see, but not for others. "
    "Does it hold for every input that the task allows?"
)


def task(name: str, /, **inputs: Any) -> None:
    """Check one task and show the outcome.

    Args:
        name: such as "02.conv_parameters".
        inputs: other inputs than the visible ones; hidden tests give them.

    Raises:
        CheckFailed: the answer is missing or wrong.
        CourseError: there is no such task.
    """
    found = outcome(name, sys._getframe(1).f_globals, **inputs)
    _show(found)
    if not found.passed:
        raise CheckFailed(found)


def hint(name: str, step: int = 1) -> None:
    """Show the first or the second hint for a task.

    Raises:
        CourseError: there is no such task.
    """
    hints = tasks.find(name).hints
    if not hints:
        print("There is no hint for a written answer.")
    elif step == 1:
        print(f'{hints[0]}\n(More: check.hint("{name}", 2))')
    else:
        print(hints[1])


def progress(number: str) -> None:
    """Run all checks of an assignment once more, and show how far it is.

    Raises:
        CourseError: there is no such assignment.
    """
    assignment, namespace = tasks.assignment(number), sys._getframe(1).f_globals
    with contextlib.redirect_stdout(io.StringIO()):
        outcomes = [outcome(f"{number}.{task.name}", namespace) for task in assignment.checked]
    written = sum(task.points for task in assignment.written)
    _show(ExerciseProgress(assignment.slug, outcomes, written))


def names(name: str) -> tuple[str, ...]:
    """Return the names that a student defines for a task, such as ("conv_parameters",)."""
    return tasks.find(name).names


def names_in(source: str) -> list[str]:
    """Return the student's names that the calls of `check.task` in a test cell look up."""
    return sorted({name for task in _CALL.findall(source) for name in names(task)})


def outcome(name: str, namespace: Mapping[str, Any], /, **inputs: Any) -> Outcome:
    """Return the outcome of one check, and show nothing.

    Whatever a student's code does, the result is an outcome. What student code prints on stderr
    is dropped, since nbgrader takes any such output for a failure.

    Args:
        namespace: holds the student's names.
        inputs: as in `task`.
    """
    found = tasks.find(name)

    def say(kind: Kind, message: str) -> Outcome:
        if inputs and kind is Kind.WRONG:
            return Outcome(name, kind, _HIDDEN, found.points, found.hints, detail=message)
        return Outcome(name, kind, message, found.points, found.hints)

    if found.function is None:
        return say(Kind.NOT_ATTEMPTED, "This is a written answer: a person reads it.")
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            note = found.function(*_answers(found, namespace), **inputs)
    except NotAttempted as reason:
        return say(Kind.NOT_ATTEMPTED, str(reason))
    except Wrong as reason:
        return say(Kind.WRONG, str(reason))
    except KeyboardInterrupt:
        return say(Kind.WRONG, "You stopped the check. Is there a loop that never ends?")
    except BaseException as error:
        return say(
            Kind.WRONG,
            f"The check could not deal with this answer ({type(error).__name__}: {error}). "
            "Compare with the task: what kind of value does it ask for?",
        )
    return say(Kind.NOTE, note) if note else say(Kind.RIGHT, "")


def _answers(found: tasks.Task, namespace: Mapping[str, Any]) -> list[Any]:
    """Return the student's values for a task, if all of them are there and fresh."""
    error = _error_of_the_cell_before(found.names)
    if error is not None:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise Wrong(
            f"The cell that you ran before this one stopped with {type(error).__name__}{line}: "
            f"{getattr(error, 'msg', error)}. So there is nothing new to check. "
            "Mend that cell and run it again, then this one."
        )
    for name in found.names:
        if name not in namespace:
            raise NotAttempted(
                f"There is no `{name}` yet. Write your answer in the cell above and run it. "
                "(After a restart of the kernel: Run > Run All Above Selected Cell.)"
            )
        if namespace[name] is None or namespace[name] is ...:
            raise NotAttempted(f"`{name}` is still empty. Write your answer in the cell above.")
    return [namespace[name] for name in found.names]


def _error_of_the_cell_before(names: tuple[str, ...]) -> BaseException | None:
    """Return why the cell that ran just before failed, if it was to define one of these names.

    Without this, an old right answer would hide that the new one does not even run.
    """
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    last = getattr(get_ipython(), "last_execution_result", None)
    if last is None:
        return None
    error = last.error_before_exec or last.error_in_exec
    if error is None or isinstance(error, CheckFailed):
        return None
    return error if _defines(last.info.raw_cell, names) else None


def _defines(code: str, names: tuple[str, ...]) -> bool:
    """Tell whether a line of code, which may be broken, defines or assigns one of the names."""
    either = "|".join(map(re.escape, names))
    patterns = (
        rf"^\s*def\s+({either})\b",
        rf"^\s*({either})\b[^=\n(]*=(?!=)",  # also `x, y = ...` and `x[0] += ...`
    )
    return any(re.search(pattern, code, re.MULTILINE) for pattern in patterns)


def _show(found: Outcome | ExerciseProgress) -> None:
    """Show it richly in a notebook, as text elsewhere."""
    if "IPython" in sys.modules:
        from IPython.display import display

        display(found)
    else:
        print(found)
