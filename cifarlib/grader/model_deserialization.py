"""Rebuilding a student's Keras model from its architecture and weights, and nothing else.

Keras's own loading refuses Python code in an architecture, but will look up any class or function
that Keras exports. Here only layers, operations and their settings are looked up, by name, from a
list of modules.
"""

from __future__ import annotations

import importlib
import json
from typing import Any

import numpy as np

from cifarlib._support.keras_layers import RUNS_CODE
from cifarlib.grader.exceptions import NotPlainError

# Where a class of a plain model may come from, and what it must be.
PARTS = {
    "keras.layers": "Layer",
    "keras.initializers": "initializers.Initializer",
    "keras.regularizers": "regularizers.Regularizer",
    "keras.constraints": "constraints.Constraint",
    "keras.optimizers": "optimizers.Optimizer",
    "keras.optimizers.schedules": "optimizers.schedules.LearningRateSchedule",
    "keras.losses": "losses.Loss",
    "keras.metrics": "metrics.Metric",
    "keras.src.ops.numpy": "Operation",
    "keras.src.ops.nn": "Operation",
    "keras.src.ops.math": "Operation",
    "keras.src.ops.image": "Operation",
}
WHOLE = {
    ("keras", "Sequential"),
    ("keras", "Functional"),
    ("keras.src.models.functional", "Functional"),
    ("keras", "DTypePolicy"),
    ("keras.dtype_policies", "DTypePolicy"),
    ("keras.src.ops.core", "Cast"),
    ("keras.src.ops.core", "StopGradient"),
}
OURS = {  # layers of this course, by the name under which they are registered
    "cifarlib>CaffeColors": "cifarlib.backbones",
    "cifarlib>PaddedCrop": "cifarlib.augmentation",
    "cifarlib>RandomAffine": "cifarlib.augmentation",
}
FUNCTIONS = ("builtins", "keras.activations", "keras.losses", "keras.metrics")
VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__", "__bytes__")


def rebuild(architecture: str, weights: list[np.ndarray]) -> Any:
    """Return a `keras.Model` with this architecture (as `to_json` writes it) and these weights.

    It is compiled as the student's was, unless a custom loss or metric took part in that.

    Raises:
        NotPlainError: a layer is not one of Keras's own, or the weights do not fit.
    """
    import keras

    try:
        config = json.loads(architecture)
        compiled = config.pop("compile_config", None)
        _check(config)
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
        if not isinstance(model, keras.Model):
            raise NotPlainError("it is not a Keras model")
        model.set_weights(weights)
        _set_trainable(model, json.loads(architecture))
    except NotPlainError:
        raise
    except Exception as error:
        text = f"it is a model that could not be rebuilt from its layers ({type(error).__name__})"
        raise NotPlainError(text) from error
    _compile(model, compiled)
    return model


def _set_trainable(model: Any, config: dict) -> None:
    """Set what is frozen from the architecture; Keras forgets it for a model inside a model."""
    import keras

    inside = config["config"]
    model.trainable = inside.get("trainable", model.trainable)
    layers = {layer.name: layer for layer in model.layers}
    for part in inside["layers"]:
        layer = layers.get(part["config"].get("name"))
        if isinstance(layer, keras.Model):
            _set_trainable(layer, part)
        elif layer is not None:
            layer.trainable = part["config"].get("trainable", layer.trainable)


def _compile(model: Any, compiled: Any) -> None:
    if not compiled:
        return
    try:
        _check(compiled)
        model.compile_from_config(compiled)
    except Exception:
        model.compiled = False


def _check(config: Any) -> None:
    """Refuse an architecture that names anything but plain parts of models."""
    if isinstance(config, list):
        for item in config:
            _check(item)
    elif isinstance(config, dict):
        if "class_name" in config or "module" in config or "registered_name" in config:
            _check_name(config)
        for value in config.values():
            _check(value)


def _check_name(config: dict) -> None:
    name, module = config.get("class_name"), config.get("module")
    registered = config.get("registered_name")
    if name in VALUES and module is None and registered is None:
        return
    if name in RUNS_CODE or name == "__lambda__":
        raise NotPlainError(f"the model has a layer that carries Python code ({name})")
    if registered in OURS:
        importlib.import_module(OURS[registered])
        return
    if name == "function" and module in FUNCTIONS and registered == config.get("config"):
        return
    known = (module, name) in WHOLE or (module in PARTS and _is_part(module, str(name)))
    if known and registered in (None, name):
        return
    raise NotPlainError(f"the model has a part that is not one of Keras's own ({str(name)[:60]})")


def _is_part(module: str, name: str) -> bool:
    import keras

    found, kind = getattr(importlib.import_module(module), name, None), keras
    for step in PARTS[module].split("."):
        kind = getattr(kind, step)
    return isinstance(found, type) and issubclass(found, kind)
