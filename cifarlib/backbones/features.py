"""What a frozen network makes of each image, computed once and kept on disk.

    base = backbones.load("VGG16", (32, 32, 3))
    small = features.dataset(base, data)      # x_train is now (n, 1, 1, 512)
    cifarlib.fit(head, small, epochs=100)     # `head` takes features; the base does not run again

A base that does not learn makes the same features of the same image in every epoch. They are kept
below the user's cache folder, or below CIFARLIB_CACHE; `feature_cache` says how. Each image is
computed once, whatever split it turns up in. The folder may be deleted at any time.

What features depend on is in `_facts`. The code of a layer that is neither Keras's nor the course's
cannot be: features of a base with such a layer are computed each time, and a printed line says so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from math import prod
from typing import Any

import keras
import numpy as np

from cifarlib._support import out_of_memory, progress
from cifarlib._support.digests import array_digest
from cifarlib._support.environment import versions
from cifarlib._support.keras_layers import leaf_layers
from cifarlib.backbones.feature_cache import Store, image_ids, temporary_store
from cifarlib.backbones.freezing import origin_of
from cifarlib.backbones.layer_code import course_code, foreign_code
from cifarlib.backbones.weights import Weights
from cifarlib.data.dataset import Dataset
from cifarlib.errors import CourseError

FORMAT = 1  # of what is kept; a change of it makes everything be computed again
SAVE_BYTES, SAVE_SECONDS = 2**24, 10.0
"""Features are saved when there are so many of them, or when so much time has passed."""


@dataclass(frozen=True, repr=False, eq=False)
class FeatureDataset(Dataset):
    """A data set with features in place of its images.

    `x_train`, `x_val` and `x_test` are memory-mapped, `(n, ...)` in the shape of the base's
    output. `base` says which network made them, with the origin of its weights.
    """

    base: dict

    def as_dict(self) -> dict:
        return super().as_dict() | {"base": self.base}

    def __repr__(self) -> str:
        return (
            f"{self.title}: {len(self.x_train):,} train, {len(self.x_val):,} val, "
            f"{len(self.x_test):,} test images as features of {_by(self.input_shape)}, "
            f"{self.n_classes} classes, split {self.split!r}, images from {self.provenance.source}"
        )


def dataset(
    base: keras.Model,
    data: Dataset,
    *,
    batch_size: int | None = None,
    cache: str | os.PathLike | None = None,
) -> FeatureDataset:
    """Return `data` with its images replaced by what `base` makes of them.

    Use the answer as any data set: with `cifarlib.fit`, `cifarlib.evaluate` and
    `ledger.record(..., data=...)`, which notes the origin of the base's weights too.

    Args and errors: see `extract`.
    """
    parts = {"x_train": data.x_train, "x_val": data.x_val, "x_test": data.x_test}
    made = _extract(base, parts, batch_size, cache)
    same = {f.name: getattr(data, f.name) for f in fields(Dataset) if f.name not in made}
    origin = _origin(base)
    random = " WITH RANDOM WEIGHTS" if origin is not None and origin.is_random else ""
    same["title"] = f"{data.title} through {_network(base)}{random}"
    description = {
        "network": _network(base),
        "image_shape": list(data.input_shape),
        "weights": origin.as_dict() if origin is not None else None,
    }
    return FeatureDataset(**same, **made, base=description)


def extract(
    base: keras.Model,
    images: np.ndarray,
    *,
    batch_size: int | None = None,
    cache: str | os.PathLike | None = None,
) -> np.ndarray:
    """Return what `base` makes of `images`, as `base.predict` would; computed once, then read.

    A base with a Lambda, a custom layer or a custom activation runs each time: no key could tell
    that its code, or a global variable that it reads, has changed.

    Args:
        base: a functional or Sequential model with one input and one output, such as
            `backbones.load` returns. It runs as for prediction: no dropout, BatchNormalization
            with its stored statistics.
        images: `(n, height, width, channels)`, as the base takes them.
        batch_size: images at a time; None chooses by the size of the network's layers.
        cache: a folder for the results, instead of CIFARLIB_CACHE or the user's cache folder.

    Returns:
        A memory-mapped float32 array, in the shape of the base's output. Changing it changes
        nothing on disk. (float16 would halve the space, but VGG16's features reach 20,000 and
        more, and float16 ends at 65,504.)

    Raises:
        CourseError: images of the wrong shape, a model of another kind, or a cache folder that is
            full or cannot be written to (what was computed before is kept).
    """
    return _extract(base, {"images": images}, batch_size, cache)["images"]


def _extract(
    base: keras.Model,
    parts: dict[str, np.ndarray],
    batch_size: int | None,
    cache: str | os.PathLike | None,
) -> dict[str, np.ndarray]:
    images = list(parts.values())
    _check(base, images)
    ids = [image_ids(part) for part in images]
    step = batch_size or _batch_size(base)
    with _store(base, images[0], cache) as store:
        missing = [store.missing(part) for part in ids]
        with progress.bar(sum(map(len, missing)), "features", "image") as bar:
            for part, part_ids in zip(images, ids, strict=True):
                _fill(store, base, part, part_ids, step, bar)
        return {name: store.gather(part) for name, part in zip(parts, ids, strict=True)}


def _store(
    base: keras.Model, images: np.ndarray, cache: str | os.PathLike | None
) -> AbstractContextManager[Store]:
    """Return the store that lasts, or a temporary one if code decides that no key can hold."""
    shape = base.output_shape[1:]
    if why := foreign_code(base):
        print(
            f'Features of "{base.name}" are computed each time and not kept: {why} runs code that '
            "is not Keras's, and no key could tell when it changes."
        )
        base.make_predict_function(force=True)  # a graph made before has the old code in it
        return temporary_store(shape, cache)
    return nullcontext(Store(_facts(base, images), _network(base), shape, cache))


def _fill(
    store: Store,
    base: keras.Model,
    images: np.ndarray,
    ids: list[bytes],
    step: int,
    bar: Any,
) -> None:
    """Compute the features that the store lacks, and save them every now and then."""
    todo = store.missing(ids)
    waiting: list[np.ndarray] = []
    saved, since = 0, time.monotonic()
    for start in range(0, len(todo), step):
        batch = todo[start : start + step]
        with out_of_memory.explained("computing features", step):
            waiting.append(np.asarray(base.predict_on_batch(images[batch])))
        bar.update(len(batch))
        done = start + len(batch)
        late = time.monotonic() - since > SAVE_SECONDS
        if late or done == len(todo) or sum(rows.nbytes for rows in waiting) >= SAVE_BYTES:
            store.add([ids[i] for i in todo[saved:done]], np.concatenate(waiting))
            waiting, saved, since = [], done, time.monotonic()


def _facts(base: keras.Model, images: np.ndarray) -> dict:
    """Return everything that the features depend on, besides the image itself."""
    config = base.get_config()
    names = dict.fromkeys([config["name"], *_names(config)])
    names = {name: f"layer {i}" for i, name in enumerate(names)}
    installed = versions()
    backend = keras.config.backend()
    return {
        "format": FORMAT,
        "keras": installed["keras"],
        "backend": f"{backend} {installed.get(backend, '')}",
        "images": f"{images.dtype} {_by(images.shape[1:])}",
        "weights": array_digest(tuple(base.get_weights())),
        "network": _without_names(config, names),
        "code": course_code(base),
    }


def _origin(base: keras.Model) -> Weights | None:
    """Return where the base's weights came from; None if `backbones` did not make it."""
    return next(
        (origin_of(layer).weights for _, layer in leaf_layers(base) if origin_of(layer)), None
    )


def _network(base: keras.Model) -> str:
    """Return a name for people that is the same in every session, as `base.name` is not."""
    origin = _origin(base)
    return origin.network if origin is not None else "model"


def _names(config: object) -> Iterator[str]:
    """Yield all layers' names in a model's configuration, in order.

    Keras numbers many of them on from model to model, so they differ from session to session.
    """
    if isinstance(config, dict):
        inner = config.get("config")
        if isinstance(inner, dict) and "Policy" not in str(config.get("class_name")):
            yield from (inner[key] for key in ("name",) if isinstance(inner.get(key), str))
        config = list(config.values())
    if isinstance(config, list | tuple):
        for value in config:
            yield from _names(value)


def _without_names(config: object, names: dict[str, str]) -> object:
    """Return a model's configuration with places for names, and without how it is trained."""
    if isinstance(config, dict):
        training = ("trainable", "compile_config")
        kept = {key: value for key, value in config.items() if key not in training}
        return {key: _without_names(value, names) for key, value in kept.items()}
    if isinstance(config, list | tuple):
        return [_without_names(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def _batch_size(base: keras.Model) -> int:
    """Choose so that the largest layer's output takes at most 128 MB: fast and safe on CPUs."""
    outputs = [getattr(layer, "output", ()) for _, layer in leaf_layers(base)]
    sizes = [prod(n or 1 for n in output.shape[1:]) for output in keras.tree.flatten(outputs)]
    return max(8, min(128, 2**25 // max(sizes)))


def _check(base: keras.Model, parts: list[np.ndarray]) -> None:
    try:
        takes, gives = base.input_shape[1:], base.output_shape[1:]
        single = len(base.inputs) == len(base.outputs) == 1
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        single = False
    if not single or None in gives:
        raise CourseError(
            "features needs a functional or Sequential model with one input, one output and known "
            "sizes, such as backbones.load(...) returns."
        )
    for images in parts:
        right = len(images.shape) == len(takes) + 1 and all(
            wanted in (None, n) for wanted, n in zip(takes, images.shape[1:], strict=True)
        )
        if not right:
            raise CourseError(
                f'The model "{base.name}" takes images of {_by(takes)}, but these have the shape '
                f"{tuple(images.shape)}. Give it such images, or load a base for these: "
                f"backbones.load(name, {tuple(images.shape[1:])})."
            )


def _by(shape: tuple) -> str:
    return "x".join(map(str, shape))
