"""Students' values as plain data, and what is wrong with one that differs from what was needed.

Everything a check compares goes through `plain` first: numbers, texts, lists, tuples, dicts and
NumPy arrays, by their exact types. So an object with an `__eq__` of its own never decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cifarlib.checks.compare_arrays import compare_arrays
from cifarlib.checks.outcomes import Wrong

_SIMPLE = (int, float, bool, str, type(None))
_SCALARS = frozenset(np.sctypeDict.values())
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_KINDS |= {list: "a list", tuple: "a tuple", dict: "a dict", np.ndarray: "a NumPy array"}


def plain(value: Any, what: str) -> Any:
    """Return a copy of `value` in plain data; NumPy's numbers become Python's.

    Raises:
        Wrong: it is something else; `what` names it in the message.
    """
    kind = type(value)
    if kind in _SIMPLE:
        return value
    if kind in _SCALARS:
        return value.item()
    if kind is np.ndarray and value.dtype.kind in "biufU":
        return np.array(value)
    if kind in (list, tuple):
        return kind(plain(item, f"{what}[{i}]") for i, item in enumerate(value))
    if kind is dict:
        return {plain(k, f"a key of {what}"): plain(v, f"{what}[{k!r}]") for k, v in value.items()}
    raise Wrong(
        f"{what} is {brief(value)}. Needed is plain data: a number, a text, a list, a tuple, "
        "a dict or a NumPy array."
    )


def keyed(value: Any, keys: Iterable[str | int], what: str) -> dict:
    """Return a dict of plain data that has exactly these keys.

    Raises:
        Wrong: it is something else, or a key is missing or too many.
    """
    given, keys = plain(value, what), list(keys)
    if type(given) is not dict or set(given) != set(keys):
        known = ", ".join(f'"{key}"' if isinstance(key, str) else str(key) for key in keys)
        raise Wrong(f"{what} is {brief(given)}. It must be a dict with the keys {known}.")
    return given


def compare(given: Any, needed: Any, what: str, *, tolerance: float, reveal: bool = True) -> None:
    """Compare a plain value with the right one.

    Args:
        what: how messages call it, such as "`f(3)`".
        tolerance: greatest difference of floating-point numbers, absolute and relative.
        reveal: whether a message may say what was needed.

    Raises:
        Wrong: they differ.
    """
    _compare_types(given, needed, what)
    if isinstance(needed, np.ndarray):
        compare_arrays(given, needed, what, tolerance=tolerance)
    elif isinstance(needed, list | tuple):
        if len(given) != len(needed):
            raise Wrong(f"{what} has {len(given)} items. It must have {len(needed)}.")
        for i, (item, right) in enumerate(zip(given, needed, strict=True)):
            compare(item, right, f"{what}[{i}]", tolerance=tolerance, reveal=reveal)
    elif isinstance(needed, dict):
        _compare_keys(given, needed, what)
        for key, right in needed.items():
            compare(given[key], right, f"{what}[{key!r}]", tolerance=tolerance, reveal=reveal)
    elif not same(given, needed, tolerance):
        wanted = f"It must be {brief(needed)}." if reveal else _direction(given, needed)
        raise Wrong(f"{what} is {brief(given)}. {wanted}")


def same(given: Any, needed: Any, tolerance: float) -> bool:
    """Are two plain values, arrays among them, equal within the tolerance?"""
    if isinstance(given, np.ndarray) or isinstance(needed, np.ndarray):
        if type(given) is not type(needed) or given.shape != needed.shape:
            return False
        return bool(np.allclose(given, needed, rtol=tolerance, atol=tolerance))
    if isinstance(needed, list | tuple):
        return type(given) is type(needed) and (
            len(given) == len(needed)
            and all(same(a, b, tolerance) for a, b in zip(given, needed, strict=True))
        )
    if isinstance(needed, dict):
        return type(given) is dict and (
            given.keys() == needed.keys()
            and all(same(given[key], needed[key], tolerance) for key in needed)
        )
    if _is_number(given) and isinstance(needed, float):
        return math.isclose(given, needed, rel_tol=tolerance, abs_tol=tolerance)
    return type(given) is type(needed) and given == needed


def number(
    name: str,
    value: Any,
    needed: float,
    mistakes: Mapping[float, str] | None = None,
    *,
    tolerance: float = 1e-6,
) -> None:
    """Check one number that a student worked out. The message never says the right one.

    Args:
        needed: an int where only a whole number will do.
        mistakes: what to say about numbers that come from well-known slips.

    Raises:
        Wrong: it is another number, or none.
    """
    given = plain(value, f"`{name}`")
    _compare_types(given, needed, f"`{name}`")
    for wrong, remark in (mistakes or {}).items():
        if given == wrong or (type(given) is float and same(given, float(wrong), tolerance)):
            raise Wrong(f"`{name}` is {brief(given)}. {remark}")
    compare(given, needed, f"`{name}`", tolerance=tolerance, reveal=False)


def brief(value: Any) -> str:
    """Return a value in a few words, for a message."""
    if type(value) is np.ndarray:
        return f"an array of shape {value.shape} and type {value.dtype}"
    if type(value) in (*_SIMPLE, list, tuple, dict):
        text = repr(value)
        if type(value) is int:
            text = f"{value:,}" if abs(value) < 10**15 else "a huge number"
        return text if len(text) <= 90 else f"{text[:80]} ..."
    if callable(value):
        return "a function"
    return f"an object of type {type(value).__name__}"


def _compare_types(given: Any, needed: Any, what: str) -> None:
    if type(given) is type(needed) or (isinstance(needed, float) and _is_number(given)):
        return
    if type(needed) is int and type(given) is float:
        raise Wrong(
            f"{what} is {brief(given)}, a float. It must be a whole number (int): "
            "`//` divides without leaving the whole numbers, `round` and `int` give one."
        )
    raise Wrong(f"{what} is {brief(given)}. It must be {_KINDS.get(type(needed), 'None')}.")


def _compare_keys(given: dict, needed: dict, what: str) -> None:
    missing = [key for key in needed if key not in given]
    extra = [key for key in given if key not in needed]
    if missing:
        raise Wrong(f"{what} has no {', '.join(map(repr, missing))}.")
    if extra:
        raise Wrong(f"{what} has {', '.join(map(repr, extra))}, which it must not have.")


def _direction(given: Any, needed: Any) -> str:
    if not (_is_number(given) and _is_number(needed)):
        return "That is not it."
    if type(given) is float and math.isnan(given):
        return "That is no number: was something divided by zero?"
    return "That is too much." if given > needed else "That is too little."


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)
