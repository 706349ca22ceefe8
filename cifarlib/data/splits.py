"""How the published training images are parted into training and validation images.

| name | validation images | training images | shuffled with `seed` |
|---|---|---|---|
| stratified | 10 % (cats_vs_dogs 20 %), the same share of each class | all others | yes |
| R0-slice | last 30 % | **first 30 %**: the report's slip, 40 % are used nowhere | yes |
| R0-repaired | last 30 %, the same images as in R0-slice | all others | yes |
| R1-last-10 | last 10 % (Keras's `validation_split=0.1`) | all others | no |
| R2-last-20 | last 20 % (Keras's `validation_split=0.2`) | all others | no |
| R4-80-20 | 20 % (scikit-learn's `train_test_split(test_size=0.2)`) | all others | yes |

NumPy's `RandomState` is used because its stream is frozen: a seed means the same split in
every version.
"""

from __future__ import annotations

import math

import numpy as np

from cifarlib.errors import CourseError

SPLITS = ("stratified", "R0-slice", "R0-repaired", "R1-last-10", "R2-last-20", "R4-80-20")


def split_indices(
    split: str, labels: np.ndarray, seed: int = 0, share: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the training and of the validation images.

    Args:
        split: a name from the table above.
        labels: int `(n,)`, of the published training images.
        share: the part that "stratified" gives to validation.

    Raises:
        CourseError: there is no such split.
    """
    n = len(labels)
    random = np.random.RandomState(seed)
    if split == "stratified":
        validation = stratified_sample(labels, round(n * share), random)
        return np.setdiff1d(np.arange(n), validation, assume_unique=True), validation
    if split in ("R0-slice", "R0-repaired"):
        shuffled, n_validation = random.permutation(n), int(0.3 * n)
        n_train = n_validation if split == "R0-slice" else n - n_validation
        return shuffled[:n_train], shuffled[n - n_validation :]
    if split in ("R1-last-10", "R2-last-20"):
        keep = 0.9 if split == "R1-last-10" else 0.8
        return np.split(np.arange(n), [math.floor(n * keep)])
    if split == "R4-80-20":
        shuffled, n_validation = random.permutation(n), math.ceil(0.2 * n)
        return shuffled[n_validation:], shuffled[:n_validation]
    raise CourseError(f"There is no split {split!r}. Choose one of: {', '.join(SPLITS)}.")


def stratified_sample(labels: np.ndarray, size: int, random: np.random.RandomState) -> np.ndarray:
    """Return `size` indices in ascending order, each class drawn in its share, exact within 1."""
    classes, counts = np.unique(labels, return_counts=True)
    owed = counts * size  # in units of 1 / len(labels), so that no rounding is involved
    take = owed // len(labels)
    first = np.argsort(-(owed % len(labels)), kind="stable")  # the largest remainders round up
    take[first[: size - take.sum()]] += 1
    drawn = [
        random.permutation(np.flatnonzero(labels == label))[:number]
        for label, number in zip(classes, take, strict=True)
    ]
    return np.sort(np.concatenate(drawn))
