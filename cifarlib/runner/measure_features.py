"""The reports' networks on a frozen ImageNet base, parted into features and head.

A frozen base changes nothing from epoch to epoch: it has no dropout before the cut, and a frozen
BatchNormalization layer uses its stored statistics. So every image has the same features each
time, and a head that is trained on features computed once is the report's own training, exact but
for rounding in the last digits. A test trains both ways and compares the losses.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import keras
from keras import layers

from cifarlib import backbones, networks
from cifarlib.backbones import features
from cifarlib.errors import CourseError

if TYPE_CHECKING:
    from cifarlib.data.dataset import Dataset

NETWORK_OF = {"R0.9": "R0.8"}
"""Which entry of `cifarlib.networks` a system trains, where it is not its own."""
NOTE = "frozen base run once per image, head trained on its features: exact, see measure_features"


def parted(
    id: str, settings: dict, data: Dataset, mirror: str | os.PathLike | None = None
) -> tuple[keras.Model, features.FeatureDataset, int]:
    """Return the report's head, the features to train it on, and the whole network's parameters.

    Args:
        id: a system such as "R0.9".
        settings: those of the system in `records/claims.toml`.
        data: the report's own split, as images.

    Raises:
        CourseError: the weights of the base are nowhere to be had, or are damaged.
    """
    whole = networks.build(NETWORK_OF.get(id, id))
    head = head_of(whole)
    base = fitting(base_of(settings, data.input_shape, mirror), head)
    return head, features.dataset(base, data), whole.count_params()


def head_of(whole: keras.Model) -> keras.Model:
    """Return what follows the base: all from the first Flatten layer on, or a model without one."""
    first = next((i for i, x in enumerate(whole.layers) if isinstance(x, layers.Flatten)), None)
    if first is None:
        return whole
    if isinstance(whole, keras.Sequential):
        taken = keras.Input(whole.layers[first - 1].output_shape[1:])
        return keras.Sequential([taken, *whole.layers[first:]], name=f"{whole.name}_head")
    return keras.Model(whole.layers[first].input, whole.output, name=f"{whole.name}_head")


def fitting(base: keras.Model, head: keras.Model) -> keras.Model:
    """Return the base, flattened if that is what the head takes."""
    if base.output_shape[1:] == head.input_shape[1:]:
        return base
    return keras.Sequential([base, layers.Flatten()], name=f"{base.name}_flat")


def base_of(
    settings: dict, image_shape: tuple[int, int, int], mirror: str | os.PathLike | None = None
) -> keras.Model:
    """Return the base of a report's recipe with the report's own scaling of the pixels."""
    names = {name.lower(): name for name in backbones.NETWORKS}
    if settings.get("scaling") != "1/255":
        raise CourseError(f"No base is known for the scaling {settings.get('scaling')!r}.")
    cut = settings.get("cut")
    network = backbones.network(
        names[settings["base"]],
        image_shape,
        until=cut,
        pooling=None if cut else settings.get("pooling"),
        mirror=mirror,
    )
    scaled = [keras.Input(image_shape), layers.Rescaling(1 / 255), network]
    return keras.Sequential(scaled, name=f"{network.name}_scaled_1_255")
