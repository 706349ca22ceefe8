from __future__ import annotations

import keras
import pytest
from keras import Sequential, layers
from model_facts import image, one

from cifarlib.errors import CourseError
from cifarlib.parameters import LayerCount, derive
from cifarlib.parameters.layer_formulas import conv_output_size


def numbers(row: LayerCount) -> tuple[str, int, int | None]:
    return row.arithmetic, row.parameters, row.multiply_adds


def test_conv2d() -> None:
    row = one(layers.Conv2D(32, 3), 32, 32, 3)
    assert (row.kind, row.shape_in, row.shape_out) == ("Conv2D", (32, 32, 3), (30, 30, 32))
    assert row.formula == "k_h·k_w·c_in·c_out + c_out"
    assert numbers(row) == ("3·3·3·32 + 32", 896, 30 * 30 * 3 * 3 * 3 * 32)


def test_conv2d_stride_same_padding_and_no_bias() -> None:
    row = one(layers.Conv2D(4, (3, 2), strides=2, padding="same", use_bias=False), 5, 7, 2)
    assert row.shape_out == (3, 4, 4)
    assert numbers(row) == ("3·2·2·4", 48, 3 * 4 * 48)


def test_conv2d_dilation() -> None:
    row = one(layers.Conv2D(1, 3, dilation_rate=2), 6, 6, 1)
    assert row.shape_out == (2, 2, 1)
    assert numbers(row) == ("3·3·1·1 + 1", 10, 2 * 2 * 9)


def test_conv2d_groups() -> None:
    row = one(layers.Conv2D(6, 1, groups=2), 2, 2, 4)
    assert row.formula == "k_h·k_w·(c_in/groups)·c_out + c_out"
    assert numbers(row) == ("1·1·2·6 + 6", 18, 2 * 2 * 2 * 6)


def test_depthwise_conv2d() -> None:
    assert numbers(one(layers.DepthwiseConv2D(3), 5, 5, 4)) == ("3·3·4 + 4", 40, 3 * 3 * 36)
    row = one(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), 5, 5, 4)
    assert row.shape_out == (3, 3, 8)
    assert numbers(row) == ("3·3·4·2", 72, 3 * 3 * 72)


def test_separable_conv2d() -> None:
    row = one(layers.SeparableConv2D(8, 3, depth_multiplier=2), 4, 4, 3)
    assert row.formula == "k_h·k_w·c_in·m + c_in·m·c_out + c_out"
    assert numbers(row) == ("3·3·3·2 + 3·2·8 + 8", 110, 2 * 2 * (54 + 48))


def test_dense() -> None:
    assert numbers(one(layers.Dense(4), 3)) == ("3·4 + 4", 16, 12)
    assert numbers(one(layers.Dense(4, use_bias=False), 5, 3)) == ("3·4", 12, 5 * 12)


@pytest.mark.parametrize(
    ("settings", "arithmetic", "trainable"),
    [
        ({}, "2·3 + 2·3", 6),
        ({"scale": False}, "3 + 2·3", 3),
        ({"scale": False, "center": False}, "2·3", 0),
        ({"axis": 3}, "2·3 + 2·3", 6),
        ({"axis": 1}, "2·5 + 2·5", 10),
    ],
)
def test_batch_normalization(settings: dict, arithmetic: str, trainable: int) -> None:
    row = one(layers.BatchNormalization(**settings), 5, 5, 3)
    assert (row.arithmetic, row.trainable, row.multiply_adds) == (arithmetic, trainable, 0)


@pytest.mark.parametrize(
    ("layer", "shape_out"),
    [
        (layers.MaxPooling2D(), (3, 4, 2)),
        (layers.MaxPooling2D(3, strides=2, padding="same"), (4, 5, 2)),
        (layers.AveragePooling2D(2, strides=1), (6, 8, 2)),
        (layers.GlobalAveragePooling2D(), (2,)),
        (layers.GlobalMaxPooling2D(keepdims=True), (1, 1, 2)),
        (layers.Flatten(), (126,)),
        (layers.Dropout(0.5), (7, 9, 2)),
        (layers.ReLU(), (7, 9, 2)),
        (layers.LeakyReLU(0.1), (7, 9, 2)),
        (layers.Softmax(), (7, 9, 2)),
        (layers.Activation("tanh"), (7, 9, 2)),
        (layers.Rescaling(1 / 255), (7, 9, 2)),
        (layers.Normalization(mean=0.5, variance=1.0), (7, 9, 2)),
        (layers.Resizing(4, 5), (4, 5, 2)),
        (layers.UpSampling2D((2, 3)), (14, 27, 2)),
        (layers.ZeroPadding2D(((0, 1), (2, 3))), (8, 14, 2)),
        (layers.Reshape((9, 7, 2)), (9, 7, 2)),
        (layers.RandomFlip(), (7, 9, 2)),
        (layers.RandomRotation(0.1), (7, 9, 2)),
        (layers.RandomTranslation(0.1, 0.1), (7, 9, 2)),
        (layers.RandomZoom(0.1), (7, 9, 2)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_layers_without_parameters(layer: keras.layers.Layer, shape_out: tuple) -> None:
    row = one(layer, 7, 9, 2)
    assert row.shape_out == shape_out
    assert numbers(row) == ("0", 0, 0)


@pytest.mark.parametrize(("axis", "arithmetic"), [(-1, "2·3 + 1"), (None, "2·1 + 1")])
def test_normalization_that_measures(axis: int | None, arithmetic: str) -> None:
    row = one(layers.Normalization(axis=axis), 7, 9, 3)
    assert (row.arithmetic, row.trainable) == (arithmetic, 0)


@pytest.mark.parametrize("layer", [layers.GlobalMaxPooling2D, layers.Flatten])
def test_channels_first(layer: type) -> None:
    model = Sequential([image(3, 8, 8), layer(data_format="channels_first")])
    if layer is layers.Flatten:
        assert derive(model)[0].shape_out == (192,)
    else:
        with pytest.raises(CourseError, match="channels_last"):
            derive(model)


def test_renormalization_has_no_formula() -> None:
    model = Sequential([image(4), layers.BatchNormalization()])
    model.layers[0].renorm = True  # an argument in newer versions of Keras
    with pytest.raises(CourseError, match="renorm=True"):
        derive(model)


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ((32, 3), 30),
        ((32, 2, 2), 16),
        ((15, 2, 2), 7),
        ((15, 2, 2, "same"), 8),
        ((7, 3, 1, "valid", 3), 1),
        ((None, 3), None),
    ],
)
def test_conv_output_size(arguments: tuple, size: int | None) -> None:
    assert conv_output_size(*arguments) == size


def test_conv_output_size_refuses() -> None:
    with pytest.raises(CourseError, match="5 pixels does not fit on a side of 4"):
        conv_output_size(4, 5)
    with pytest.raises(CourseError, match=r'"full" is unknown\. Use "valid" or "same"'):
        conv_output_size(4, 3, 1, "full")
