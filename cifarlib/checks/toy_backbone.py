"""A small network for exercises in transfer learning, and the proof that it was left alone.

`build` stands in for VGG16 where a real one would take too long: three blocks, each with weights
of its own, made for pixels as VGG16 takes them. Its weights are drawn from a fixed seed, so they
are the same on every computer, bit for bit. It has learned nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cifarlib._support.keras_layers import chain
from cifarlib.checks.outcomes import Wrong

if TYPE_CHECKING:
    import keras

FILTERS, SEED, CONTRAST = (16, 32, 64), 16, 60.0
"""Filters of the blocks; what draws the weights; roughly the spread of pixels around their mean."""


def build() -> keras.Model:
    """Return the network: pixels minus their mean, blue first, to maps (n, 4, 4, 64).

    Its layers are called block1_conv, block1_pool, block2_conv and so on, as in VGG16.
    """
    import keras
    from keras import layers

    stack = [keras.Input((32, 32, 3))]
    for number, filters in enumerate(FILTERS, start=1):
        name = f"block{number}_"
        stack.append(
            layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"{name}conv")
        )
        stack.append(layers.MaxPooling2D(name=f"{name}pool"))
    found = keras.Sequential(stack, name="toy_backbone")
    found.set_weights(weights())
    return found


def weights() -> list[np.ndarray]:
    """Return the weights of `build`, float32: kernel and bias of each block."""
    random, channels, found = np.random.RandomState(SEED), 3, []
    for number, filters in enumerate(FILTERS):
        size = (2 / (9 * channels)) ** 0.5 / (CONTRAST if number == 0 else 1)
        found.append((size * random.standard_normal((3, 3, channels, filters))).astype("float32"))
        found.append((0.3 * random.standard_normal(filters)).astype("float32"))
        channels = filters
    return found


def blocks(name: str, given: keras.Model) -> dict[str, keras.layers.Layer]:
    """Return the convolutions of `build` inside a student's model, by block: "block1" and so on.

    Raises:
        Wrong: one of them is missing.
    """
    found = {layer.name: layer for layer in chain(given)}
    wanted = [f"block{number}" for number in range(1, len(FILTERS) + 1)]
    for block in wanted:
        if f"{block}_conv" not in found:
            raise Wrong(
                f"`{name}` has no layer `{block}_conv`. "
                "Put the whole of `toy_backbone.build()` into it."
            )
    return {block: found[f"{block}_conv"] for block in wanted}


def moved(name: str, given: keras.Model) -> dict[str, float]:
    """Return how far each block has gone from where it was: mean change over mean size.

    Weights are compared bit by bit, so 0.0 means that nothing has changed.

    Raises:
        Wrong: a block is missing, or has weights of another shape.
    """
    before, found = weights(), {}
    for i, (block, layer) in enumerate(blocks(name, given).items()):
        old, new = before[2 * i : 2 * i + 2], layer.get_weights()
        if [w.shape for w in new] != [w.shape for w in old]:
            raise Wrong(f"`{block}_conv` in `{name}` has weights of another shape than the base's.")
        change = np.mean([np.abs(n - o).mean() for n, o in zip(new, old, strict=True)])
        found[block] = float(change / np.mean([np.abs(o).mean() for o in old]))
    return found


def unchanged(name: str, given: keras.Model, frozen: Sequence[str]) -> None:
    """Check that the weights of some blocks are what they were, and that they are frozen.

    Args:
        frozen: such as ("block1", "block2").

    Raises:
        Wrong: names the first block that has changed or may still learn, and by how much.
    """
    distance = moved(name, given)
    for block in frozen:
        if distance[block] > 1:
            raise Wrong(
                f"The weights of `{block}` in `{name}` are not those of `toy_backbone.build()`: "
                "they come from another network, or were trained at far too large a rate. Begin "
                "with a fresh base."
            )
        if distance[block]:
            raise Wrong(
                f"Weights of `{block}` in `{name}` have changed, by {distance[block]:.1%} of their "
                "size, although that block is to be frozen. Freeze first, then compile, then "
                "train; and begin with a fresh `toy_backbone.build()`."
            )
    for block, layer in blocks(name, given).items():
        if block in frozen and layer.trainable_weights:
            raise Wrong(
                f"The weights of `{block}` in `{name}` have not changed yet, but they may learn: "
                "`trainable` is still true."
            )
