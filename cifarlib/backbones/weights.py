"""ImageNet weights: from a file into a network, checked, and with a note of their origin.

Only the old Keras HDF5 format is read, which holds numbers and names and nothing that could run.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cifarlib._support.digests import array_digest, file_digest
from cifarlib.data import sources
from cifarlib.data.imagenet import NETWORKS
from cifarlib.errors import CourseError

if TYPE_CHECKING:
    import keras

_OFFICIAL = {
    True: "the official file (its MD5 is the one that Keras asks for)",
    False: "not the official file (its MD5 is another), so not proven to be the official values",
    None: "not proven to be the official file: Keras publishes no checksum for it",
}


@dataclass(frozen=True)
class Weights:
    """Where a network's weights came from.

    Attributes:
        network: name, such as "VGG16".
        source: "mirror", "keras cache", "download" or "random".
        file: the file's name; "" for random weights.
        digest: SHA-256 over the weights of the whole network, uncut and before any training. The
            same values give the same digest, however their file was packed.
        exact: True for the official file, False for another one, None where Keras publishes no
            checksum, and for random weights.
        note: a sentence on where the file was looked for in vain, or "".
    """

    network: str
    source: str
    file: str
    digest: str
    exact: bool | None
    note: str = ""

    @property
    def is_random(self) -> bool:
        return self.source == "random"

    def as_dict(self) -> dict:
        return asdict(self)

    def __str__(self) -> str:
        if self.is_random:
            return (
                f"RANDOM WEIGHTS: this {self.network} has learned nothing. Figures from it show "
                "that the code runs, and are compared with no claim."
            )
        text = f"{self.network}, trained on ImageNet, from {self.source}: {_OFFICIAL[self.exact]}."
        return f"{text} {self.note}".strip()


def fill(network: keras.Model, name: str, mirror: str | os.PathLike | None = None) -> Weights:
    """Put the ImageNet weights of the network called `name` into `network`.

    Args:
        network: the whole network without its top, as `keras.applications` builds it.
        mirror: a folder in Keras's cache layout, instead of CIFARLIB_MIRROR.

    Raises:
        CourseError: the weights are nowhere to be had, or their file is damaged or belongs to
            another network.
    """
    facts = NETWORKS[name]
    path, place, note = sources.find(facts.item, mirror=mirror)
    try:
        network.load_weights(str(path))
        values = network.get_weights()
    except Exception as error:  # a damaged file can raise nearly anything
        first = (str(error).splitlines() or [""])[0][:200]
        what = f"it cannot be read ({first})" if isinstance(error, OSError) else first
        raise CourseError(_unusable(path, place, name, what)) from error
    for layer in network.layers:
        if any(_is_broken(value) for value in layer.get_weights()):
            what = f'its layer "{layer.name}" holds only zeros, or values that are no numbers'
            raise CourseError(_unusable(path, place, name, what))
    exact = None if facts.md5 is None else file_digest(path, "md5") == facts.md5
    return Weights(name, place, path.name, array_digest(tuple(values)), exact, note.strip())


def random(network: keras.Model, name: str) -> Weights:
    """Describe a network that keeps the random weights it was built with."""
    return Weights(name, "random", "", array_digest(tuple(network.get_weights())), None)


def _is_broken(value: np.ndarray) -> bool:
    """Say whether an array holds no numbers, or is a kernel of zeros: a file copied in part."""
    return not np.isfinite(value).all() or (value.ndim > 1 and not value.any())


def _unusable(path: Path, place: str, name: str, what: str) -> str:
    item = NETWORKS[name].item
    again = "ask for a whole mirror, or make one with `cifarlib data bundle FOLDER`"
    if place != "mirror":
        again = f"type `cifarlib data fetch {item}`"
    return (
        f"The file {path} does not hold the weights of {name} without its top: {what}. "
        f"It was damaged, cut short, or belongs to another network. Delete it, then {again}."
    )
