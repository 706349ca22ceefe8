"""Turning, shifting, shearing, zooming and mirroring images, each by one matrix.

`cifarlib.augmentation.pipelines` draws the amounts at random; here they are given.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from cifarlib.errors import CourseError

FILLS = ("nearest", "constant", "reflect", "wrap")


def moved(
    images: np.ndarray,
    *,
    rotation: float = 0.0,
    width_shift: float = 0.0,
    height_shift: float = 0.0,
    shear: float = 0.0,
    zoom: float = 1.0,
    flip: bool = False,
    fill: str = "nearest",
) -> np.ndarray:
    """Return images that are all changed alike, float32, shape (n, height, width, channels).

    Args:
        rotation, width_shift, height_shift, shear: as for `matrices`, one number each.
        zoom: the part of width and height that is seen; below 1 is nearer.
        flip: swap left and right.
        fill: as for `cifarlib.augmentation.pipelines.RandomAffine`.
    """
    must_fill(fill)
    must_be_between("zoom", zoom, 0.01, 100)
    amounts = {"rotation": rotation, "width_shift": width_shift, "height_shift": height_shift}
    amounts |= {"shear": shear, "zoom_x": zoom, "zoom_y": zoom, "flip": -1 if flip else 1}
    _, height, width, _ = images.shape
    move = matrices(height, width, **{k: ops.full((1,), float(v)) for k, v in amounts.items()})
    moves, images = ops.repeat(move, len(images), axis=0), ops.cast(images, "float32")
    new = ops.image.affine_transform(images, moves, fill_mode=fill, data_format="channels_last")
    return ops.convert_to_numpy(new)


def matrices(
    height: int,
    width: int,
    *,
    rotation: Any,
    width_shift: Any,
    height_shift: Any,
    shear: Any,
    zoom_x: Any,
    zoom_y: Any,
    flip: Any,
) -> Any:
    """Return the transforms for `keras.ops.image.affine_transform`, shape (n, 8).

    They say where in the old image each pixel of the new one comes from: flipped, zoomed, sheared,
    shifted and rotated about the middle, in that order, as ImageDataGenerator composes them.

    Args:
        height, width: of the images, in pixels.
        rotation: degrees counter-clockwise; this and all others float tensors of shape (n,).
        width_shift, height_shift: to the right and down, as parts of the width and height.
        shear: degrees.
        zoom_x, zoom_y: the part of width and height that is seen; below 1 is nearer.
        flip: -1 to swap left and right, else 1.
    """
    turn, lean = rotation * (math.pi / 180), shear * (math.pi / 180)
    cos, sin = ops.cos(turn), ops.sin(turn)
    xx, xy = zoom_x * flip * cos, -zoom_y * ops.sin(turn + lean)
    yx, yy = zoom_x * flip * sin, zoom_y * ops.cos(turn + lean)
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    right, down = width_shift * width, height_shift * height
    x = middle_x - xx * middle_x - xy * middle_y - cos * right + sin * down
    y = middle_y - yx * middle_x - yy * middle_y - sin * right - cos * down
    none = ops.zeros_like(xx)
    return ops.stack([xx, xy, x, yx, yy, y, none, none], axis=1)


def must_be_between(name: str, value: object, low: float, high: float) -> None:
    """Raise a CourseError if `value` is no number in this range."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise CourseError(f"{name}={value!r}: expected a number from {low:g} to {high:g}.")


def must_fill(fill: str) -> None:
    """Raise a CourseError if `fill` is no known word."""
    if fill not in FILLS:
        raise CourseError(f"There is no fill {fill!r}. Choose one of: {', '.join(FILLS)}.")
