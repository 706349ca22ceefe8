"""The checks of exercise 01 against right and wrong answers."""

import keras
import numpy as np
import pytest
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers

import cifarlib
from cifarlib.checks import check, tasks
from cifarlib.checks.outcomes import Kind


def network(first=16, kernel=5, pool=2, padding="valid", end="softmax", scale=1 / 255, more=()):
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(scale),
            layers.Conv2D(first, kernel, padding=padding, activation="relu"),
            layers.MaxPooling2D(pool),
            layers.Conv2D(32, (3, 3), activation="relu"),
            *more,
            layers.Flatten(),
            layers.Dense(32, "relu"),
            layers.Dense(10, activation=end),
        ]
    )


def apart():
    """The same network, written in the functional way and with activations as layers."""
    images = keras.Input((28, 28, 1), name="pictures")
    x = layers.Rescaling(1.0 / 255)(images)
    x = layers.Activation("relu")(layers.Conv2D(16, (5, 5))(x))
    x = layers.MaxPooling2D()(x)
    x = layers.ReLU()(layers.Conv2D(32, 3)(x))
    x = layers.Dense(32, keras.activations.relu)(layers.Flatten()(x))
    return keras.Model(images, layers.Softmax()(layers.Dense(10)(x)))


def all_images(images, n_val):
    cut = len(images) - n_val
    return images[:cut], images[cut:]


def entropy(p, y):
    return -np.log(p[np.arange(len(y)), y]).mean()


def loop(p, y):
    total = 0.0
    for row, label in zip(p, y, strict=True):
        total -= np.log(row[label])
    return total / len(y)


def unit(rule):
    return {"to_unit": rule}


def best(rule):
    return {"best_epoch": rule}


@right_answers(
    ("01.to_unit", unit(lambda x: x.astype("float32") / 255)),
    ("01.to_unit", unit(lambda x: np.multiply(x, 1 / 255, dtype=np.float32))),
    ("01.flat_length", {"flat_length": 3200}),
    ("01.network", {"network": network()}),
    ("01.network", {"network": apart()}),
    ("01.split", {"split": all_images}),
    ("01.split", {"split": lambda x, n: [x[: len(x) - n], x[len(x) - n :]]}),
    ("01.split", {"split": lambda x, n: (x[:-n], x[-n:])}, "With 0 validation images"),
    ("01.best_epoch", best(lambda h: 1 + h["val_loss"].index(min(h["val_loss"])))),
    ("01.best_epoch", best(lambda h: np.argmin(h["val_loss"]) + 1)),
    ("01.cross_entropy", {"cross_entropy": entropy}),
    ("01.cross_entropy", {"cross_entropy": loop}),
    ("01.mistakes_avoided", {"mistakes_avoided": lambda b, a: (a - b) / (1 - b)}),
)
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("01.to_unit", unit(lambda x: x / 255), "holds float64. It must hold float32"),
    ("01.to_unit", unit(lambda x: x.astype("float32") / x.max()), "brightest pixel"),
    ("01.to_unit", unit(lambda x: x // 255), "Change the type first"),
    ("01.to_unit", unit(lambda x: (x / 255).astype("float32")[..., 0]), "channels, is missing"),
    ("01.to_unit", unit(lambda x: x.astype("float32") / 127.5 - 1), "Your values go from -0.9"),
    ("01.to_unit", unit(lambda x: (x / 255).tolist()), "must be a NumPy array"),
    ("01.flat_length", {"flat_length": 1600}, "second convolution count"),
    ("01.flat_length", {"flat_length": 100}, "This is one channel"),
    ("01.flat_length", {"flat_length": 3200.0}, "whole number"),
    ("01.network", {"network": network(first=32)}, "Layer 2 of `network`, Conv2D, has filters=32"),
    ("01.network", {"network": network(kernel=3)}, "kernel_size=(3, 3)"),
    ("01.network", {"network": network(padding="same")}, "padding='same'"),
    ("01.network", {"network": network(end="sigmoid")}, "activation='sigmoid'"),
    ("01.network", {"network": network(scale=255)}, "scale=255"),
    ("01.network", {"network": network(more=[layers.Dropout(0.5)])}, "is Dropout. It must be"),
    ("01.network", {"network": keras.Sequential(network().layers)}, "has no input shape"),
    ("01.network",
     {"network": keras.Sequential([keras.Input((28, 28, 1)), *network().layers[:-1]])},
     "lacks at its end: Dense"),
    ("01.network", {"network": "network"}, "Needed is a Keras model"),
    ("01.split", {"split": lambda x, n: (x, x[-n:])}, "shares 3 images with training: a leak"),
    ("01.split", {"split": lambda x, n: (x[: 2 * n], x[-n:])}, "1 of 10 images are in neither"),
    ("01.split", {"split": lambda x, n: (x[-n:], x[:-n])}, "wrong order"),
    ("01.split", {"split": lambda x, n: (x[n:], x[:n])}, "other images than the report"),
    ("01.split", {"split": lambda x, n: x[:-n]}, "must give two parts"),
    ("01.split", {"split": lambda x, n: (x[:-n], x[-n:]) if len(x) == 10 else (x, x)}, "a leak"),
    ("01.best_epoch", best(lambda h: int(np.argmin(h["val_loss"]))), "places in a list from 0"),
    ("01.best_epoch", best(lambda h: int(np.argmin(h["loss"])) + 1), "looks at the training"),
    ("01.best_epoch", best(lambda h: int(np.argmax(h["val_loss"])) + 1), "largest validation"),
    ("01.best_epoch", best(lambda h: h["val_loss"]), "must be a whole number"),
    ("01.best_epoch", best(3), "Needed is a function"),
    ("01.cross_entropy", {"cross_entropy": lambda p, y: entropy(p, y) * len(y)}, "the sum over"),
    ("01.cross_entropy", {"cross_entropy": lambda p, y: -entropy(p, y)}, "a minus belongs"),
    ("01.cross_entropy", {"cross_entropy": lambda p, y: entropy(p, y) / np.log(10)}, "logarithm"),
    ("01.cross_entropy", {"cross_entropy": lambda p, y: -np.log(p.max(1)).mean()}, "largest"),
    ("01.cross_entropy", {"cross_entropy": lambda p, y: -np.log(p[y]).mean()}, "stops with"),
    ("01.mistakes_avoided", {"mistakes_avoided": lambda b, a: a - b}, "difference of the"),
    ("01.mistakes_avoided", {"mistakes_avoided": lambda b, a: (1 - a) / (1 - b)}, "that is left"),
    ("01.mistakes_avoided", {"mistakes_avoided": lambda b, a: 0.5}, "whatever it is called"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_the_reports_own_slice_is_no_attempt():
    found = check.outcome("01.split", {"split": lambda x, n: (x[:n], x[-n:])})
    assert found.kind is Kind.NOT_ATTEMPTED
    assert "4 are in neither part" in found.message


@pytest.fixture(scope="module")
def trained():
    """A small trained model, and its accuracies on training, validation and test images."""
    cifarlib.set_seed(0)
    data = cifarlib.load("mnist", source="embedded", split="R0-repaired")
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Rescaling(1 / 255)])
    model.add(layers.Flatten())
    model.add(layers.Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    cifarlib.fit(model, data, epochs=12, batch_size=32)
    parts = [(data.x_train, data.y_train), (data.x_val, data.y_val), (data.x_test, data.y_test)]
    return model, [cifarlib.evaluate(model, *part).accuracy for part in parts]


@pytest.mark.training
def test_a_trained_model_with_its_true_accuracy_is_right(trained):
    model, (_, _, test) = trained
    assert_right("01.trained", {"digits_model": model, "test_accuracy": test}, "")


@pytest.mark.training
def test_accuracies_that_are_not_the_models_are_wrong(trained):
    model, (train, val, test) = trained
    for stated, message in [
        (100 * test, "a percentage"),
        (train, "its accuracy on training images"),
        (val, "its accuracy on validation images"),
        (0.5, "has another accuracy"),
        (None, ""),
        ("high", "must be a number"),
    ]:
        answers = {"digits_model": model, "test_accuracy": stated}
        if stated is None:
            assert check.outcome("01.trained", answers).kind is Kind.NOT_ATTEMPTED
        else:
            assert_wrong("01.trained", answers, message)


def test_a_model_that_was_not_trained_is_wrong():
    answers = {"digits_model": network(), "test_accuracy": 0.9}
    assert_wrong("01.trained", answers, "Needed is 80% or more")


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("01").checked:
        if task.name != "trained":  # its answers are trained above
            assert tasks_of(test_right)[f"01.{task.name}"] >= 1
            assert tasks_of(test_wrong)[f"01.{task.name}"] >= 2
