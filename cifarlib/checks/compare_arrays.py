"""Comparing arrays, and looking at a split of data."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifarlib.checks.outcomes import Wrong


def compare_arrays(
    given: np.ndarray, needed: np.ndarray, what: str, *, tolerance: float = 1e-6
) -> None:
    """Compare shape, type and numbers of two arrays.

    Raises:
        Wrong: they differ. The message knows one-hot labels and exchanged axes.
    """
    if given.shape != needed.shape:
        raise Wrong(
            f"{what} has shape {given.shape}. It must be {needed.shape}." + _shape(given, needed)
        )
    if given.dtype != needed.dtype:
        raise Wrong(f"{what} holds {given.dtype}. It must hold {needed.dtype}.")
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise Wrong(f"{what} holds {np.sum(~np.isfinite(given)):,} values that are no numbers.")
    differs = ~np.isclose(given, needed, rtol=tolerance, atol=tolerance)
    if differs.any():
        place = tuple(int(i) for i in np.argwhere(differs)[0])
        raise Wrong(
            f"{what}: {differs.sum():,} of {given.size:,} values differ. The first is at {place}: "
            f"{given[place]:.6g}, but it must be {needed[place]:.6g}."
            + _range(given, needed)
            + _axes(given, needed)
        )


def split_parts(train: Any, validation: Any, n: int, what: str = "image") -> None:
    """Check two index arrays that part the numbers 0 to n - 1: none twice, none lost.

    Raises:
        Wrong: they are no index arrays, share indices (a leak), or leave some out.
    """
    for name, part in (("training", train), ("validation", validation)):
        if type(part) is not np.ndarray or part.ndim != 1 or part.dtype.kind not in "iu":
            is_array = hasattr(part, "dtype")
            given = f" It has shape {part.shape} and type {part.dtype}." if is_array else ""
            raise Wrong(
                f"The {name} part must be a one-dimensional array of whole numbers (indices)."
                + given
            )
        if part.size and not (part.min() >= 0 and part.max() < n):
            raise Wrong(f"The {name} part has indices outside 0 to {n - 1}.")
        if len(np.unique(part)) != len(part):
            raise Wrong(f"The {name} part has {len(part) - len(np.unique(part)):,} {what}s twice.")
    shared = len(np.intersect1d(train, validation))
    if shared:
        raise Wrong(f"Your validation set shares {shared:,} {what}s with training: a leak.")
    lost = n - len(train) - len(validation)
    if lost:
        raise Wrong(f"{lost:,} of {n:,} {what}s are in neither part.")


def _shape(given: np.ndarray, needed: np.ndarray) -> str:
    if needed.ndim == 1 and given.ndim == 2 and len(given) == len(needed):
        if given.shape[1] > 1 and set(np.unique(given)) <= {0, 1} and (given.sum(1) == 1).all():
            return " These are one-hot rows; needed are the class numbers themselves."
        if given.shape[1] == 1:
            return " One axis too many: `x[:, 0]` or `x.ravel()` takes it away."
    if sorted(given.shape) == sorted(needed.shape):
        return " The axes are in another order."
    if given.shape == needed.shape[:-1]:
        return " The last axis, the channels, is missing."
    return ""


def _range(given: np.ndarray, needed: np.ndarray) -> str:
    if not np.isclose(given.max(), needed.max()) or not np.isclose(given.min(), needed.min()):
        return (
            f" Your values go from {given.min():.4g} to {given.max():.4g}; "
            f"the right ones from {needed.min():.4g} to {needed.max():.4g}."
        )
    return ""


def _axes(given: np.ndarray, needed: np.ndarray) -> str:
    for first in range(given.ndim):
        for second in range(first):
            turned = given.swapaxes(first, second)
            if turned.shape == needed.shape and np.allclose(turned, needed):
                return f" Axes {second} and {first} are exchanged."
    return ""
