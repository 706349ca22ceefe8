"""One image, and sliders that rotate, shift, zoom, shear and flip it.

    augmentation_explorer(data.x_train[4])

Where nobody can move a slider, it is a picture of its first view.
"""

from __future__ import annotations

import io
import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from cifarlib import plots
from cifarlib.augmentation.affine import FILLS, moved
from cifarlib.errors import CourseError

if TYPE_CHECKING:
    from ipywidgets import Widget
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


@dataclass(frozen=True)
class AugmentationExplorer:
    """Sliders and the picture they change.

    It shows itself as a widget where a front end can draw one, and as the picture elsewhere.

    Attributes:
        image: the image before the change.
        controls: the sliders, the tick box and the menu, by the name of the setting.
        view: the widget that holds the picture as HTML.
        box: the widget around all of them.
    """

    image: np.ndarray
    controls: Mapping[str, Widget]
    view: Widget
    box: Widget

    def figure(self) -> Figure:
        """Return the picture for the sliders as they stand."""
        return compared(self.image, **{k: control.value for k, control in self.controls.items()})

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple:
        figure = self.figure()
        still = {"image/png": _png(figure), "text/plain": figure.get_gid()}
        metadata = {"image/png": {"alt": figure.get_gid()}}
        return self.box._repr_mimebundle_() | still, metadata


def augmentation_explorer(image: np.ndarray, **start: Any) -> AugmentationExplorer | Figure:
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
    if os.environ.get("CIFARLIB_QUIET") == "1":
        return first
    try:
        import ipywidgets
    except ImportError:
        return first

    wide = {"style": {"description_width": "11em"}, "layout": {"width": "27em"}}
    controls = {
        name: ipywidgets.FloatSlider(
            start[name],
            min=min(low, start[name]),
            max=max(high, start[name]),
            step=step,
            description=title,
            continuous_update=False,
            **wide,
        )
        for name, (title, low, high, step) in _SLIDERS.items()
    }
    controls["flip"] = ipywidgets.Checkbox(start["flip"], description="flip left-right", **wide)
    controls["fill"] = ipywidgets.Dropdown(
        options=FILLS, value=start["fill"], description="fill", **wide
    )
    view = ipywidgets.HTML()
    sliders = ipywidgets.VBox(list(controls.values()))
    box = ipywidgets.HBox([sliders, view], layout={"flex_flow": "row wrap"})
    explorer = AugmentationExplorer(image, controls, view, box)

    def draw(change: object = None) -> None:
        figure = explorer.figure()
        source = b64encode(_png(figure)).decode()
        view.value = f'<img alt="{escape(figure.get_gid())}" src="data:image/png;base64,{source}">'

    for control in controls.values():
        control.observe(draw, names="value")
    draw()
    return explorer


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
    return plots.image_grid(pair, ["before", "after"], columns=2, alt=alt)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
