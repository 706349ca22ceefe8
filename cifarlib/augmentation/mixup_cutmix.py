"""Training images mixed with each other, and their labels with them: MixUp and CutMix.

    batches = MixedBatches(data.x_train, data.y_train, data.n_classes, kind="cutmix")
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(batches, epochs=5)

Such a change concerns the labels too, so it cannot be a layer of the model: it makes the batches.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from cifarlib.errors import CourseError

KINDS = ("mixup", "cutmix")


class MixedBatches(keras.utils.PyDataset):
    """Batches of mixed images and their mixed labels, in a new order every epoch.

    "mixup" lays another image of the batch over each image, transparently; "cutmix" pastes a
    rectangle of it. The label then says how much of each class there is to see.

    A batch is a pair: float32 images, shape (n, height, width, channels), values as before, and
    float32 labels, shape (n, n_classes), each row with the sum 1. The last batch may be smaller.

    Args:
        images: shape (n, height, width, channels), pixel values 0-255.
        labels: integers, shape (n,).
        n_classes: the length of a mixed label.
        kind: "mixup" or "cutmix".
        batch_size: images in a batch, at least 2.
        seed: of the order and of the mixing.

    Raises:
        CourseError: another kind, too small a batch, or labels that do not fit.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        n_classes: int,
        *,
        kind: str = "mixup",
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise CourseError(f"There is no mixing {kind!r}. Choose one of: {', '.join(KINDS)}.")
        if batch_size < 2:
            raise CourseError(f"batch_size={batch_size}: to mix, a batch needs 2 images or more.")
        if len(images) != len(labels):
            raise CourseError(f"There are {len(images):,} images but {len(labels):,} labels.")
        if np.min(labels) < 0 or np.max(labels) >= n_classes:
            raise CourseError(
                f"Labels go from {np.min(labels)} to {np.max(labels)}; "
                f"for n_classes={n_classes} they must be from 0 to {n_classes - 1}."
            )
        self.images, self.batch_size = images, batch_size
        self.labels = np.eye(n_classes, dtype="float32")[labels]
        self.random = np.random.RandomState(seed)
        self.order = self.random.permutation(len(images))
        self.mixer = layers.MixUp(1.0, seed=seed) if kind == "mixup" else layers.CutMix(seed=seed)

    def __len__(self) -> int:
        return -(-len(self.images) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        chosen = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        images = self.images[chosen].astype("float32")
        mixed = self.mixer({"images": images, "labels": self.labels[chosen]}, training=True)
        return ops.convert_to_numpy(mixed["images"]), ops.convert_to_numpy(mixed["labels"])

    def on_epoch_end(self) -> None:
        self.order = self.random.permutation(len(self.images))
