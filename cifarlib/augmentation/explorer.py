"""One image, and sliders that rotate, shift, zoom, shear and flip it.

    augmentation_explorer(data.x_train[4])

Where nobody can move a slider, it is a picture of its first view.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cifarlib._support import interactive
from cifarlib.augmentation.affine import FILLS, moved
from cifarlib.errors import CourseError
from cifarlib.plots import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What the sliders are called, how far they go, and in what steps.
_SLIDERS = {
    "rotation": ("rotation (degrees)", -180, 180, 1),
    "width_shift": ("shift to the right", -1, 1, 0.05),
    "height_shift": ("shift down", -1, 1, 0.05),
    "shear": ("shear (degrees)", -60, 60, 0.25),
    "zoom": ("part that is seen", 0.25, 2, 0.05),
}
START = {"rotation": 20.0, "width_shift": 0.2, "height_shift": 0.0, "shear": 0.2, "zoom": 0.8}
"""One image as report R2's settings could make it."""


def augmentation_explorer(image: np.ndarray, **start: Any) -> interactive.Explorer | Figure:
    """Return sliders that change one image, with the image before and after.

    In a headless run (CIFARLIB_QUIET=1), or without ipywidgets, it is the figure alone.

    Args:
        image: pixel values 0-255, shape (height, width, channels).
        start: where sliders start, as for `cifarlib.augmentation.affine.moved`; see `START`.

    Raises:
        CourseError: not one image, or a setting that there is not.
    """
    start = {**START, "flip": False, "fill": FILLS[0], **start}
    known = ", ".join([*_SLIDERS, "flip", "fill"])
    if unknown := sorted(set(start) - {*_SLIDERS, "flip", "fill"}):
        raise CourseError(f"No slider is called {unknown[0]!r}. There are: {known}.")
    first = compared(image, **start)
    if not interactive.can_be_moved():
        return first
    from ipywidgets import Checkbox, Dropdown, FloatSlider

    look = interactive.look(27)
    controls = {
        name: FloatSlider(
            start[name],
            min=min(low, start[name]),
            max=max(high, start[name]),
            step=step,
            description=title,
            continuous_update=False,
            **look,
        )
        for name, (title, low, high, step) in _SLIDERS.items()
    }
    controls["flip"] = Checkbox(start["flip"], description="flip left-right", **look)
    controls["fill"] = Dropdown(options=FILLS, value=start["fill"], description="fill", **look)
    return interactive.explorer(controls, partial(compared, image), figures.mimebundle)


def compared(image: np.ndarray, **settings: Any) -> Figure:
    """Draw an image before and after one change.

    Args:
        image: pixel values 0-255, shape (height, width, channels), 1 or 3 channels.
        settings: as for `cifarlib.augmentation.affine.moved`.

    Raises:
        CourseError: the array is not one image.
    """
    if np.ndim(image) != 3 or image.shape[-1] not in (1, 3):
        raise CourseError(
            f"Expected one image, (height, width, 1 or 3); got an array of shape {np.shape(image)}."
            " Take one of many like this: data.x_train[4]."
        )
    new = moved(image[np.newaxis], **settings)[0]
    after = np.clip(np.round(new), 0, 255).astype("uint8")
    said = ", ".join(
        f"{name.replace('_', ' ')} {value:g}" if name in _SLIDERS else f"{name}: {value}"
        for name, value in settings.items()
    )
    alt = f"One image before and after a change ({said})."
    pair = np.stack([np.asarray(image).astype("uint8"), after])
    return figures.image_grid(pair, ["before", "after"], columns=2, alt=alt)
