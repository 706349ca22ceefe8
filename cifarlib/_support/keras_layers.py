"""The layers of a model whose layers may be models; nothing here loads Keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

RUNS_CODE = frozenset({"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
"""Keras's own layers that run a function or a module which is not Keras's."""


def leaf_layers(model: keras.Model, prefix: str = "") -> Iterator[tuple[str, keras.layers.Layer]]:
    """Yield name and layer of all layers in order; nested models are opened, "model/layer"."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from leaf_layers(layer, f"{prefix}{layer.name}/")
        else:
            yield prefix + layer.name, layer


def chain(model: keras.Model) -> list[keras.layers.Layer]:
    """Return all layers of a model in order, nested models opened, without its inputs."""
    found = (layer for _, layer in leaf_layers(model))
    return [layer for layer in found if type(layer).__name__ != "InputLayer"]
