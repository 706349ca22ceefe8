"""What a data set is: images, labels, their split, and where the bytes came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np


class Arrays(NamedTuple):
    """Images uint8 `(n, height, width, channels)`, labels int32 `(n,)`."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class Provenance:
    """Where a data set's bytes came from.

    `source` is "mirror", "keras cache", "download", "embedded" or "folder"; `digest` the
    SHA-256 over the arrays that were read; `exact` True for content proven equal to the
    official release, False for any other copy of it, None where there is no release; `note`
    a sentence for readers, or "".
    """

    dataset: str
    source: str
    location: str
    digest: str
    exact: bool | None
    note: str = ""

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """Images and labels for training, validation and testing, and where they came from.

    Images are uint8 `(n, height, width, channels)`, labels int32 `(n,)` counting from 0 in
    the order of `class_names`. `title` is for people and says so where data is a stand-in.
    """

    name: str
    title: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    split: str
    provenance: Provenance

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return self.x_train.shape[1:]

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    def as_dict(self) -> dict:
        """Return what a record of a result needs: sizes, split and origin, no arrays.

        The origin's path is left out: it is one machine's business; the digest tells copies apart.
        """
        origin = self.provenance.as_dict()
        del origin["location"]
        return {
            "name": self.name,
            "title": self.title,
            "split": self.split,
            "n_train": len(self.x_train),
            "n_val": len(self.x_val),
            "n_test": len(self.x_test),
            "input_shape": list(self.input_shape),
            "class_names": list(self.class_names),
            "provenance": origin,
        }

    def __repr__(self) -> str:
        exact = {True: " (bit-exact)", False: " (not bit-exact)", None: ""}
        return (
            f"{self.title}: {len(self.x_train):,} train, {len(self.x_val):,} val, "
            f"{len(self.x_test):,} test images of {'x'.join(map(str, self.input_shape))}, "
            f"{self.n_classes} classes, split {self.split!r}, "
            f"from {self.provenance.source}{exact[self.provenance.exact]}"
        )
