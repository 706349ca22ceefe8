"""How pixels have to be prepared for a pretrained network, and the ways in which it goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cifarlib._support.keras_layers import chain
from cifarlib.checks.outcomes import Wrong

if TYPE_CHECKING:
    import keras

MEAN_BGR = np.array([103.939, 116.779, 123.68])  # ImageNet's, as VGG16 was trained with


def prepared(images: np.ndarray) -> np.ndarray:
    """Return images 0-255 as VGG16 takes them: blue first, minus the mean colour; float32."""
    return (images[..., ::-1] - MEAN_BGR).astype("float32")


Slip = tuple[str, Callable[[np.ndarray], np.ndarray]]
SLIPS: list[Slip] = [
    ("These are the pixels as they came: nothing was prepared.", lambda x: x.astype("float32")),
    ("These pixels are divided by 255, as for a network that learns from nothing. A trained one "
     "must be fed as it was trained.", lambda x: x / 255),
    ("These pixels go from -1 to 1. Other networks were trained so; VGG16 was not.",
     lambda x: x / 127.5 - 1),
    ("The mean colour is subtracted, but the colours are still in the order red, green, blue.",
     lambda x: x - MEAN_BGR[::-1]),
    ("The mean of blue is subtracted from red: turn the order of the colours round first.",
     lambda x: x - MEAN_BGR),
    ("Blue comes first, but the means are still in the order red, green, blue.",
     lambda x: x[..., ::-1] - MEAN_BGR[::-1]),
    ("Blue comes first, but the mean colour is not subtracted.", lambda x: x[..., ::-1] + 0.0),
    ("Order and mean are right. Do not divide by 255 on top of it.",
     lambda x: (x[..., ::-1] - MEAN_BGR) / 255),
    ("They are prepared twice.", lambda x: prepared(prepared(x))),
]  # fmt: skip


def fed_right(name: str, given: keras.Model, first: str, images: np.ndarray) -> None:
    """Check what reaches the layer `first` of a model, a chain of layers, for images 0-255.

    Raises:
        Wrong: it is something else than `prepared` images; well-known slips are named.
    """
    arrives, needed = _arrives(name, given, first, images), prepared(images)
    if arrives.shape == needed.shape and np.allclose(arrives, needed, atol=0.01):
        return
    for remark, slip in SLIPS:
        wrong = slip(images)
        if arrives.shape == wrong.shape and np.allclose(arrives, wrong, atol=1e-3):
            raise Wrong(f"What reaches `{first}` in `{name}`: {remark}")
    raise Wrong(
        f"What reaches `{first}` in `{name}` has shape {arrives.shape[1:]} for an image, and goes "
        f"from {arrives.min():.4g} to {arrives.max():.4g}. It must have {needed.shape[1:]}, and go "
        f"from {needed.min():.4g} to {needed.max():.4g} for the same images."
    )


def _arrives(name: str, given: keras.Model, first: str, images: np.ndarray) -> np.ndarray:
    x = images.astype("float32")
    try:
        for layer in chain(given):
            if layer.name == first:
                return np.asarray(x)
            x = layer(x)
    except Exception as error:
        raise Wrong(
            f"`{name}` could not be followed to `{first}` ({type(error).__name__}). "
            "Build it as a chain: `keras.Sequential([...])`."
        ) from None
    raise Wrong(f"`{name}` has no layer `{first}`.")
