"""How many parameters one Keras layer has, and what shape it gives, worked out by formula.

Each rule below takes a layer and the shape of its input, and answers with a `Counted`. It reads
the layer's settings (filters, kernel size, padding, ...) and never the layer's weights.
`cifarlib.parameters.derivation` applies the rules to whole models.

Shapes are those of one image, without the batch: `(height, width, channels)`. A size that is not
known yet is `None`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import keras
from keras import layers

from cifarlib.errors import CourseError

Shape = tuple[int | None, ...]
Factor = tuple[str, int]  # a symbol and the number it stands for: ("c_in", 3)
Product = tuple[Factor, ...]  # factors to be multiplied


@dataclass(frozen=True)
class Counted:
    """What a rule finds out about one layer.

    Attributes:
        shape_out: the shape of the layer's output for one image.
        learned: products whose sum is the number of weights that training changes.
        measured: the same for weights that are measured from the data, not learned.
        multiply_adds: multiplications by a weight for one image; None if a size is unknown.
        note: a sentence for people, or "".
    """

    shape_out: Shape
    learned: tuple[Product, ...] = ()
    measured: tuple[Product, ...] = ()
    multiply_adds: int | None = 0
    note: str = ""


def conv_output_size(
    n: int | None, kernel: int, stride: int = 1, padding: str = "valid", dilation: int = 1
) -> int | None:
    """Return how many steps a window takes along one side of an image (a convolution or pool).

    With padding "valid" the window stays inside the image; with "same" the image is padded so
    that only the stride makes it smaller.

    Args:
        n: pixels along that side; None (unknown) gives None.
        kernel: pixels the window covers.
        stride: pixels from one step to the next.
        padding: "valid" or "same".
        dilation: distance between two pixels that the window looks at.

    Raises:
        CourseError: the window does not fit, or `padding` is another word.
    """
    if padding not in ("valid", "same"):
        raise CourseError(f'Padding "{padding}" is unknown. Use "valid" or "same".')
    if n is None:
        return None
    if padding == "same":
        return -(-n // stride)
    reach = dilation * (kernel - 1) + 1
    if reach > n:
        raise CourseError(
            f"A window of {reach} pixels does not fit on a side of {n} pixels. "
            'Use a smaller kernel, less pooling before it, or padding="same".'
        )
    return (n - reach) // stride + 1


def rule_for(layer: keras.layers.Layer) -> Callable[[keras.layers.Layer, Shape], Counted] | None:
    """Return the rule for exactly this type of layer, or None if there is none.

    A subclass gets no rule: it may hold weights that its parent has not.
    """
    return _RULES.get(type(layer))


def _conv(layer: layers.Conv2D, shape: Shape) -> Counted:
    k_h, k_w = layer.kernel_size
    c_in, c_out = shape[-1], layer.filters
    seen = ("c_in", c_in) if layer.groups == 1 else ("(c_in/groups)", c_in // layer.groups)
    kernel = (("k_h", k_h), ("k_w", k_w), seen, ("c_out", c_out))
    shape_out = (*_window_steps(layer, layer.kernel_size, shape), c_out)
    return Counted(
        shape_out,
        learned=_with_bias(layer, kernel, ("c_out", c_out)),
        multiply_adds=_times(_size(shape_out[:-1]), _value(kernel)),
    )


def _depthwise_conv(layer: layers.DepthwiseConv2D, shape: Shape) -> Counted:
    k_h, k_w = layer.kernel_size
    channels = _channels_of_each_kernel(layer, shape)
    kernel = (("k_h", k_h), ("k_w", k_w), *channels)
    shape_out = (*_window_steps(layer, layer.kernel_size, shape), _value(channels))
    return Counted(
        shape_out,
        learned=_with_bias(layer, kernel, *channels),
        multiply_adds=_times(_size(shape_out[:-1]), _value(kernel)),
        note="each kernel sees one channel",
    )


def _separable_conv(layer: layers.SeparableConv2D, shape: Shape) -> Counted:
    k_h, k_w = layer.kernel_size
    channels, c_out = _channels_of_each_kernel(layer, shape), ("c_out", layer.filters)
    depthwise = (("k_h", k_h), ("k_w", k_w), *channels)
    pointwise = (*channels, c_out)
    shape_out = (*_window_steps(layer, layer.kernel_size, shape), layer.filters)
    return Counted(
        shape_out,
        learned=(depthwise, *_with_bias(layer, pointwise, c_out)),
        multiply_adds=_times(_size(shape_out[:-1]), _value(depthwise) + _value(pointwise)),
        note="kernels that see one channel each, then a 1x1 convolution",
    )


def _channels_of_each_kernel(layer: keras.layers.Layer, shape: Shape) -> Product:
    """Return the number of one-channel kernels: the channels, times m if there are several each."""
    c_in, m = ("c_in", shape[-1]), ("m", layer.depth_multiplier)
    return (c_in,) if layer.depth_multiplier == 1 else (c_in, m)


def _dense(layer: layers.Dense, shape: Shape) -> Counted:
    n_in, n_out = ("n_in", shape[-1]), ("n_out", layer.units)
    shape_out = (*shape[:-1], layer.units)
    return Counted(
        shape_out,
        learned=_with_bias(layer, (n_in, n_out), n_out),
        multiply_adds=_times(_size(shape[:-1]), _value((n_in, n_out))),
    )


def _batch_normalization(layer: layers.BatchNormalization, shape: Shape) -> Counted:
    if getattr(layer, "renorm", False):
        raise CourseError(
            f'Layer "{layer.name}" is a BatchNormalization with renorm=True, whose extra weights '
            "have no formula here. Use renorm=False."
        )
    c = ("c", shape[layer.axis if layer.axis < 0 else layer.axis - 1])
    names = [name for name, kept in [("scale", layer.scale), ("shift", layer.center)] if kept]
    learned = {0: (), 1: ((c,),), 2: ((("2", 2), c),)}[len(names)]
    return Counted(
        shape,
        learned=learned,
        measured=((("2", 2), c),),
        note=f"learned: {', '.join(names) or 'nothing'}; measured: mean, variance",
    )


def _normalization(layer: layers.Normalization, shape: Shape) -> Counted:
    if layer.input_mean is not None:
        return Counted(shape, note="mean and variance were given, so there are no weights")
    kept = [shape[axis if axis < 0 else axis - 1] for axis in layer.axis]
    return Counted(
        shape,
        measured=((("2", 2), ("c", prod(kept))), (("1", 1),)),
        note="mean and variance per channel and a counter, measured by adapt()",
    )


def _pooling(layer: layers.MaxPooling2D | layers.AveragePooling2D, shape: Shape) -> Counted:
    return Counted((*_window_steps(layer, layer.pool_size, shape), shape[-1]))


def _global_pooling(layer: layers.GlobalMaxPooling2D, shape: Shape) -> Counted:
    _require_channels_last(layer)
    return Counted((1, 1, shape[-1]) if layer.keepdims else (shape[-1],))


def _flatten(layer: layers.Flatten, shape: Shape) -> Counted:
    return Counted((_size(shape),))


_RULES = {
    layers.Conv2D: _conv,
    layers.DepthwiseConv2D: _depthwise_conv,
    layers.SeparableConv2D: _separable_conv,
    layers.Dense: _dense,
    layers.BatchNormalization: _batch_normalization,
    layers.Normalization: _normalization,
    layers.MaxPooling2D: _pooling,
    layers.AveragePooling2D: _pooling,
    layers.GlobalMaxPooling2D: _global_pooling,
    layers.GlobalAveragePooling2D: _global_pooling,
    layers.Flatten: _flatten,
}


def _window_steps(layer: keras.layers.Layer, window: tuple[int, int], shape: Shape) -> Shape:
    """Return the output's height and width where `window` slides over height and width."""
    _require_channels_last(layer)
    dilations = getattr(layer, "dilation_rate", (1, 1))
    sides = zip(shape[:2], window, layer.strides, dilations, strict=True)
    return tuple(conv_output_size(n, k, s, layer.padding, d) for n, k, s, d in sides)


def _require_channels_last(layer: keras.layers.Layer) -> None:
    if layer.data_format != "channels_last":
        raise CourseError(
            f'Layer "{layer.name}" has data_format="{layer.data_format}". The course writes shapes '
            'as (height, width, channels): use data_format="channels_last".'
        )


def _with_bias(layer: keras.layers.Layer, kernel: Product, *bias: Factor) -> tuple[Product, ...]:
    return (kernel, tuple(bias)) if layer.use_bias else (kernel,)


def _value(product: Product) -> int:
    return prod(number for _, number in product)


def _size(shape: Shape) -> int | None:
    return None if None in shape else prod(shape)


def _times(positions: int | None, per_position: int) -> int | None:
    return None if positions is None else positions * per_position
