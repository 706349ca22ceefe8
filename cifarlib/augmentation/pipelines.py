"""Random changes to training images, as Keras layers: the first layers of a model.

    model = keras.Sequential([keras.Input((32, 32, 3)), augment.pipeline("R4"), network])

Such layers change images while a model is trained and let them pass when it predicts. They take
pixel values 0-255, `uint8` or float, and give float32. `keras.utils.set_random_seed` before the
model is built makes them repeatable.

The reports used `ImageDataGenerator`, which Keras has given up. `REPORTS` has their settings; a
test compares both, image by image and in distribution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from cifarlib.augmentation.affine import matrices, must_be_between, must_fill
from cifarlib.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Mapping

REPORTS: Mapping[str, dict[str, Any]] = {
    "R2": {
        "rotation": 20, "width_shift": 0.2, "height_shift": 0.2,
        "shear": 0.2, "zoom": 0.2, "flip": True,
    },
    "R4": {
        "rotation": 45, "width_shift": 0.3, "height_shift": 0.25,
        "shear": 0.25, "zoom": 0.25, "flip": True,
    },
}  # fmt: skip
"""What reports R2 and R4 ask of ImageDataGenerator, for `RandomAffine`. R2 normalises as well."""

PIPELINES = ("R2", "R4", "crop_flip", "cutout", "randaugment")
_LIMITS = {"rotation": 180, "width_shift": 1, "height_shift": 1, "shear": 60, "zoom": 0.99}


def pipeline(name: str, images: np.ndarray | None = None) -> keras.Sequential:
    """Return the layers of one set of augmentations, to be put first in a model.

    Args:
        name: "R2" or "R4", a report's settings; "crop_flip", a shift of up to 4 pixels on black
            and a flip; "cutout", the same and a grey patch; "randaugment", a flip and two of
            Keras's eleven changes of shape and colour.
        images: the training images, shape (n, height, width, channels). Only "R2" needs them:
            it ends with a normalisation to mean 0 and standard deviation 1 of each channel,
            which is no augmentation, and so also works when the model predicts.

    Raises:
        CourseError: no such name, or "R2" without images.
    """
    if name not in PIPELINES:
        raise CourseError(
            f"There is no augmentation {name!r}. Choose one of: {', '.join(PIPELINES)}."
        )
    if name in REPORTS:
        steps = [RandomAffine(**REPORTS[name])]
    elif name == "randaugment":
        steps = [RandomAffine(flip=True), layers.RandAugment(value_range=(0, 255), factor=0.3)]
    else:
        steps = [PaddedCrop(4, flip=True)]
    if name == "R2":
        steps.append(normalization(images))
    if name == "cutout":
        steps.append(layers.RandomErasing((1.0, 1.0), scale=(0.0625, 0.0625), fill_value=127))
    return keras.Sequential(steps, name=f"augmentation_{name}")


def normalization(images: np.ndarray | None) -> layers.Normalization:
    """Return the layer that ImageDataGenerator's featurewise centre and std amount to.

    Args:
        images: the training images, shape (n, height, width, channels).

    Raises:
        CourseError: there are no images, or they have another shape.
    """
    if images is None or np.ndim(images) != 4 or len(images) == 0:
        given = "nothing" if images is None else f"an array of shape {np.shape(images)}"
        raise CourseError(
            f"The normalisation needs images, (n, height, width, channels), but got {given}. "
            "Write for example augment.pipeline('R2', data.x_train)."
        )
    channels = np.asarray(images).reshape(-1, np.shape(images)[-1])
    mean = channels.mean(axis=0, dtype="float64")
    variance = channels.var(axis=0, dtype="float64")
    layer = layers.Normalization(mean=mean, variance=variance)
    layer.build((None, *np.shape(images)[1:]))  # now, not inside another model's graph
    return layer


@keras.saving.register_keras_serializable("cifarlib")
class RandomAffine(layers.Layer):
    """Rotate, shift, shear, zoom and flip every image of a batch by amounts of its own.

    All changes of one image are one matrix, so it is resampled once (bilinear), as in
    ImageDataGenerator. Amounts are uniform between minus and plus the setting, and independent.

    Args:
        rotation: degrees.
        width_shift: to the left or right, as a part of the width.
        height_shift: up or down, as a part of the height.
        shear: degrees.
        zoom: 0.2 shows 0.8 to 1.2 times the image's width, and height by another draw.
        flip: swap left and right in half of the images.
        fill: what appears beyond the edge: "nearest" (the edge again), "constant" (black),
            "reflect" or "wrap" (the other side; its seam is not the same on every backend).
        seed: for this layer alone; None takes it from `keras.utils.set_random_seed`.

    Raises:
        CourseError: a setting is no number in its range, or `fill` is another word.
    """

    def __init__(
        self,
        *,
        rotation: float = 0.0,
        width_shift: float = 0.0,
        height_shift: float = 0.0,
        shear: float = 0.0,
        zoom: float = 0.0,
        flip: bool = False,
        fill: str = "nearest",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        amounts = {"rotation": rotation, "width_shift": width_shift, "height_shift": height_shift}
        amounts |= {"shear": shear, "zoom": zoom}
        for name, value in amounts.items():
            must_be_between(name, value, 0.0, _LIMITS[name])
        must_fill(fill)
        self.settings = {**amounts, "flip": bool(flip), "fill": fill, "seed": seed}
        self.generator = keras.random.SeedGenerator(seed)
        _without_jit(self)

    def draw(self, n: int) -> dict[str, Any]:
        """Return random amounts for `n` images, each of shape (n,), for `matrices`."""
        s = self.settings
        u = keras.random.uniform((n, 7), -1.0, 1.0, seed=self.generator)
        return {
            "rotation": s["rotation"] * u[:, 0],
            "width_shift": s["width_shift"] * u[:, 1],
            "height_shift": s["height_shift"] * u[:, 2],
            "shear": s["shear"] * u[:, 3],
            "zoom_x": 1.0 + s["zoom"] * u[:, 4],
            "zoom_y": 1.0 + s["zoom"] * u[:, 5],
            "flip": ops.where(u[:, 6] < 0.0, -1.0, 1.0) if s["flip"] else ops.ones_like(u[:, 6]),
        }

    def call(self, images: Any, training: bool | None = None) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        n, height, width, _ = ops.shape(images)
        moves = matrices(height, width, **self.draw(n))
        return ops.image.affine_transform(
            images, moves, fill_mode=self.settings["fill"], data_format="channels_last"
        )

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.settings}


@keras.saving.register_keras_serializable("cifarlib")
class PaddedCrop(layers.Layer):
    """Put a black frame around every image and cut it back to size at a random place.

    Args:
        padding: width of the frame in pixels, so the greatest shift.
        flip: swap left and right in half of the images, without resampling them once more.
        seed: as for `RandomAffine`.

    Raises:
        CourseError: `padding` is no whole number from 1 on.
    """

    def __init__(
        self, padding: int = 4, *, flip: bool = False, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(padding, bool) or not isinstance(padding, int) or padding < 1:
            raise CourseError(f"padding={padding!r} is no whole number of pixels from 1 on.")
        self.padding, self.flip, self.seed = padding, bool(flip), seed
        self.generator = keras.random.SeedGenerator(seed)
        _without_jit(self)

    def call(self, images: Any, training: bool | None = None) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        n, _, width, _ = ops.shape(images)
        places = 2 * self.padding + 1
        u = keras.random.uniform((n, 3), seed=self.generator)
        steps = ops.minimum(ops.floor(u[:, :2] * places), places - 1) - self.padding
        one, none = ops.ones_like(u[:, 0]), ops.zeros_like(u[:, 0])
        way = ops.where(u[:, 2] < 0.5, -1.0, 1.0) if self.flip else one
        first = ops.where(way < 0, width - 1.0, 0.0)  # where the new left edge comes from
        moves = [way, none, first + steps[:, 0], none, one, steps[:, 1], none, none]
        return ops.image.affine_transform(
            images,
            ops.stack(moves, axis=1),
            interpolation="nearest",
            fill_mode="constant",
            data_format="channels_last",
        )

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"padding": self.padding, "flip": self.flip, "seed": self.seed}
        return super().get_config() | own


def _without_jit(layer: layers.Layer) -> None:
    """TensorFlow's XLA compiler, which Keras uses on GPUs, knows no affine transforms."""
    if keras.backend.backend() == "tensorflow":
        layer.supports_jit = False
