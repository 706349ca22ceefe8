"""Trying a student's function on several inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from cifarlib.checks.compare_values import brief, compare, plain, same
from cifarlib.checks.outcomes import NotAttempted, Wrong

Case = tuple[Any, ...]
Function = Callable[..., Any]


def same_results(
    name: str,
    function: Any,
    right: Function,
    cases: Iterable[Case],
    mistakes: Sequence[tuple[str, Function]] = (),
    *,
    tolerance: float = 1e-6,
) -> list[Any]:
    """Compare a student's function with the right one, input by input.

    Args:
        name: how the function is called in the task.
        right: gives the right answer to a case.
        cases: the positional arguments of each call.
        mistakes: what to say about well-known slips, each with a function that makes it.

    Returns:
        The student's results, as plain data.

    Raises:
        NotAttempted: it gives None, or raises NotImplementedError.
        Wrong: it is no function, stops with an error, or gives something else.
    """
    cases = list(cases)
    given = results(name, function, cases)
    needed = [plain(right(*deepcopy(case)), "the right answer") for case in cases]
    if not _all_same(given, needed, tolerance):
        for remark, slip in mistakes:
            slips = [plain(slip(*deepcopy(case)), "a slip") for case in cases]
            if _all_same(given, slips, tolerance):
                wrong = next(i for i, g in enumerate(given) if not same(g, needed[i], tolerance))
                raise Wrong(f"{call_text(name, cases[wrong])} is {brief(given[wrong])}. {remark}")
        is_kind = type(given[0]) is type(needed[0])
        if len(cases) > 1 and is_kind and _constant(given) and not _constant(needed):
            raise Wrong(
                f"`{name}` gives {brief(given[0])} whatever it is called with. "
                "Let it work out its answer from its arguments."
            )
    for case, g, n in zip(cases, given, needed, strict=True):
        compare(g, n, call_text(name, case), tolerance=tolerance)
    return given


def results(name: str, function: Any, cases: Sequence[Case]) -> list[Any]:
    """Call a student's function with each case, and return what it gives as plain data.

    Each call gets copies, so the function cannot change what it is judged by.

    Raises:
        NotAttempted, Wrong: as `same_results`.
    """
    if not callable(function):
        raise Wrong(f"`{name}` is {brief(function)}. Needed is a function: `def {name}(...):`.")
    found = [_call(name, function, case) for case in cases]
    if all(value is None for value in found):
        raise NotAttempted(
            f"`{name}` gives back None. Write its body, and end it with `return ...`."
        )
    return [plain(g, call_text(name, case)) for g, case in zip(found, cases, strict=True)]


def call_text(name: str, case: Case) -> str:
    """Return a call as code, with long arguments shortened."""
    return f"`{name}({', '.join(_argument(argument) for argument in case)})`"


def _call(name: str, function: Function, case: Case) -> Any:
    try:
        return function(*deepcopy(case))
    except NotImplementedError:
        raise NotAttempted(f"`{name}` is not written yet.") from None
    except RecursionError:
        reason = "calls itself without end (RecursionError)"
    except KeyboardInterrupt:
        reason = "was stopped by you. Is there a loop that never ends?"
    except BaseException as error:
        reason = f"stops with {type(error).__name__}: {error}"
    raise Wrong(f"{call_text(name, case)} {reason}")


def _argument(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.size <= 12 and value.ndim == 1:
            return f"np.array({value.tolist()})"
        return f"<{value.dtype} array {value.shape}>"
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:150]} ..."


def _all_same(given: list[Any], other: list[Any], tolerance: float) -> bool:
    return all(same(g, o, tolerance) for g, o in zip(given, other, strict=True))


def _constant(values: list[Any]) -> bool:
    return all(same(value, values[0], 1e-12) for value in values[1:])
