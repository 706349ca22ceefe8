"""What the checks of models find by themselves."""

import keras
import numpy as np
import pytest
from keras import layers

from cifarlib.checks import compare_models
from cifarlib.checks.outcomes import Wrong

IMAGES = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
LABELS = (IMAGES.ravel() > 127).astype(int)


def brightness(rescale):
    """Tells bright from dark, if its pixels are between 0 and 1 when they reach the dense layer."""
    model = keras.Sequential([keras.Input((1, 1, 1)), layers.Flatten(), layers.Dense(2, "softmax")])
    model.layers[-1].set_weights([np.array([[-50.0, 50.0]]), np.array([25.0, -25.0])])
    return keras.Sequential([keras.Input((1, 1, 1)), layers.Rescaling(rescale), model])


def test_accuracy_is_measured():
    found = compare_models.accuracy("m", brightness(1 / 255), IMAGES, LABELS, at_least=0.9)
    assert found == pytest.approx(1, abs=0.01)


def test_scaling_outside_the_model_is_named():
    with pytest.raises(Wrong, match=r"divided by 255 first. Put that step into the model"):
        compare_models.accuracy("m", brightness(1), IMAGES, LABELS, at_least=0.9)


def test_values_that_are_no_numbers_are_named():
    model = brightness(float("nan"))
    with pytest.raises(Wrong, match="did training break down"):
        compare_models.accuracy("m", model, IMAGES, LABELS, at_least=0.1)


def test_nested_models_are_opened():
    assert compare_models.kinds(brightness(1)) == ["Rescaling", "Flatten", "Dense"]


def test_the_largest_layer_is_named():
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(9, name="big"), layers.Dense(1)]
    )
    assert compare_models.largest_layer(model).startswith(
        "Most of them, 153, are in the layer `big`"
    )
