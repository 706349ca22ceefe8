"""The checks of exercise 03 against right and wrong answers."""

import keras
import numpy as np
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers

from cifarlib import ledger
from cifarlib.checks import check, tasks
from cifarlib.checks.assignments import a03_cifar10_cnn as a03
from cifarlib.data import synthetic_data


def majority(train, test):
    return float((test == np.bincount(train).argmax()).mean())


def split(labels, share, seed, least=0, same=()):
    """Right, unless told to put too few of a class or some images twice."""
    random, chosen = np.random.default_rng(seed), []
    for label in np.unique(labels):
        places = random.permutation(np.flatnonzero(labels == label))
        chosen.append(places[: max(round(share * len(places)) - least, 0)])
    validation = np.concatenate(chosen)
    train = np.setdiff1d(np.arange(len(labels)), validation)
    return np.concatenate([train, validation[list(same)]]), validation


def first_of_each(labels, share, seed):
    order = np.argsort(labels, kind="stable")
    chosen = [order[labels[order] == k][: round(share * np.sum(labels == k))] for k in range(4)]
    validation = np.concatenate(chosen)
    return np.setdiff1d(np.arange(len(labels)), validation), validation


def by_chance(labels, share, seed):
    order = np.argsort(labels)  # the worst that chance can do: whole classes
    order = np.roll(order, seed)
    cut = round(share * len(labels))
    return order[cut:], order[:cut]


def unseeded(labels, share, seed):
    return split(labels, share, None)


def pixels(images, order, back=False):
    n, h, w, c = images.shape
    order = np.argsort(order) if back else order
    return images.reshape(n, h * w, c)[:, order].reshape(images.shape)


def one_by_one(images, order):
    out = np.empty_like(images)
    width = images.shape[2]
    for new, old in enumerate(order):
        out[:, new // width, new % width] = images[:, old // width, old % width]
    return out


def gain(before, after):
    return 100 * np.mean([after[s] - before[s] for s in before.keys() & after.keys()])


def network(filters=16, end="softmax", shape=(32, 32, 3), classes=10):
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Rescaling(1 / 255),
            layers.Conv2D(filters, 3, activation="relu"),
            layers.GlobalAveragePooling2D() if filters == 16 else layers.Flatten(),
            layers.Dense(classes, activation=end),
        ]
    )


def reading(a="by heart", b="sound", c="too weak"):
    return {"reading": {"A": a, "B": b, "C": c}}


def shapes(model, stated=0.9):
    return {"shapes_network": model, "shapes_accuracy": stated}


@right_answers(
    ("03.majority_accuracy", {"majority_accuracy": majority}),
    ("03.majority_accuracy",
     {"majority_accuracy": lambda a, b: sum(b == np.bincount(a).argmax()) / len(b)}),
    ("03.training_steps", {"training_steps": lambda n, b, e: -(-n // b) * e}),
    ("03.training_steps", {"training_steps": lambda n, b, e: int(np.ceil(n / b)) * e}),
    ("03.fair_epochs", {"fair_epochs": 16}),
    ("03.stratified_split", {"stratified_split": split}),
    ("03.stratified_split", {"stratified_split": lambda *a: [np.sort(p) for p in split(*a)]}),
    ("03.paired_gain", {"paired_gain": gain}),
    ("03.shuffle_pixels", {"shuffle_pixels": pixels}),
    ("03.shuffle_pixels", {"shuffle_pixels": one_by_one}),
    ("03.reading", reading()),
)  # fmt: skip
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("03.majority_accuracy", {"majority_accuracy": lambda a, b: majority(b, b)},
     "from the test labels"),
    ("03.majority_accuracy", {"majority_accuracy": lambda a, b: majority(a, a)},
     "on the training labels"),
    ("03.majority_accuracy", {"majority_accuracy": lambda a, b: 100 * majority(a, b)},
     "percentage"),
    ("03.majority_accuracy", {"majority_accuracy": lambda a, b: np.bincount(a).argmax()},
     "not how often"),
    ("03.majority_accuracy", {"majority_accuracy": lambda a, b: b == 0}, "must be a number"),
    ("03.training_steps", {"training_steps": lambda n, b, e: n // b * e}, "round up"),
    ("03.training_steps", {"training_steps": lambda n, b, e: -(-n * e // b)}, "then multiply"),
    ("03.training_steps", {"training_steps": lambda n, b, e: n / b * e}, "a float"),
    ("03.fair_epochs", {"fair_epochs": 4}, "a quarter of the steps"),
    ("03.fair_epochs", {"fair_epochs": 12}, "15,000 images"),
    ("03.fair_epochs", {"fair_epochs": 15.97}, "whole number"),
    ("03.stratified_split", {"stratified_split": lambda *a: split(*a, same=[0, 1])},
     "shares 2 images"),
    ("03.stratified_split", {"stratified_split": lambda *a: split(*a)[::-1]}, "wrong order"),
    ("03.stratified_split", {"stratified_split": by_chance}, "Take the share of each class"),
    ("03.stratified_split", {"stratified_split": lambda *a: split(*a, least=2)}, "up or down"),
    ("03.stratified_split", {"stratified_split": first_of_each},
     "same split for the seeds 0 and 1"),
    ("03.stratified_split", {"stratified_split": unseeded}, "two splits for one seed"),
    ("03.stratified_split", {"stratified_split": lambda y, s, _: (y == 0, y != 0)},
     "array of whole numbers"),
    ("03.stratified_split", {"stratified_split": lambda y, s, _: (np.arange(9), np.arange(9, 20))},
     "are in neither part"),
    ("03.paired_gain",
     {"paired_gain": lambda b, a: 100 * (np.mean(list(a.values())) - np.mean(list(b.values())))},
     "different seeds"),
    ("03.paired_gain", {"paired_gain": lambda b, a: gain(b, a) / 100}, "This is a fraction"),
    ("03.paired_gain", {"paired_gain": lambda b, a: -gain(b, a)}, "sign is turned round"),
    ("03.paired_gain", {"paired_gain": lambda b, a: gain(b, b)}, "whatever it is called"),
    ("03.shuffle_pixels", {"shuffle_pixels": lambda x, o: pixels(x, o, back=True)}, "the way back"),
    ("03.shuffle_pixels", {"shuffle_pixels": lambda x, o: x}, "Nothing was shuffled"),
    ("03.shuffle_pixels", {"shuffle_pixels": lambda x, o: pixels(x, o) / 255}, "must hold uint8"),
    ("03.shuffle_pixels", {"shuffle_pixels": lambda x, o: x.reshape(len(x), -1, x.shape[-1])[:, o]},
     "has shape"),
    ("03.shuffle_pixels", {"shuffle_pixels": lambda x, o: x[:, o]}, "stops with IndexError"),
    ("03.reading", reading(a="sound", b="by heart"), "2 of 3 are not right. Network A"),
    ("03.reading", reading(b="too weak", c="sound"), "dropout"),
    ("03.reading", reading(c="bad"), "Choose one of"),
    ("03.reading", {"reading": ["by heart", "sound", "too weak"]}, "must be a dict"),
    ("03.shapes_network", shapes(network()), "Needed is 80% or more"),
    ("03.shapes_network", shapes(network(filters=32)), "It may have 60,000. Most of them"),
    ("03.shapes_network", shapes(network(shape=(28, 28, 1))), "takes images of shape"),
    ("03.shapes_network", shapes(network(classes=5)), "It must give 10 numbers"),
    ("03.shapes_network", shapes(network(end=None)), "these are no probabilities"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_the_stated_accuracy_is_measured_again(monkeypatch):
    """With the bar on the ground, a network without training passes if its figure is true."""
    monkeypatch.setattr(a03, "LEAST_ACCURACY", 0)
    keras.utils.set_random_seed(0)
    model, (_, _, images, labels) = network(), synthetic_data.shapes()
    true = float(np.mean(model.predict(images, verbose=0).argmax(1) == labels))
    assert_right("03.shapes_network", shapes(model, true), "")
    assert_wrong("03.shapes_network", shapes(model, 0.97), "another accuracy")


def test_a_network_that_only_knows_the_test_images_fails_on_new_ones(monkeypatch):
    images, labels = synthetic_data.shapes()[2:]

    def by_heart(name, model, given):
        known = given.shape == images.shape and np.array_equal(given, images)
        return np.eye(10)[labels if known else np.zeros(len(given), int)]

    monkeypatch.setattr("cifarlib.checks.compare_models.probabilities", by_heart)
    answers = shapes(network(), 1.0)
    assert check.outcome("03.shapes_network", answers).passed
    found = check.outcome("03.shapes_network", answers, drawn_with=5)
    assert not found.passed
    assert "not for others" in found.message
    assert "500 images" in found.detail


def test_the_recorded_curves_are_what_the_task_says():
    def run(id, variant):
        rows = [r for r in ledger.results(id) if r["variant"] == variant and r["seed"] == 0]
        return rows[0]["training"]["history"]

    heart, sound = run("R1.2", "report"), run("R1.4", "report")
    weak = run("R0.4", "dense-pixels-in-place")
    assert heart["val_loss"][-1] > 1.5 * min(heart["val_loss"])
    assert heart["accuracy"][-1] > 0.9
    assert sound["val_loss"][-1] < 1.1 * min(sound["val_loss"])
    assert abs(sound["accuracy"][-1] - sound["val_accuracy"][-1]) < 0.05
    assert weak["accuracy"][-1] < 0.45


def test_the_recorded_runs_make_pairs():
    before, after = a03.recorded("report"), a03.recorded("as-many-steps")
    assert len(before.keys() & after.keys()) >= 2
    assert before.keys() != after.keys()


def test_new_shapes_are_new_and_balanced():
    images, labels = synthetic_data.more_shapes(50, 3)
    assert images.shape == (50, 32, 32, 3)
    assert images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [5] * 10
    assert np.array_equal(images, synthetic_data.more_shapes(50, 3)[0])
    assert not np.array_equal(images, synthetic_data.more_shapes(50, 4)[0])


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("03").checked:
        if task.name != "shapes_network":  # trained by the solution, in test_exercises.py
            assert tasks_of(test_right)[f"03.{task.name}"] >= 1
        assert tasks_of(test_wrong)[f"03.{task.name}"] >= 2
