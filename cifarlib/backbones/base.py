"""Networks trained on ImageNet, ready for images as they are: pixel values 0-255.

    base = backbones.load("VGG16", (32, 32, 3), until="block3_pool")
    backbones.freeze(base)
    model = keras.Sequential([base, layers.Flatten(), layers.Dense(10, activation="softmax")])
    print(backbones.provenance(model))

The preprocessing that each network was trained with is part of the model, so it cannot be
forgotten, done twice, or done differently for training and for testing.
"""

from __future__ import annotations

import difflib
import os

import keras
import numpy as np
from keras import layers

from cifarlib._support.keras_layers import leaf_layers
from cifarlib.backbones.freezing import block_names, origin_of, set_origins
from cifarlib.backbones.preprocessing import preprocessing
from cifarlib.backbones.weights import Weights, fill, random
from cifarlib.data import sources
from cifarlib.data.imagenet import NETWORKS
from cifarlib.errors import CourseError

_POOLING = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}


def load(
    name: str,
    image_shape: tuple[int, int, int],
    *,
    weights: str = "imagenet",
    until: str | None = None,
    upscale_to: int | None = None,
    pooling: str | None = None,
    mirror: str | os.PathLike | None = None,
) -> keras.Model:
    """Return an ImageNet network from images to feature maps, without its top.

    The model takes images `(n, height, width, 3)` with pixel values 0-255, uint8 or float. It
    resizes them if asked to, prepares them as the network needs it, and gives float32 feature
    maps `(n, height, width, channels)`; with `pooling` it gives `(n, channels)`.

    Args:
        name: one of `NETWORKS`: "VGG16", "VGG19", "ResNet50", "ResNet50V2", "InceptionV3",
            "MobileNet" or "EfficientNetV2B0".
        image_shape: height, width and channels of one image.
        weights: "imagenet", or "random" for a network that has learned nothing.
        until: the last layer to keep, such as "block3_pool"; None keeps all.
        upscale_to: height and width in pixels to which the model itself resizes its images.
        pooling: "avg" or "max" over all places of the last feature map, or None.
        mirror: a folder in Keras's cache layout, instead of CIFARLIB_MIRROR.

    Raises:
        CourseError: an unknown name, layer, pooling or kind of weights; images that are too small
            or not in colour; weights that are damaged or nowhere to be had.
    """
    _check_name(name)
    size = _checked_size(name, image_shape, upscale_to)
    images = keras.Input(tuple(image_shape), name="images")
    x = images
    if upscale_to is not None:
        x = layers.Resizing(*size, interpolation="bilinear", name="resize")(x)
    for layer in preprocessing(name):
        x = layer(x)
    whole = _build(name, input_tensor=x, input_shape=(*size, 3))
    return _finished(whole, name, weights, until, pooling, mirror)


def network(
    name: str,
    image_shape: tuple[int, int, int],
    *,
    weights: str = "imagenet",
    until: str | None = None,
    pooling: str | None = None,
    mirror: str | os.PathLike | None = None,
) -> keras.Model:
    """Return the bare network, without preprocessing: for showing what the wrong one does.

    It takes what the network itself takes, not images; see `load` for everything else.
    """
    _check_name(name)
    size = _checked_size(name, image_shape, None)
    whole = _build(name, input_tensor=None, input_shape=(*size, 3))
    return _finished(whole, name, weights, until, pooling, mirror)


def provenance(model: keras.Model) -> Weights:
    """Return where the ImageNet weights in `model` came from; random ones say so loudly.

    `model` is a base, or has one in it. Print the answer, or put it into the ledger:
    `ledger.record(..., note=str(backbones.provenance(model)))`.

    Raises:
        CourseError: nothing in the model comes from `load` or `network`.
    """
    for _, layer in leaf_layers(model):
        if origin_of(layer):
            return origin_of(layer).weights
    raise CourseError(
        f'No layer of the model "{model.name}" comes from backbones.load, so where its weights '
        "are from is not known. (A model that was saved and loaded again has forgotten it.)"
    )


def available(name: str, mirror: str | os.PathLike | None = None) -> bool:
    """Say whether the ImageNet weights of `name` lie on this machine; nothing is downloaded.

    Raises:
        CourseError: there is no such network, or the named mirror does not exist.
    """
    _check_name(name)
    return sources.found(NETWORKS[name].item, mirror) is not None


def _build(name: str, **arguments: object) -> keras.Model:
    if NETWORKS[name].preprocessing_mode == "torch":
        arguments["include_preprocessing"] = False  # `load` does it, for all networks alike
    return getattr(keras.applications, name)(weights=None, include_top=False, **arguments)


def _finished(
    whole: keras.Model,
    name: str,
    kind: str,
    until: str | None,
    pooling: str | None,
    mirror: str | os.PathLike | None,
) -> keras.Model:
    """Give the whole network its weights, mark its layers with their origin, cut it and pool."""
    if kind not in ("imagenet", "random"):
        raise CourseError(f"There are no weights {kind!r}. Choose 'imagenet' or 'random'.")
    if pooling is not None and pooling not in _POOLING:
        raise CourseError(f"There is no pooling {pooling!r}. Choose 'avg', 'max' or None.")
    own = [layer for layer in whole.layers if not _prepares(layer)]
    output = whole.output if until is None else _layer(own, name, until).output
    set_origins(own, fill(whole, name, mirror) if kind == "imagenet" else random(whole, name))
    if pooling is not None:
        output = _POOLING[pooling](name=f"global_{pooling}")(output)
    title = "_".join([name.lower(), *([until] if until else []), *([pooling] if pooling else [])])
    return keras.Model(whole.input, output, name=title)


def _prepares(layer: layers.Layer) -> bool:
    """Say whether a layer comes before the network itself."""
    return isinstance(layer, layers.InputLayer) or layer.name in ("resize", "scale", "preprocess")


def _layer(own: list[layers.Layer], name: str, until: str) -> layers.Layer:
    by_name = {layer.name: layer for layer in own}
    if until in by_name:
        return by_name[until]
    near = difflib.get_close_matches(until, by_name, n=3)
    ends = dict(zip(block_names(list(by_name)), by_name, strict=True))
    raise CourseError(
        f'{name} has no layer "{until}".'
        + (f" Did you mean {' or '.join(near)}?" if near else "")
        + f" Its blocks end with: {', '.join(ends.values())}."
    )


def _check_name(name: str) -> None:
    if name not in NETWORKS:
        raise CourseError(f"There is no network {name!r}. Choose one of: {', '.join(NETWORKS)}.")


def _checked_size(
    name: str, image_shape: tuple[int, int, int], upscale_to: int | None
) -> tuple[int, int]:
    """Return the height and width that the network itself will see."""
    shape = tuple(image_shape) if isinstance(image_shape, tuple | list) else ()
    if len(shape) != 3 or not all(isinstance(n, int | np.integer) and n > 0 for n in shape):
        raise CourseError(
            f"image_shape is {image_shape!r}; expected the height, width and channels of one "
            "image, such as (32, 32, 3) or data.input_shape."
        )
    if shape[2] != 3:
        raise CourseError(
            f"{name} was trained on colour images with 3 channels, but image_shape {shape} has "
            f"{shape[2]}. Repeat a grey channel three times: np.repeat(images, 3, axis=-1)."
        )
    if upscale_to is not None and (
        isinstance(upscale_to, bool) or not isinstance(upscale_to, int | np.integer)
    ):
        raise CourseError(f"upscale_to is {upscale_to!r}; expected a number of pixels, or None.")
    height, width = shape[:2] if upscale_to is None else (upscale_to, upscale_to)
    minimum = NETWORKS[name].minimum
    if min(height, width) < minimum:
        raise CourseError(
            f"{name} needs images of at least {minimum}x{minimum} pixels, but these are "
            f"{height}x{width}: its layers halve the size so often that nothing would be left. "
            f"Let the model enlarge them: "
            f'backbones.load("{name}", {shape}, upscale_to={minimum}), or more.'
        )
    return int(height), int(width)
