"""Judging Keras models: against a specification, by their count, and by what they predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cifarlib._support.keras_layers import chain
from cifarlib.checks.compare_values import brief, plain
from cifarlib.checks.outcomes import Wrong

if TYPE_CHECKING:
    import keras

_SETTINGS = {
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "use_bias", "activation"),
    "Dense": ("units", "use_bias", "activation"),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "AveragePooling2D": ("pool_size", "strides", "padding"),
    "Dropout": ("rate",),
    "LeakyReLU": ("negative_slope",),
    "Rescaling": ("scale", "offset"),
    "RandomFlip": ("mode",),
    "RandomTranslation": ("height_factor", "width_factor", "fill_mode"),
}
"""What is compared, for each kind of layer. Others have to be of the right kind only."""

_ACTIVATIONS = {"Activation": None, "ReLU": "relu", "Softmax": "softmax"}  # None: in its settings
Layer = dict[str, Any]


def model(name: str, value: Any, shape: Sequence[int], classes: int | None = None) -> keras.Model:
    """Return `value` if it is a Keras model for images of `shape`.

    Args:
        classes: the length of its output, where that is asked for.

    Raises:
        Wrong: it is none, has no input shape, or other shapes.
    """
    import keras

    if isinstance(value, type) or not isinstance(value, keras.Model):
        extra = " Did you forget to call it?" if callable(value) else ""
        raise Wrong(f"`{name}` is {brief(value)}. Needed is a Keras model.{extra}")
    if getattr(value, "inputs", None) is None:
        raise Wrong(
            f"`{name}` has no input shape, so its layers have no sizes. "
            f"Begin it with `keras.Input({tuple(shape)})`."
        )
    given = tuple(value.input_shape[1:])
    if given != tuple(shape):
        raise Wrong(f"`{name}` takes images of shape {given}. It must take {tuple(shape)}.")
    if classes is not None and tuple(value.output_shape[1:]) != (classes,):
        raise Wrong(
            f"`{name}` gives {tuple(value.output_shape[1:])} for an image. "
            f"It must give {classes} numbers, one a class: shape {(classes,)}."
        )
    return value


def same_layers(name: str, given: keras.Model, needed: keras.Model) -> None:
    """Compare two models layer by layer: kind, settings, output shape.

    Activations may stand in the layer or behind it; nested models are opened; names do not count.

    Raises:
        Wrong: names the first layer that differs, what it is and what it must be.
    """
    mine, right = _layers(given), _layers(needed)
    for number, (layer, wanted) in enumerate(zip(mine, right, strict=False), start=1):
        place = f"Layer {number} of `{name}`"
        if layer["kind"] != wanted["kind"]:
            raise Wrong(f"{place} is {layer['kind']}. It must be {wanted['kind']}.")
        for setting in _SETTINGS.get(layer["kind"], ()):
            if not _equal(layer[setting], wanted[setting]):
                raise Wrong(
                    f"{place}, {layer['kind']}, has {setting}={layer[setting]!r}. "
                    f"It must be {wanted[setting]!r}."
                )
        if layer["shape"] != wanted["shape"]:
            raise Wrong(
                f"{place}, {layer['kind']}, gives {layer['shape']}. It must be {wanted['shape']}."
            )
    if len(mine) != len(right):
        kinds = ", ".join(layer["kind"] for layer in (right[len(mine) :] or mine[len(right) :]))
        verb = "lacks" if len(mine) < len(right) else "must not have"
        raise Wrong(f"`{name}` {verb} at its end: {kinds}.")


def kinds(given: keras.Model) -> list[str]:
    """Return the kinds of a model's layers in order, such as "Conv2D"; nested models opened."""
    return [layer["kind"] for layer in _layers(given)]


def last_activation(given: keras.Model) -> str:
    """Return the name of the activation at a model's end; "linear" if it has none."""
    return _layers(given)[-1].get("activation", "linear")


def largest_layer(given: keras.Model) -> str:
    """Return a sentence about the layer with most parameters."""
    layer = max(chain(given), key=lambda layer: layer.count_params())
    return (
        f"Most of them, {layer.count_params():,}, are in the layer `{layer.name}` "
        f"({type(layer).__name__})."
    )


def probabilities(name: str, given: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return what a model gives for images, `(n, classes)`, as checked probabilities.

    Raises:
        Wrong: it cannot take the images, or its rows are no probabilities.
    """
    try:
        found = np.asarray(given.predict(images, batch_size=250, verbose=0), dtype="float64")
    except Exception as error:
        raise Wrong(f"`{name}` cannot take these images: {str(error)[:300]}") from None
    if not np.isfinite(found).all():
        raise Wrong(f"`{name}` gives values that are no numbers: did training break down?")
    if (found < -1e-6).any() or not np.allclose(found.sum(axis=1), 1, atol=1e-3):
        raise Wrong(
            f"What `{name}` gives for an image does not add up to 1, so these are no "
            'probabilities. Give the last layer `activation="softmax"`.'
        )
    return found


def accuracy(
    name: str, given: keras.Model, images: np.ndarray, labels: np.ndarray, *, at_least: float
) -> float:
    """Predict images and return the share of right answers; nothing is believed.

    Args:
        images: uint8, as `cifarlib.load` gives them.

    Raises:
        Wrong: it is below `at_least`, or the model wants its images divided by 255 first.
    """
    found = float(np.mean(probabilities(name, given, images).argmax(axis=1) == labels))
    if found >= at_least:
        return found
    scaled = probabilities(name, given, images.astype("float32") / 255).argmax(axis=1)
    with_scaling = float(np.mean(scaled == labels))
    if with_scaling >= at_least:
        raise Wrong(
            f"`{name}` is right on {found:.1%} of these images, and on {with_scaling:.1%} if they "
            "are divided by 255 first. Put that step into the model: "
            "`layers.Rescaling(1 / 255)` right after the input."
        )
    raise Wrong(
        f"`{name}` is right on {found:.1%} of {len(labels):,} images that it must not have learned "
        f"from. Needed is {at_least:.0%} or more."
    )


def stated(name: str, value: Any, measured: float, others: dict[str, float] | None = None) -> None:
    """Compare an accuracy that a student states with the one that was measured here.

    Args:
        others: figures that are easily mistaken for it, under their names.

    Raises:
        Wrong: they differ by more than half a point.
    """
    given = plain(value, f"`{name}`")
    if type(given) not in (int, float):
        raise Wrong(f"`{name}` is {brief(given)}. It must be a number.")
    if abs(given - measured) <= 0.005:
        return
    if abs(given - 100 * measured) <= 0.5:
        raise Wrong(f"`{name}` is {given:.4g}, a percentage. Give the fraction, {given / 100:.4g}.")
    for what, figure in (others or {}).items():
        if abs(given - figure) <= 0.005:
            raise Wrong(f"`{name}` is {given:.4g}: that is {what}.")
    raise Wrong(
        f"`{name}` is {given:.4g}, but your model as it is now has another accuracy on the test "
        "images. Evaluate it again, after its last training."
    )


def _layers(given: keras.Model) -> list[Layer]:
    """Describe the layers of a model; an activation layer is joined to the layer before it."""
    found: list[Layer] = []
    for layer in chain(given):
        kind, config = type(layer).__name__, layer.get_config()
        if kind in _ACTIVATIONS and found and found[-1].get("activation") == "linear":
            found[-1]["activation"] = _ACTIVATIONS[kind] or _name(config["activation"])
            continue
        entry = {key: config.get(key) for key in _SETTINGS.get(kind, ())}
        if "activation" in entry:
            entry["activation"] = _name(entry["activation"])
        shape = tuple(layer.output.shape[1:])
        found.append({"kind": kind, "shape": shape, **entry})
    return found


def _name(activation: Any) -> str:
    """Keras writes an activation as its name, or as a config with the name in it."""
    if isinstance(activation, dict):
        return str(activation.get("config", activation.get("class_name")))
    return str(activation)


def _equal(given: Any, needed: Any) -> bool:
    if isinstance(given, int | float) and isinstance(needed, int | float):
        return abs(given - needed) <= 1e-6 * max(1.0, abs(needed))
    if isinstance(given, list | tuple) and isinstance(needed, list | tuple):
        return list(given) == list(needed)
    return given == needed
