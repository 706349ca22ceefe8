import keras
import numpy as np
import pytest

import cifarlib
from cifarlib._support import out_of_memory
from cifarlib.errors import CourseError


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's."""


@pytest.mark.parametrize(
    "error",
    [
        ResourceExhaustedError("failed to allocate memory"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        MemoryError(),
    ],
)
def test_full_memory_is_explained(error):
    with (
        pytest.raises(CourseError, match="batch_size=16") as found,
        out_of_memory.explained("x", 32),
    ):
        raise error
    assert "Shut Down All Kernels" in str(found.value)
    assert found.value.__cause__ is error


def test_other_errors_pass():
    with pytest.raises(ValueError, match="shape"), out_of_memory.explained("training", 32):
        raise ValueError("shape (3,) is wrong")


def test_a_single_image_cannot_be_less():
    with pytest.raises(CourseError) as found, out_of_memory.explained("training", 1):
        raise MemoryError
    assert "batch_size=" not in str(found.value)


class Greedy(keras.layers.Layer):
    """Asks for more memory than any machine can address: 400 terabytes."""

    def call(self, images):
        one = keras.ops.stop_gradient(keras.ops.reshape(keras.ops.sum(images), (1, 1, 1)))
        return images + 0 * keras.ops.mean(keras.ops.tile(one, (10**5, 10**5, 10**4)))


@pytest.mark.large
def test_real_full_memory_in_training_and_prediction():
    data = cifarlib.load("mnist", source="embedded", n_train=40)
    layers = [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax"), Greedy()]
    model = keras.Sequential([keras.Input(data.input_shape), *layers])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(CourseError, match="Memory ran out while training, in batches of 8"):
        cifarlib.fit(model, data, epochs=1, batch_size=8)
    with pytest.raises(CourseError, match="Memory ran out while predicting"):
        cifarlib.evaluate(model, data.x_test[:4], np.zeros(4, int))
