"""Things to play with in a notebook.

    parameter_explorer()    # one convolution: move the sliders, watch shape and counts change

Where nobody can move a slider, each of them gives a plain table of its first view instead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from cifarlib._support.tables import Table
from cifarlib.errors import CourseError

if TYPE_CHECKING:
    from ipywidgets import Widget

# What the sliders are called, and how far they go.
_SLIDERS = {
    "kernel": ("kernel size", 11),
    "filters": ("filters", 256),
    "channels": ("input channels", 512),
    "size": ("input size", 256),
    "stride": ("stride", 4),
}
_PADDINGS = ("valid", "same")


def convolution(
    *,
    kernel: int = 3,
    filters: int = 32,
    channels: int = 3,
    size: int = 32,
    stride: int = 1,
    padding: str = "valid",
) -> Table:
    """Return shape, parameters and multiply-adds of one convolution, with the calculation.

    Args:
        kernel: height and width of the kernels, in pixels.
        filters: how many filters the layer has: the channels of its output.
        channels: channels of the input.
        size: height and width of the input, in pixels.
        stride: pixels from one place of the window to the next.
        padding: "valid" or "same".

    Raises:
        CourseError: one of the numbers is not a whole number from 1 on, `padding` is another
            word, or the kernel does not fit on the image.
    """
    sizes = {"kernel": kernel, "filters": filters, "channels": channels}
    sizes |= {"size": size, "stride": stride}
    for name, value in sizes.items():
        if not isinstance(value, int) or value < 1:
            raise CourseError(f"{name}={value!r} is no whole number from 1 on, such as {name}=3.")
    if padding not in _PADDINGS:
        raise CourseError(f'Padding "{padding}" is unknown. Use "valid" or "same".')

    from keras import layers

    from cifarlib.parameters.layer_formulas import rule_for

    layer = layers.Conv2D(filters, kernel, strides=stride, padding=padding, name="explored")
    counted = rule_for(layer)(layer, (size, size, channels))
    weights, biases = kernel * kernel * channels * filters, filters
    side = counted.shape_out[0]
    rows = [
        ("shape in", f"({size}, {size}, {channels})"),
        ("shape of the kernels", f"({kernel}, {kernel}, {channels}, {filters})"),
        ("shape out", str(counted.shape_out)),
        ("formula", " + ".join("·".join(symbol for symbol, _ in p) for p in counted.learned)),
        ("calculation", " + ".join("·".join(str(n) for _, n in p) for p in counted.learned)),
        ("parameters", f"{weights + biases:,}"),
        ("places of the window", f"{side}·{side} = {side * side:,}"),
        ("multiply-adds", f"{side * side:,} · {weights:,} = {counted.multiply_adds:,}"),
    ]
    return Table(["One convolution", "Value"], rows)


@dataclass(frozen=True)
class Explorer:
    """Sliders and the table they change.

    It shows itself as a widget where a front end can draw one, and as the table elsewhere.

    Attributes:
        controls: the sliders and the menu, by the name of the setting.
        view: the widget that holds the table as HTML.
        box: the widget around all of them.
    """

    controls: Mapping[str, Widget]
    view: Widget
    box: Widget

    def table(self) -> Table:
        """Return the table for the sliders as they stand.

        Raises:
            CourseError: the kernel does not fit on the image.
        """
        return convolution(**{name: control.value for name, control in self.controls.items()})

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        still = {"text/plain": _text(self), "text/html": _html(self)}
        return self.box._repr_mimebundle_() | still


def parameter_explorer(
    *,
    kernel: int = 3,
    filters: int = 32,
    channels: int = 3,
    size: int = 32,
    stride: int = 1,
    padding: str = "valid",
) -> Explorer | Table:
    """Return sliders for one convolution, which show its shape, formula and counts.

    In a headless run (CIFARLIB_QUIET=1), or without ipywidgets, it is a table of the values
    given here.

    Args:
        kernel, filters, channels, size, stride, padding: where the sliders start, as for
            `convolution`.

    Raises:
        CourseError: as for `convolution`.
    """
    start = {"kernel": kernel, "filters": filters, "channels": channels}
    start |= {"size": size, "stride": stride, "padding": padding}
    first = convolution(**start)
    if os.environ.get("CIFARLIB_QUIET") == "1":
        return first
    try:
        import ipywidgets
    except ImportError:
        return first

    wide = {"style": {"description_width": "8em"}, "layout": {"width": "24em"}}
    controls = {
        name: ipywidgets.IntSlider(
            start[name], min=1, max=max(limit, start[name]), description=title, **wide
        )
        for name, (title, limit) in _SLIDERS.items()
    }
    controls["padding"] = ipywidgets.Dropdown(
        options=_PADDINGS, value=padding, description="padding", **wide
    )
    view = ipywidgets.HTML()
    sliders = ipywidgets.VBox(list(controls.values()))
    box = ipywidgets.HBox([sliders, view], layout={"flex_flow": "row wrap"})
    explorer = Explorer(controls, view, box)

    def draw(change: object = None) -> None:
        view.value = _html(explorer)

    for control in controls.values():
        control.observe(draw, names="value")
    draw()
    return explorer


def _html(explorer: Explorer) -> str:
    try:
        return explorer.table()._repr_html_()
    except CourseError as error:
        return f"<p>{escape(str(error))}</p>"


def _text(explorer: Explorer) -> str:
    try:
        return str(explorer.table())
    except CourseError as error:
        return str(error)
