"""One convolution, and sliders that change its shape and counts.

    parameter_explorer()

Where nobody can move a slider, it is a plain table of its first view.
"""

from __future__ import annotations

from keras import layers

from cifarlib._support import interactive
from cifarlib._support.tables import Table
from cifarlib.errors import CourseError
from cifarlib.parameters.layer_formulas import rule_for

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


def parameter_explorer(
    *,
    kernel: int = 3,
    filters: int = 32,
    channels: int = 3,
    size: int = 32,
    stride: int = 1,
    padding: str = "valid",
) -> interactive.Explorer | Table:
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
    if not interactive.can_be_moved():
        return first
    from ipywidgets import Dropdown, IntSlider

    look = interactive.look(24)
    controls = {
        name: IntSlider(start[name], 1, max(limit, start[name]), description=title, **look)
        for name, (title, limit) in _SLIDERS.items()
    }
    controls["padding"] = Dropdown(options=_PADDINGS, value=padding, description="padding", **look)
    return interactive.explorer(controls, convolution, _bundle)


def _bundle(table: Table) -> tuple[dict[str, str], dict]:
    return {"text/plain": str(table), "text/html": table._repr_html_()}, {}
