import dataclasses

import keras
import numpy as np
import pytest

import cifarlib
from cifarlib import evaluate, fit, set_seed


@pytest.fixture(scope="module")
def data():
    return cifarlib.load("mnist", source="embedded", n_train=300)


def small_model():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, strides=2, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def train(data, seed):
    set_seed(seed)
    model = small_model()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, fit(model, data, epochs=2, batch_size=16)


def test_history_has_one_value_an_epoch(data):
    _, run = train(data, 0)
    assert run.epochs == 2
    assert run.n_train == 300
    assert set(run.history) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert all(len(values) == 2 for values in run.history.values())
    assert run.seconds == sum(run.epoch_seconds) > 0
    assert "2 epochs on 300 images" in str(run)


def test_a_run_comes_back_from_the_ledger(data):
    _, run = train(data, 0)
    back = cifarlib.Run.from_dict(run.as_dict())
    assert (back.epochs, back.batch_size, back.n_train) == (2, 16, 300)
    assert back.last("val_loss") == pytest.approx(run.last("val_loss"), abs=1e-4)


def test_same_seed_same_bits_other_seed_other_bits(data):
    (first, run_first), (second, run_second), (other, _) = (
        train(data, 1),
        train(data, 1),
        train(data, 2),
    )
    assert run_first.history == run_second.history
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_many_steps_at_once_give_the_same_weights(data, monkeypatch):
    together, _ = train(data, 3)
    monkeypatch.setattr("cifarlib.training.STEPS_PER_EXECUTION", 1)
    single, _ = train(data, 3)
    for a, b in zip(together.get_weights(), single.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluation_agrees_with_keras(data):
    model, _ = train(data, 0)
    ours = evaluate(model, data.x_test, data.y_test)
    loss, accuracy = model.evaluate(data.x_test, data.y_test, verbose=0)
    assert ours.accuracy == pytest.approx(accuracy)
    assert ours.loss == pytest.approx(loss, rel=1e-4)


def test_progress_bar_is_quiet_when_asked(data, monkeypatch, capsys):
    monkeypatch.setenv("CIFARLIB_QUIET", "1")
    train(data, 0)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("CIFARLIB_QUIET", "0")
    train(dataclasses.replace(data), 0)
    assert "epoch 2/2" in capsys.readouterr().err
