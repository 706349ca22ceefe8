"""The course's data sets, split and with their origin.

>>> data = load("cifar10")
>>> data.x_train.shape, data.y_train.shape
((45000, 32, 32, 3), (45000,))
"""

from __future__ import annotations

import os

import numpy as np

from cifarlib.data.dataset import Arrays, Dataset
from cifarlib.data.sources import Raw, arrays
from cifarlib.data.splits import SPLITS, split_indices, stratified_sample
from cifarlib.errors import CourseError

DATASETS = ("mnist", "cifar10", "cats_vs_dogs")
_CAT, _DOG = 3, 5  # CIFAR-10's labels


def load(
    name: str,
    *,
    source: str = "auto",
    split: str = "stratified",
    n_train: int | None = None,
    seed: int = 0,
    mirror: str | os.PathLike | None = None,
) -> Dataset:
    """Load "mnist", "cifar10", or "cats_vs_dogs" (CIFAR-10's cats, 0, and dogs, 1).

    Args:
        source: "auto" (mirror, then Keras's cache, then download), "mirror", "cache",
            "download", or "embedded" for a small stand-in that needs no network.
        split: how validation images are chosen; `cifarlib.data.splits` has the table.
        n_train: train on at most this many images, the same share of each class. Validation
            and test images stay as they are.
        seed: decides the split and the choice of the `n_train` images.
        mirror: a folder in Keras's cache layout, instead of CIFARLIB_MIRROR.

    Raises:
        CourseError: an unknown name, source or split, an `n_train` too small to have every
            class in it, or data that is damaged or nowhere to be had.
    """
    if name not in DATASETS:
        raise CourseError(
            f"There is no data set {name!r}. Choose one of: {', '.join(DATASETS)}; "
            "or use load_folder(path) for images of your own."
        )
    if split not in SPLITS:
        raise CourseError(f"There is no split {split!r}. Choose one of: {', '.join(SPLITS)}.")
    raw = arrays("cifar10" if name == "cats_vs_dogs" else name, source, mirror)
    if name == "cats_vs_dogs":
        raw = _two_classes(raw)
    x_train, y_train, x_test, y_test = raw.arrays
    share = 0.2 if name == "cats_vs_dogs" else 0.1
    train, val = split_indices(split, y_train, seed, share)
    train = _at_most(n_train, train, y_train, seed)
    return Dataset(
        name=name,
        title=raw.title,
        x_train=x_train[train],
        y_train=y_train[train],
        x_val=x_train[val],
        y_val=y_train[val],
        x_test=x_test,
        y_test=y_test,
        class_names=raw.class_names,
        split=split,
        provenance=raw.provenance,
    )


def _at_most(n_train: int | None, train: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Return the indices `train`, or `n_train` of them with the same share of each class."""
    if n_train is None:
        return train
    n_classes = len(np.unique(labels))
    if isinstance(n_train, bool) or not isinstance(n_train, int | np.integer):
        raise CourseError(f"n_train is {n_train!r}; expected a whole number or None for all.")
    if n_train < n_classes:
        raise CourseError(
            f"n_train is {n_train}; it must be at least {n_classes}, one image for each class."
        )
    if n_train >= len(train):
        return train
    return train[stratified_sample(labels[train], int(n_train), np.random.RandomState(seed))]


def _two_classes(raw: Raw) -> Raw:
    """Keep the images with CIFAR-10's labels for cats and dogs, as 0 and 1."""
    x_train, y_train, x_test, y_test = raw.arrays
    train, test = np.isin(y_train, (_CAT, _DOG)), np.isin(y_test, (_CAT, _DOG))
    names = (raw.class_names[_CAT], raw.class_names[_DOG])
    title = f"{raw.title}: {names[0]}s and {names[1]}s"
    if raw.provenance.source == "embedded":
        title = f"Drawn shapes: {names[0]} and {names[1]} (stand-in for CIFAR-10's cats and dogs)"
    chosen = Arrays(
        x_train[train],
        (y_train[train] == _DOG).astype(np.int32),
        x_test[test],
        (y_test[test] == _DOG).astype(np.int32),
    )
    return raw._replace(title=title, class_names=names, arrays=chosen)
