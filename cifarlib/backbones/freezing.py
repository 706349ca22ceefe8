"""Which layers of an ImageNet base may learn, and the proof that the others did not.

Everything here works on a base and on a larger model that has one in it. `cifarlib.backbones.base`
offers these functions under its own name: `backbones.freeze(model)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import keras
from keras import layers

from cifarlib import parameters
from cifarlib._support.digests import array_digest
from cifarlib._support.keras_layers import leaf_layers
from cifarlib._support.tables import Table
from cifarlib.backbones.weights import Weights
from cifarlib.errors import CourseError

_ORIGIN = "_cifarlib_base"
_BLOCK = re.compile(r"(block\d+|conv\d+|stem|top|post)(?=[_a-z]|$)")  # how layers' names begin
_MOBILENET = re.compile(r"conv_(?:dw|pw|pad)_(\d+)")
_INCEPTION = re.compile(r"mixed\d+")


class LayerOrigin(NamedTuple):
    """What each layer of a base carries: where its weights came from, and its block."""

    weights: Weights
    block: str


def freeze(model: keras.Model) -> None:
    """Freeze the ImageNet base in `model`; a head on it stays as it is.

    Training then changes no weight of the base, and its BatchNormalization layers use the
    statistics they brought along. Compile the model afterwards, not before.

    Raises:
        CourseError: no layer of the model comes from `backbones.load`.
    """
    _let_learn(model, [])
    for part in [model, *_models(model)]:
        if all(origin_of(layer) or not layer.weights for _, layer in leaf_layers(part)):
            part.trainable = False


def unfreeze(model: keras.Model, from_block: str | None = None) -> None:
    """Let the ImageNet base in `model` learn: all of it, or from one block to its end.

    BatchNormalization layers stay frozen: a small data set would spoil their statistics. All
    blocks before `from_block` are frozen. Compile the model afterwards, not before.

    Args:
        from_block: the first block to learn, such as "block5", or the name of a layer; `blocks`
            has them all.

    Raises:
        CourseError: there is no such block, or no layer of the model comes from `backbones.load`.
    """
    base, grouped = _base(model), blocks(model)
    start = 0
    if from_block is not None:
        names = [layer.name for layer in base]
        first = grouped.get(from_block, [from_block])[0]
        if first not in names:
            raise CourseError(
                f'The base in "{model.name}" has no block "{from_block}". '
                f"Choose one of: {', '.join(grouped)}; or name a layer."
            )
        start = names.index(first)
    normal = layers.BatchNormalization
    _let_learn(model, [layer for layer in base[start:] if not isinstance(layer, normal)])


def blocks(model: keras.Model) -> dict[str, list[str]]:
    """Return the blocks of the base in `model`, in order: name, and the names of its layers.

    The names are those that the layers' names begin with ("block1", "conv2", "stem"). For
    MobileNet "block7" is the pair `conv_dw_7` and `conv_pw_7`; InceptionV3 has a "stem" and then
    the blocks that end in the layers `mixed0` to `mixed10`.

    Raises:
        CourseError: no layer of the model comes from `backbones.load`.
    """
    grouped: dict[str, list[str]] = {}
    for layer in _base(model):
        grouped.setdefault(origin_of(layer).block, []).append(layer.name)
    return grouped


def layer_table(model: keras.Model, caption: str = "") -> Table:
    """Return a table of all layers: type, output shape, parameters, and whether they may learn.

    Layers without parameters have no flag. Half the numbers of a BatchNormalization layer are
    never fitted but measured; they count as frozen also where the layer may learn.
    """
    rows = [
        (
            row.name,
            row.kind,
            "x".join(map(str, row.shape_out)),
            row.parameters,
            ("yes" if row.trainable else "no") if row.parameters else "",
            row.trainable,
            row.non_trainable,
        )
        for row in parameters.derive(model)
    ]
    headers = ["Layer", "Type", "Shape out", "Parameters", "Trainable?", "Trainable", "Frozen"]
    sums = [sum(row[column] for row in rows) for column in (3, 5, 6)]
    return Table(headers, rows, caption, ("Total", "", "", sums[0], "", *sums[1:]))


def fingerprint(model: keras.Model) -> dict[str, str]:
    """Return a SHA-256 digest of each layer's weights, by name; inside a base "base/layer".

    Two fingerprints tell which layers have changed between them: see `changed`.
    """
    return {
        name: array_digest(tuple(layer.get_weights()))
        for name, layer in leaf_layers(model)
        if layer.weights
    }


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the names of the layers whose weights differ between two fingerprints.

    Raises:
        CourseError: the fingerprints are not of the same model.
    """
    if before.keys() != after.keys():
        other = sorted(before.keys() ^ after.keys())
        raise CourseError(
            "These are fingerprints of two different models: only one of them has "
            f"{', '.join(other[:3])}. Take both of the same model, before and after training."
        )
    return [name for name in before if before[name] != after[name]]


def origin_of(layer: layers.Layer) -> LayerOrigin | None:
    """Return what `set_origins` noted on a layer; None for a layer that is in no base."""
    return getattr(layer, _ORIGIN, None)


def set_origins(own: list[layers.Layer], weights: Weights) -> None:
    """Note on the layers of a whole network, in order, where their weights are from."""
    for layer, block in zip(own, block_names([layer.name for layer in own]), strict=True):
        setattr(layer, _ORIGIN, LayerOrigin(weights, block))


def block_names(names: list[str]) -> list[str]:
    """Return the block of each layer of a whole network, from the layers' names in order."""
    if any(_INCEPTION.fullmatch(name) for name in names):
        return _inception_blocks(names)
    found, current = [], ""
    for name in names:
        numbered, plain = _MOBILENET.match(name), _BLOCK.match(name)
        current = f"block{numbered[1]}" if numbered else plain[1] if plain else current
        found.append(current)
    return found


def _inception_blocks(names: list[str]) -> list[str]:
    """The stem ends with the second pooling, each block with the layer of its own name."""
    found, pools, done = [], 0, 0
    for name in names:
        found.append(f"mixed{done}" if pools >= 2 else "stem")
        pools += name.startswith("max_pooling2d")
        done += bool(_INCEPTION.fullmatch(name))
    return found


def _base(model: keras.Model) -> list[layers.Layer]:
    base = [layer for _, layer in leaf_layers(model) if origin_of(layer)]
    if not base:
        raise CourseError(
            f'No layer of the model "{model.name}" comes from backbones.load, so there is no base '
            "in it. Build it on backbones.load(...), or set `layer.trainable` yourself. (A model "
            "that was saved and loaded again no longer knows its base.)"
        )
    return base


def _models(model: keras.Model) -> Iterator[keras.Model]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield layer
            yield from _models(layer)


def _let_learn(model: keras.Model, learning: list[layers.Layer]) -> None:
    """Make these layers of the base trainable and its others not; leave the head alone."""
    base = {id(layer) for layer in _base(model)}
    wanted = {id(layer) for layer in learning}
    head = [(layer, layer.trainable) for _, layer in leaf_layers(model) if id(layer) not in base]
    for part in [model, *_models(model)]:  # one by one: where a model's flag is True already,
        part.trainable = True  # setting it again does not reach the models inside it
    for _, layer in leaf_layers(model):
        if id(layer) in base:
            layer.trainable = id(layer) in wanted
    for layer, flag in head:
        layer.trainable = flag
