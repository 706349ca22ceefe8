"""Keras models cross as architecture and weights: exactly, or not at all."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from keras import layers

from cifarlib.augmentation import PaddedCrop
from cifarlib.grader import codec
from cifarlib.grader.exceptions import NotPlainError
from cifarlib.grader.model_deserialization import rebuild


def sequential() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip(),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer=keras.regularizers.L2(0.1)),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )


def functional() -> keras.Model:
    base = sequential()
    base.trainable = False
    inputs = keras.Input((8, 8, 3))
    x = base(inputs / 2.0 - 1.0, training=False)
    y = keras.ops.mean(inputs, axis=(1, 2))
    return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()([x, y])))


def compiled() -> keras.Model:
    model = sequential()
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9)
    loss = keras.losses.SparseCategoricalCrossentropy()
    model.compile(keras.optimizers.Adam(rate), loss=loss, metrics=["accuracy"])
    return model


def recurrent() -> keras.Model:
    return keras.Sequential([keras.Input((5, 2)), layers.Bidirectional(layers.LSTM(3))])


@pytest.mark.parametrize("build", [sequential, functional, compiled, recurrent])
def test_plain_models_come_back_as_they_were(build):
    model = build()
    copy = codec.loads(codec.dumps(model))
    shape = (2, *model.input_shape[1:])
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    assert np.array_equal(model.predict(inputs, verbose=0), copy.predict(inputs, verbose=0))
    assert [w.trainable for w in model.weights] == [w.trainable for w in copy.weights]
    assert [layer.name for layer in model.layers] == [layer.name for layer in copy.layers]
    assert model.to_json() == copy.to_json()


def test_what_it_was_compiled_with_comes_back():
    copy = codec.loads(codec.dumps(compiled()))
    assert isinstance(copy.optimizer, keras.optimizers.Adam)
    assert isinstance(copy.loss, keras.losses.SparseCategoricalCrossentropy)


def test_a_loss_of_ones_own_is_left_out():
    model = sequential()
    model.compile("adam", loss=lambda right, given: 0.0)
    copy = codec.loads(codec.dumps(model))
    assert not copy.compiled


def test_layers_of_this_course_come_back():
    model = keras.Sequential([keras.Input((8, 8, 3)), PaddedCrop(2), layers.Flatten()])
    assert isinstance(codec.loads(codec.dumps(model)).layers[0], PaddedCrop)


def test_a_lambda_layer_is_refused():
    model = keras.Sequential([keras.Input((3,)), layers.Lambda(lambda x: x + 1)])
    with pytest.raises(NotPlainError, match=r"carries Python code \(Lambda\)"):
        codec.loads(codec.dumps(model))


def test_a_class_of_ones_own_is_refused():
    class Mine(layers.Layer):
        def call(self, x):
            return x

    model = keras.Sequential([keras.Input((3,)), Mine()])
    with pytest.raises(NotPlainError, match="not one of Keras's own \\(Mine\\)"):
        codec.loads(codec.dumps(model))


def test_a_model_class_of_ones_own_is_refused():
    class Mine(keras.Model):
        def call(self, x):
            return x

        def get_config(self):
            return {"layers": []}

    with pytest.raises(NotPlainError):
        codec.loads(codec.dumps(Mine()))


def _forged(**part: object) -> str:
    """Return the architecture of a network with a forged part in it."""
    config = json.loads(keras.Sequential([keras.Input((3,)), layers.Dense(2)]).to_json())
    config["config"]["layers"][1] |= part
    return json.dumps(config)


SYSTEM = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
FORGED = {
    "function": {"config": {"units": 2, "activation": SYSTEM}},
    "builtin": {
        "config": {"units": 2, "activation": SYSTEM | {"config": "exec", "module": "builtins"}}
    },
    "module": {"module": "subprocess", "class_name": "Popen", "config": {"args": ["id"]}},
    "download": {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "x"}},
    "loader": {"module": "keras.saving", "class_name": "load_model", "config": {}},
    "saved_model": {"class_name": "TFSMLayer", "config": {"filepath": "/etc"}},
    "lambda": {"config": {"units": 2, "activation": {"class_name": "__lambda__", "config": {}}}},
    "lambda_with_module": {"config": {"a": {"class_name": "Lambda", "module": "keras.layers"}}},
    "type_spec": {
        "config": {"a": {"class_name": "__typespec__", "spec_name": "system", "module": "os"}}
    },
    "no_module": {"module": None, "class_name": "Dense"},
    "registered": {"registered_name": "other>Dense"},
    "ours_by_another_name": {"registered_name": "cifarlib>PaddedCrop>Lambda"},
    "private": {"module": "keras.src.layers.core.lambda_layer", "class_name": "Lambda"},
    "not_a_layer": {"module": "keras.layers", "class_name": "__builtins__"},
    "function_in_layers": {"module": "keras.layers", "class_name": "deserialize"},
    "no_text": {"class_name": {"a": 1}, "module": ["keras.layers"]},
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_architectures_are_refused(name):
    with pytest.raises(NotPlainError):
        rebuild(_forged(**FORGED[name]), [np.zeros((3, 2)), np.zeros(2)])


@pytest.mark.parametrize(
    ("architecture", "weights"),
    [
        ("[" * 100_000, []),
        ("null", []),
        ('{"class_name": "Sequential"}', []),
        (_forged(), []),
        (_forged(), [np.zeros((3, 3)), np.zeros(2)]),
        (_forged(), [np.array(["a"]), np.zeros(2)]),
    ],
)
def test_what_is_no_model_is_refused(architecture, weights):
    with pytest.raises(NotPlainError):
        rebuild(architecture, weights)


def test_nothing_runs_while_a_forged_architecture_is_read(tmp_path):
    part = SYSTEM | {"config": f"touch {tmp_path / 'ran'}"}
    with pytest.raises(NotPlainError):
        rebuild(_forged(config={"units": 2, "activation": part}), [])
    assert not list(tmp_path.iterdir())
