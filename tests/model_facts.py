"""What Keras says of each network the tests count, and what `derive` says: each built once.

Only the facts are kept, not the networks: all of them together would fill gigabytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod

import keras

from cifarlib.networks import build
from cifarlib.parameters import LayerCount, derive

# (base, side of its input, pooling)
BASES = {
    "VGG16": (32, None),
    "VGG19": (32, "max"),
    "ResNet50": (256, None),
    "ResNet50V2": (32, "max"),
    "InceptionV3": (256, None),
    "MobileNet": (32, "avg"),
    "EfficientNetV2B0": (64, None),
    "MobileNetV3Small": (64, None),
}


@dataclass(frozen=True)
class Facts:
    name: str
    is_compiled: bool
    output_shape: tuple
    rows: list[LayerCount]
    total: int  # this and the rest are Keras's own figures
    trainable: int
    non_trainable: int
    layers: dict[str, tuple]  # name as in the rows -> (parameters, shape in, shape out)


@cache
def facts(name: str) -> Facts:
    """Return the facts about a system ("R0.4") or a bare base ("VGG16")."""
    model = _bare_base(name) if name in BASES else build(name)
    return Facts(
        name=model.name,
        is_compiled=model.compiled,
        output_shape=model.output_shape,
        rows=derive(model),
        total=model.count_params(),
        trainable=count(model.trainable_weights),
        non_trainable=count(model.non_trainable_weights),
        layers=keras_layers(model),
    )


def image(*shape: int | None) -> keras.KerasTensor:
    return keras.Input(shape)


def one(layer: keras.layers.Layer, *shape: int | None) -> LayerCount:
    """Return the row of `layer` in a model of that layer alone, checked against Keras."""
    model = keras.Sequential([image(*shape), layer])
    (row,) = derive(model)
    assert row.parameters == layer.count_params()
    assert row.trainable == count(model.trainable_weights)
    assert row.shape_out == layer.output.shape[1:]
    return row


def count(weights: list) -> int:
    return sum(prod(weight.shape) for weight in weights)


def keras_layers(model: keras.Model, prefix: str = "") -> dict[str, tuple]:
    """Return Keras's count and shapes of every operation in `model` and its nested models."""
    operations = getattr(model, "operations", None) or model.layers
    found = {}
    for operation in operations:
        if isinstance(operation, keras.Model):
            found |= keras_layers(operation, f"{prefix}{operation.name}/")
            continue
        parameters = operation.count_params() if isinstance(operation, keras.Layer) else 0
        is_input = isinstance(operation, keras.layers.InputLayer)
        given = operation.output if is_input else operation.input
        shapes = _shapes(given), _shapes(operation.output)
        found[prefix + operation.name] = (parameters, *shapes)
    return found


def _bare_base(name: str) -> keras.Model:
    side, pooling = BASES[name]
    network = getattr(keras.applications, name)
    return network(weights=None, include_top=False, input_shape=(side, side, 3), pooling=pooling)


def _shapes(tensors: keras.KerasTensor | list[keras.KerasTensor]) -> tuple:
    shapes = [tuple(tensor.shape[1:]) for tensor in keras.tree.flatten(tensors)]
    return shapes[0] if len(shapes) == 1 else tuple(shapes)
