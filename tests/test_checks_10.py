"""The checks of exercise 10 against right and wrong answers."""

import keras
import numpy as np
import pytest
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers

from cifarlib.checks import check, tasks
from cifarlib.checks.assignments import a10_augmentation as a10
from cifarlib.data import loading

TRAIN = loading.load("cifar10", source="embedded", split="R2-last-20", seed=0).x_train
MEAN, DEVIATION = TRAIN.mean(axis=(0, 1, 2)), TRAIN.std(axis=(0, 1, 2))
SINE = np.sin


def keeps(**changes):
    """Right, unless told otherwise: `flip_left_right=True`."""
    changes = {name.replace("_", " "): value for name, value in changes.items()}
    right = a10.KEEPS_LABEL
    return {"keeps_label": right | {k: changes.pop(k.replace("-", " "), right[k]) for k in right}}


def mixup(images, labels, partners, weight, n, of_labels=None, kind="float32"):
    of_labels = weight if of_labels is None else of_labels
    x, y = images.astype(kind), keras.utils.to_categorical(labels, n).astype(kind)
    x = weight * x + (1 - weight) * x[partners]
    return x.astype(kind), (of_labels * y + (1 - of_labels) * y[partners]).astype(kind)


def two(p, y, **other):
    binary = keras.metrics.BinaryAccuracy()
    binary.update_state(np.eye(p.shape[1])[y], p)
    return {"categorical": np.mean(p.argmax(1) == y), "binary": float(binary.result())} | other


def exchanged(p, y):
    found = two(p, y)
    return {"categorical": found["binary"], "binary": found["categorical"]}


def in_percent(p, y):
    return {name: 100 * value for name, value in two(p, y).items()}


def of_the_largest(p, y):
    return two(p, y, binary=np.mean(np.eye(p.shape[1])[p.argmax(1)] == np.eye(p.shape[1])[y]))


def of_the_true_class(p, y):
    return two(p, y, binary=np.mean(p[np.arange(len(y)), y] > 0.5))


def changing(flip="horizontal", fill="nearest", shift=0.1, scale_first=False):
    first = [
        layers.RandomFlip(flip),
        layers.RandomTranslation(shift, shift, fill_mode=fill),
        layers.Rescaling(1 / 255),
    ]
    rest = [layers.Conv2D(8, 3), layers.ReLU(), layers.GlobalAveragePooling2D()]
    rest.append(layers.Dense(10, activation="softmax"))
    first = first[::-1] if scale_first else first
    return {"changing_network": keras.Sequential([keras.Input((32, 32, 3)), *first, *rest])}


def pair(*before):
    """A network that nobody trained, and itself behind other layers."""
    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(4, 5, 4, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    outer = keras.Sequential([keras.Input((32, 32, 3)), *before, inner])
    return {"report_network": inner, "repaired_network": outer}


def by_hand():
    return layers.Rescaling(1 / DEVIATION, -MEAN / DEVIATION)


@right_answers(
    ("10.edge_shift", {"edge_shift": lambda d, s: s / 2 * SINE(np.deg2rad(d))}),
    ("10.edge_shift", {"edge_shift": lambda d, s: np.float32(s * SINE(d * np.pi / 180) / 2)}),
    ("10.keeps_label", keeps()),
    ("10.mixup", {"mixup": mixup}),
    ("10.changing_network", changing()),
    ("10.two_accuracies", {"two_accuracies": two}),
    ("10.sure_share", {"sure_share": 0.4}),
    ("10.sure_share", {"sure_share": 1 - 2 * (1 - 0.7)}),
)  # fmt: skip
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("10.edge_shift", {"edge_shift": lambda d, s: s / 2 * SINE(d)}, "It is in degrees"),
    ("10.edge_shift", {"edge_shift": lambda d, s: s / 2 * d}, "for a fraction"),
    ("10.edge_shift", {"edge_shift": lambda d, s: s * SINE(np.deg2rad(d))}, "half the picture's"),
    ("10.edge_shift", {"edge_shift": lambda d, s: s / 2 * np.tan(np.deg2rad(d))}, "the tangent"),
    ("10.edge_shift", {"edge_shift": lambda d, s: 0.07}, "whatever it is called with"),
    ("10.keeps_label", {"keeps_label": {"flip left-right": False}}, "must be a dict with the keys"),
    ("10.keeps_label", keeps(flip_left_right=True), "1 of 7 are not right. \"flip left-right\""),
    ("10.keeps_label", keeps(rotation_by_180_degrees=True), "What is a 6 after half a turn"),
    ("10.keeps_label", keeps(half_as_bright=False, left_half_only=True), "2 of 7"),
    ("10.keeps_label", keeps(half_as_bright="yes"), "Write True or False"),
    ("10.keeps_label", {"keeps_label": ["shift by two pixels"]}, "must be a dict"),
    ("10.mixup", {"mixup": lambda *a: mixup(*a, of_labels=1)}, "but the labels are not"),
    ("10.mixup", {"mixup": lambda x, y, p, w, n: mixup(x, y, p, 1 - w, n)}, "are exchanged"),
    ("10.mixup", {"mixup": lambda x, y, p, w, n: mixup(x, y, p, w, n, of_labels=1 - w)},
     "with different weights"),
    ("10.mixup", {"mixup": lambda *a: mixup(*a, kind="float64")}, "must hold float32"),
    ("10.mixup", {"mixup": lambda *a: mixup(*a)[0]}, "must be a tuple"),
    ("10.changing_network", changing(flip="horizontal_and_vertical"), "It must be 'horizontal'"),
    ("10.changing_network", changing(fill="reflect"), "It must be 'nearest'"),
    ("10.changing_network", changing(shift=0.3), "height_factor=0.3. It must be 0.1"),
    ("10.changing_network", changing(scale_first=True), "It must be RandomFlip"),
    ("10.two_accuracies", {"two_accuracies": exchanged}, "The two are exchanged"),
    ("10.two_accuracies", {"two_accuracies": of_the_largest}, "there may be none"),
    ("10.two_accuracies", {"two_accuracies": of_the_true_class}, "A no to a wrong class"),
    ("10.two_accuracies", {"two_accuracies": in_percent}, "percentages"),
    ("10.two_accuracies", {"two_accuracies": lambda p, y: two(p, y)["binary"]}, "must be a dict"),
    ("10.sure_share", {"sure_share": 0.7}, "the binary accuracy itself"),
    ("10.sure_share", {"sure_share": -0.5}, "the one for ten classes"),
    ("10.sure_share", {"sure_share": -0.2}, "costs two answers"),
    ("10.sure_share", {"sure_share": 0.9}, "too much"),
    ("10.repaired_network", pair(), "passes bytes on as they are"),
    ("10.repaired_network", pair(layers.Rescaling(1 / 255)), "divides by 255"),
    ("10.repaired_network", pair(layers.Rescaling(1 / DEVIATION**2, -MEAN / DEVIATION**2)),
     "divides by the variance"),
    ("10.repaired_network", pair(layers.Normalization(mean=MEAN, variance=DEVIATION)),
     "where `Normalization` asks for the variance"),
    ("10.repaired_network", pair(layers.Normalization(mean=128.0, variance=900.0)),
     "Use the mean and the standard deviation"),
    ("10.repaired_network", {"report_network": pair()["report_network"], "repaired_network": 3},
     "Needed is a Keras model"),
    ("10.repaired_network", pair(by_hand()), "Needed is 60% or more"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


@pytest.mark.parametrize(
    "layer", [by_hand(), layers.Normalization(mean=MEAN, variance=DEVIATION**2)]
)
def test_the_normalisation_may_be_any_layer(layer, monkeypatch):
    """With the bar on the ground a network without training passes; the solution is trained."""
    monkeypatch.setattr(a10, "LEAST_ACCURACY", 0)
    answers = pair(layer)
    assert_right("10.repaired_network", answers, "")
    assert check.outcome("10.repaired_network", answers, drawn_with=5).passed


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("10").checked:
        if task.name != "repaired_network":  # with a trained network by the solution
            assert tasks_of(test_right)[f"10.{task.name}"] >= 1
        assert tasks_of(test_wrong)[f"10.{task.name}"] >= 2
