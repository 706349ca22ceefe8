"""The data that needs no network: the same bits everywhere, learnable but not trivial."""

from __future__ import annotations

import numpy as np
import pytest

from cifarlib._support.digests import array_digest
from cifarlib.data import synthetic_data


def test_shapes_are_the_same_bits_everywhere():
    assert (
        array_digest(synthetic_data.shapes())
        == "359355644a1d68f54eaaf5cfd305b8747176f82ae46dd8183a30fd60a6eafb42"
    )


def test_digits_are_the_same_bits_everywhere():
    assert (
        array_digest(synthetic_data.digits())
        == "b098906a6eb0077ccba631f3e1c139454d080c278c47a35b2949a4227f206720"
    )


def test_shapes_have_cifar10s_form_and_equal_classes():
    x_train, y_train, x_test, y_test = synthetic_data.shapes()
    assert (x_train.shape, x_test.shape) == ((2_500, 32, 32, 3), (500, 32, 32, 3))
    assert (x_train.dtype, y_train.dtype) == (np.uint8, np.int32)
    assert np.bincount(y_train).tolist() == [250] * 10
    assert np.bincount(y_test).tolist() == [50] * 10
    assert len(set(synthetic_data.SHAPE_NAMES)) == 10


def test_digits_have_mnists_form():
    x_train, y_train, x_test, y_test = synthetic_data.digits()
    assert (x_train.shape, x_test.shape) == ((1_297, 28, 28, 1), (500, 28, 28, 1))
    assert (x_train.dtype, y_train.dtype) == (np.uint8, np.int32)
    assert (x_train.min(), x_train.max()) == (0, 255)
    assert set(y_test) == set(range(10))


def test_no_test_image_is_a_training_image():
    for x_train, _, x_test, _ in (synthetic_data.shapes(), synthetic_data.digits()):
        assert not {image.tobytes() for image in x_train} & {image.tobytes() for image in x_test}


@pytest.mark.training
def test_a_small_cnn_learns_the_shapes_and_a_linear_model_does_not():
    """After 5 epochs with seeds 0, 1 and 2 the CNN reached 0.84, 0.84 and 0.94."""
    import keras
    from keras import layers
    from sklearn.linear_model import RidgeClassifier

    x_train, y_train, x_test, y_test = synthetic_data.shapes()
    x_train, y_train = x_train[:2_000], y_train[:2_000]
    flat_train, flat_test = (x.reshape(len(x), -1) / np.float32(255) for x in (x_train, x_test))
    linear = RidgeClassifier(alpha=100).fit(flat_train, y_train).score(flat_test, y_test)

    keras.utils.set_random_seed(0)
    cnn = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    cnn.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    cnn.fit(x_train, y_train, epochs=3, batch_size=32, verbose=0)
    _, learned = cnn.evaluate(x_test, y_test, verbose=0)

    assert linear < 0.3
    assert learned > 0.5
