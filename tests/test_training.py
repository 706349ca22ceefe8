import dataclasses
import math
import re
from functools import partial

import keras
import numpy as np
import pytest
from tqdm.auto import tqdm

import cifarlib
from cifarlib import evaluate, fit, set_seed

pytestmark = pytest.mark.training


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


@pytest.fixture(params=[1, 32], ids="{} at once".format)
def at_once(request, monkeypatch):
    """Make trainings hand over that many batches, however short they are."""
    monkeypatch.setattr("cifarlib.training.SHORT_TRAINING", 0)
    monkeypatch.setattr("cifarlib.training.STEPS_PER_EXECUTION", request.param)
    return request.param


def test_many_steps_at_once_give_the_same_weights(data, at_once):
    together, _ = train(data, 3)
    assert together.steps_per_execution == at_once
    set_seed(3)
    single = small_model()
    single.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    single.fit(data.x_train, data.y_train, epochs=2, batch_size=16, verbose=0)
    for a, b in zip(together.get_weights(), single.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_short_training_takes_its_batches_one_by_one(data):
    model, _ = train(data, 0)
    assert model.steps_per_execution == 1


def test_no_batch_is_left_out_after_keras_own_calls(data, at_once):
    """Keras fixes the number of batches at once in the graphs of its first call."""
    model = small_model()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data.x_train, data.y_train, batch_size=16, verbose=0)
    model.evaluate(data.x_val, data.y_val, batch_size=16, verbose=0)
    model.predict(data.x_val, batch_size=16, verbose=0)
    run = fit(model, data, epochs=2, batch_size=16)
    assert int(model.optimizer.iterations) == 3 * math.ceil(300 / 16)
    loss, _ = model.evaluate(data.x_val, data.y_val, batch_size=16, verbose=0)
    assert loss == pytest.approx(run.last("val_loss"), rel=1e-4)
    assert model.predict(data.x_val, batch_size=16, verbose=0).shape == (len(data.x_val), 10)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts TensorFlow's graphs")
def test_the_graph_of_a_step_is_built_once(data, at_once):
    built = []

    class Counted(keras.Sequential):
        def train_step(self, batch):
            built.append(batch)
            return super().train_step(batch)

    model = Counted([keras.Input(data.input_shape), *small_model().layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit(model, data, epochs=2, batch_size=20)
    assert len(built) == 1


def test_a_model_that_was_not_compiled_is_told_so(data):
    with pytest.raises(ValueError, match="compile"):
        fit(small_model(), data, epochs=1)


def train_augmented(data, augment, seed=1):
    set_seed(seed)
    model = small_model()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, fit(model, data, epochs=3, batch_size=8, augment=augment)


def test_augment_is_asked_once_an_epoch_for_all_images(data):
    asked = []

    def note(images, epoch):
        asked.append((epoch, images is data.x_train))
        return images

    _, run = train_augmented(data, note)
    assert asked == [(0, True), (1, True), (2, True)]
    assert run.epochs == 3
    assert run.n_train == 300


def test_augmented_images_keep_their_labels_and_are_learned(data):
    before = data.x_train.copy()
    # Were images and labels shuffled apart, training would stay at one in ten.
    _, run = train_augmented(data, lambda images, epoch: images)
    _, blank = train_augmented(data, lambda images, epoch: np.zeros_like(images))
    assert run.last("accuracy") > 0.4 > 0.25 > blank.last("accuracy")
    assert np.array_equal(data.x_train, before)


def test_augmented_training_repeats_bit_for_bit(data):
    first, second, other = (
        train_augmented(data, lambda images, epoch: images, seed)[0].get_weights()
        for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_augment_must_return_one_image_for_each_label(data):
    with pytest.raises(ValueError, match=r"shape \(299, 28, 28, 1\) for images of shape \(300,"):
        train_augmented(data, lambda images, epoch: images[1:])


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
    shown = capsys.readouterr().err
    assert "epoch 2/2" in shown
    assert "accuracy=" in shown


def test_progress_bar_moves_and_ends_at_its_end(data, monkeypatch, capsys):
    """300 images in batches of 16 are 15 batches; the batches come 32 at a time."""
    monkeypatch.setenv("CIFARLIB_QUIET", "0")
    monkeypatch.setattr("cifarlib._support.progress.PATIENCE", 0)
    monkeypatch.setattr("cifarlib.training.STEPS_PER_EXECUTION", 4)
    monkeypatch.setattr("tqdm.auto.tqdm", partial(tqdm, mininterval=0))
    train(data, 0)
    counted = re.findall(r"(\d+)/(\S+) \[", capsys.readouterr().err)
    total = str(2 * math.ceil(len(data.x_train) / 16))
    assert {ends for _, ends in counted} == {total}
    assert len({done for done, _ in counted}) > 3
    assert (total, total) in counted
