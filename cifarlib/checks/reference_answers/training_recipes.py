"""Right answers to the tasks on a fast recipe, wrong ones that are easily given, two properties."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from cifarlib._support.keras_layers import chain
from cifarlib.checks.outcomes import Wrong
from cifarlib.data import synthetic_data

if TYPE_CHECKING:
    import keras


def rows(labels: Any, n: int, right: float, others: float) -> np.ndarray:
    return np.where(np.eye(n)[labels] == 1, right, others).astype(np.float32)


def smoothed(labels: Any, n: int, s: float) -> np.ndarray:
    return rows(labels, n, 1 - s + s / n, s / n)


def rate(step: int, n: int, batch: int, epochs: int, peak: float, **slip: Any) -> float:
    steps = slip.get("steps", epochs * math.ceil(n / batch))
    up = steps // 5
    if step < up:
        return peak * slip.get("rise", lambda done: 0.2 + 0.8 * done)(step / up)
    done = step / steps if slip.get("from_zero") else (step - up) / (steps - up)
    fall = slip.get("fall", lambda done: (1 + math.cos(math.pi * done)) / 2)
    return float(peak * fall(done))


def turned(images: np.ndarray, epoch: int, first: Any, *, by: int = 1) -> np.ndarray:
    turns = (np.asarray(first) + epoch) * by
    pairs = zip(images, turns, strict=True)
    return np.array([np.rot90(image, turn % 4) for image, turn in pairs], dtype=np.uint8)


def mirrored(images: np.ndarray, epoch: int, first: Any) -> np.ndarray:
    odd = (np.asarray(first) + epoch) % 2 == 1
    return np.where(odd[:, None, None, None], images[:, :, ::-1], images)


def patches(draw: tuple[int, int]) -> np.ndarray:
    """Return 2x2 patches of drawn shapes, (n, 12); or, for other sizes, random numbers."""
    seed, size = draw
    random = np.random.RandomState(seed)
    if size != 12:
        return random.randn(1500, size) @ random.randn(size, size) + 5 * random.randn(size)
    images = synthetic_data.more_shapes(30, seed)[0].astype(float)
    windows = np.lib.stride_tricks.sliding_window_view(images, (2, 2), axis=(1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 12)
    return patches[random.permutation(len(patches))[:3000]]


def whitened(patches: np.ndarray, filters: np.ndarray, text: str) -> None:
    """Raise Wrong unless patches @ filters have variances of 1 and no covariances."""
    found, eye = np.cov((patches @ filters).T), np.eye(len(filters))
    if np.allclose(found, eye, atol=0.01):
        return
    spread, answers = np.linalg.eigvalsh(np.cov(patches.T)), patches @ filters
    variances = np.sort(np.diag(found))
    if np.allclose(answers.T @ answers / len(patches), eye, atol=0.01):
        remark = "You made the mean of the squares 1. A variance is counted from the mean."
    elif np.allclose(np.cov((patches @ filters.T).T), eye, atol=0.01):
        remark = "The right filters lie in rows here. Each must be a column."
    elif np.allclose(found, np.diag(np.diag(found)), atol=0.01 * variances[-1]):
        remark = f"The answers have variances from {variances[0]:.3g} to {variances[-1]:.3g}, not 1"
        slips = {"they were turned, not stretched": spread, "divide by the root": 1 / spread,
                 "divide, do not multiply": spread**2}  # fmt: skip
        why = [slip for slip, v in slips.items() if np.allclose(np.sort(v), variances, rtol=0.02)]
        remark += f": {why[0]}." if why else "."
    else:
        i, j = np.unravel_index(np.abs(found - np.diag(np.diag(found))).argmax(), found.shape)
        remark = f"Answers {min(i, j)} and {max(i, j)} have covariance {found[i, j]:.3g}, not 0."
    raise Wrong(f"{text} does not whiten `patches @ filters`. {remark}")


def parts_in_place(name: str, model: keras.Model, first_filters: Any) -> None:
    """Raise Wrong unless the first convolution is given and frozen, and BatchNorm as asked for."""
    found = chain(model)
    first = next(layer for layer in found if type(layer).__name__ == "Conv2D")
    kernel, bias = first.get_weights()
    place = f"The first convolution of `{name}`"
    if kernel.shape != np.shape(first_filters) or not np.allclose(kernel, first_filters, atol=1e-5):
        state = "is not frozen, and has learned" if first.trainable else "has other filters"
        raise Wrong(f"{place} {state}. Needed are those of `first_filters`, to the end.")
    if np.abs(bias).max() > 1e-5:
        raise Wrong(f"{place} has biases that are not zero.")
    if first.trainable:
        raise Wrong(f"{place} is not frozen: it would learn.")
    for layer in found:
        if type(layer).__name__ == "BatchNormalization":
            for setting, needed in (("momentum", 0.6), ("scale", False)):
                if getattr(layer, setting) != needed:
                    given = f"{setting}={getattr(layer, setting)}"
                    raise Wrong(f"A BatchNormalization of `{name}` has {given}. Needed: {needed}.")


Points = dict[str, tuple[float, float]]


def unbeaten(points: Points, beats: Callable[[tuple, tuple], bool] | None = None) -> list[str]:
    """Return the names that no other one beats, by seconds; `beats` says what that means."""

    def either(a: tuple, b: tuple) -> bool:
        return a[0] <= b[0] and a[1] >= b[1] and a != b

    beats = beats or either
    found = [n for n, p in points.items() if not any(beats(q, p) for q in points.values())]
    return sorted(found, key=lambda name: points[name][0])


Judge = Callable[[np.ndarray, np.ndarray], bool]


def loss_interval(whole: np.ndarray, without: np.ndarray, factor: float | None = None) -> tuple:
    """Return the ends of the 95 % interval of the mean of whole - without, in pairs."""
    losses = whole - without
    factor = factor or stats.t.ppf(0.975, len(losses) - 1)
    reach = factor * stats.sem(losses)
    return losses.mean() - reach, losses.mean() + reach


def kept(whole: list[float], without: dict[str, list[float]], judge: Judge | None = None) -> list:
    """Return the parts that `judge` keeps, by the mean of what is lost without them."""
    judge = judge or (lambda a, b: loss_interval(a, b)[0] > 0)
    loss = {part: np.mean(np.subtract(whole, values)) for part, values in without.items()}
    found = [p for p, values in without.items() if judge(np.array(whole), np.array(values))]
    return sorted(found, key=lambda part: -loss[part])
