"""The tasks of exercise 03: baselines, splits, fair comparisons, a network for colour images."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifarlib import ledger
from cifarlib.checks import compare_models
from cifarlib.checks.compare_arrays import split_parts
from cifarlib.checks.compare_calls import call_text, results, same_results
from cifarlib.checks.compare_values import brief, keyed, number
from cifarlib.checks.outcomes import Wrong
from cifarlib.checks.tasks import Assignment
from cifarlib.data import synthetic_data

assignment = Assignment("03_cifar10_cnn")

MOST_PARAMETERS, LEAST_ACCURACY = 60_000, 0.80
"""The reference solution, with seeds 0 to 4, is right on 92 to 95 % of the embedded test images."""


def _labels(seed: int, n_train: int, n_test: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels whose most frequent class differs between training and test."""
    random = np.random.RandomState(seed)
    shares = random.permutation([0.4, 0.3, 0.2, 0.1])
    train = random.choice(4, n_train, p=shares)
    return train, random.choice(4, n_test, p=shares[::-1])


def _majority(train: np.ndarray, test: np.ndarray) -> float:
    return float(np.mean(test == np.bincount(train).argmax()))


@assignment.task(
    "The bar to clear",
    points=2,
    hints=(
        "This model looks at no picture at all. What does it learn from the training labels, and "
        "what does it then say for every test image?",
        "`np.bincount(labels).argmax()` is the most frequent class. Which labels do you count, and "
        "which do you compare with?",
    ),
)
def majority_accuracy(majority_accuracy: Any, *, seeds: Any = (0, 1, 2)) -> None:
    cases = [_labels(seed, 200, 50) for seed in seeds]
    mistakes = [
        ("It learned its class from the test labels. A model must not see those.",
         lambda a, b: _majority(b, b)),
        ("This is how often it is right on the training labels.", lambda a, b: _majority(a, a)),
        ("This is how many are right. Divide by the number of test labels.",
         lambda a, b: int(np.sum(b == np.bincount(a).argmax()))),
        ("This is a percentage. Give the fraction.", lambda a, b: 100 * _majority(a, b)),
        ("This is the most frequent class, not how often it is right.",
         lambda a, b: int(np.bincount(a).argmax())),
        ("Blind guessing would give this. Always saying the most frequent class gives another "
         "figure.", lambda a, b: 1 / len(np.unique(a))),
    ]  # fmt: skip
    same_results("majority_accuracy", majority_accuracy, _majority, cases, mistakes)


STEPS = ((15_000, 16, 5), (35_000, 16, 5), (1_000, 100, 2), (10, 16, 3), (50_000, 128, 10))


def _steps(n_images: int, batch_size: int, epochs: int) -> int:
    return -(-n_images // batch_size) * epochs


@assignment.task(
    "Count the steps",
    points=2,
    hints=(
        "10 images in batches of 4: how many batches does one epoch have?",
        "The last batch may be small, but it is a step. Round up, once for each epoch.",
    ),
)
def training_steps(training_steps: Any, *, cases: Any = STEPS) -> None:
    mistakes = [
        ("The last, smaller batch of an epoch is a step too: round up.",
         lambda n, b, e: n // b * e),
        ("Each epoch ends with its own small batch: round up for one epoch, then multiply.",
         lambda n, b, e: -(-n * e // b)),
        ("Each epoch ends with its own small batch: round up for one epoch, then multiply.",
         lambda n, b, e: n * e // b),
        ("This counts images, not steps.", lambda n, b, e: n * e),
        ("This is one epoch.", lambda n, b, e: -(-n // b)),
    ]  # fmt: skip
    same_results("training_steps", training_steps, _steps, cases, mistakes)


@assignment.task(
    "Predict a fair comparison",
    points=1,
    hints=(
        "How many steps has the large training? And how many does one epoch of the small one have?",
        "The large one: 1,250 · 4 steps. One small epoch: 313. Divide, and round to whole epochs.",
    ),
)
def fair_epochs(fair_epochs: Any) -> None:
    mistakes = {
        4: "As many epochs are a quarter of the steps, since an epoch is four times shorter.",
        1: "A smaller set needs more epochs for as many steps, not fewer.",
        12: "That is the answer for the 15,000 images of the notebook.",
        5_000: "This is the number of steps. How many epochs of the small set are that?",
    }
    needed = round(_steps(40_000, 32, 4) / _steps(10_000, 32, 1))
    number("fair_epochs", fair_epochs, needed, mistakes)


@assignment.task(
    "A split without a leak",
    points=4,
    hints=(
        "Take one class at a time: find its places, shuffle them, cut them in two.",
        "`np.flatnonzero(labels == label)` are the places of a class, and "
        "`np.random.default_rng(seed)` shuffles. Everything that does not go into validation goes "
        "into training. Join the classes with `np.concatenate`.",
    ),
)
def stratified_split(stratified_split: Any, *, cases: Any = ((100, 0.2), (90, 0.1))) -> None:
    name = "stratified_split"
    for n, share in cases:
        labels = np.random.RandomState(n).permutation(np.arange(n) % 7 // 2)
        calls = [(labels, share, seed) for seed in (0, 0, 1)]
        pairs = results(name, stratified_split, calls)
        for pair in pairs:
            _check_split(pair, labels, share, call_text(name, (labels, share, 0)))
        first, again, other = (validation for _, validation in pairs)
        if not np.array_equal(first, again):
            raise Wrong(f"`{name}` gives two splits for one seed, so nobody could repeat it.")
        if np.array_equal(np.sort(first), np.sort(other)):
            raise Wrong(f"`{name}` gives the same split for the seeds 0 and 1. Use the seed.")


def _check_split(pair: Any, labels: np.ndarray, share: float, text: str) -> None:
    if type(pair) not in (tuple, list) or len(pair) != 2:
        raise Wrong(f"{text} must give two arrays: training and validation indices.")
    train, validation = pair
    split_parts(train, validation, len(labels))
    if len(validation) > len(train):
        raise Wrong(f"{text} gives the two parts in the wrong order: training comes first.")
    for label, count in enumerate(np.bincount(labels)):
        found, wanted = int(np.sum(labels[validation] == label)), share * count
        if abs(found - wanted) >= 1:
            raise Wrong(
                f"{text}: class {label} has {count} images, and {found} of them validate. "
                f"It should be {wanted:.1f}, up or down to a whole number. Take the share of each "
                "class by itself."
            )


def recorded(variant: str) -> dict[int, float]:
    """Return the recorded test accuracies of R0.4 by seed; the notebook gets them the same way."""
    return {
        row["seed"]: row["metrics"]["test_accuracy"]
        for row in ledger.results("R0.4")
        if row["variant"] == variant and row["profile"] == "quick"
    }


GAINS = (({0: 0.5, 1: 0.6, 2: 0.9}, {1: 0.7, 0: 0.55}), ({3: 0.8}, {4: 0.1, 3: 0.75}))


def _gain(before: dict, after: dict) -> float:
    return float(np.mean([100 * (after[seed] - before[seed]) for seed in before if seed in after]))


@assignment.task(
    "Compare in pairs",
    points=3,
    hints=(
        "Which seeds are in both? Only those make a pair.",
        "For each seed in both: after minus before. The mean of these, times 100.",
    ),
)
def paired_gain(paired_gain: Any, *, cases: Any = GAINS) -> None:
    measured = (recorded("report"), recorded("as-many-steps"))
    mistakes = [
        ("This compares two means over different seeds. Use only the seeds that are in both.",
         lambda b, a: 100 * (np.mean(list(a.values())) - np.mean(list(b.values())))),
        ("This is a fraction. A point is one hundredth.", lambda b, a: _gain(b, a) / 100),
        ("The sign is turned round: a gain is positive when after is better.",
         lambda b, a: -_gain(b, a)),
        ("This pairs by position. A pair has the same seed.",
         lambda b, a: 100 * np.mean([y - x for x, y in zip(b.values(), a.values(), strict=False)])),
        ("This is the sum over the pairs, not their mean.",
         lambda b, a: _gain(b, a) * len(b.keys() & a.keys())),
    ]  # fmt: skip
    same_results("paired_gain", paired_gain, _gain, [measured, *cases], mistakes)


def _shuffled(images: np.ndarray, order: np.ndarray) -> np.ndarray:
    n, height, width, channels = images.shape
    return images.reshape(n, height * width, channels)[:, order].reshape(images.shape)


def _shuffled_back(images: np.ndarray, order: np.ndarray) -> np.ndarray:
    return _shuffled(images, np.argsort(order))


def _shuffled_planes(images: np.ndarray, order: np.ndarray) -> np.ndarray:
    n, height, width, channels = images.shape
    return images.reshape(n, channels, height * width)[:, :, order].reshape(images.shape)


def _shuffled_turned(images: np.ndarray, order: np.ndarray) -> np.ndarray:
    return _shuffled(images.swapaxes(1, 2), order).reshape(images.shape)


SHAPES = ((3, 4, 5, 3), (2, 6, 6, 1))


@assignment.task(
    "Shuffle the pixels",
    points=3,
    hints=(
        "A pixel is a place, with all its channels. Make one long row of places from height and "
        "width, and leave the channels as they are.",
        "Reshape to (n, height · width, channels), index the second axis with `order`, and reshape "
        "back.",
    ),
)
def shuffle_pixels(shuffle_pixels: Any, *, shapes: Any = SHAPES) -> None:
    random, cases = np.random.RandomState(5), []
    for shape in shapes:
        images = random.randint(0, 256, shape).astype(np.uint8)
        cases.append((images, random.permutation(shape[1] * shape[2])))
    mistakes = [
        ("Nothing was shuffled.", lambda images, order: images),
        ("This is the way back: new place `i` gets what stood at `order[i]`.", _shuffled_back),
        ("This tears the colours of a pixel apart: the last axis holds the channels.",
         _shuffled_planes),
        ("Height and width are exchanged.", _shuffled_turned),
    ]  # fmt: skip
    same_results("shuffle_pixels", shuffle_pixels, _shuffled, cases, mistakes)


READING = {"A": "by heart", "B": "sound", "C": "too weak"}
_LOOK = {
    "A": "Look at its loss: where does the solid line turn, and what does the dashed line do then?",
    "B": "How far apart are its two lines? A solid line above the dashed one is no error: dropout "
    "is at work in training only.",
    "C": "How good is it on images that it has learned from?",
}


@assignment.task(
    "Read three curves",
    points=3,
    hints=(
        "For each network ask two questions. Is it good on its training images? And does the "
        "validation loss still fall?",
        "Good in training and worse and worse in validation is by heart. Bad in both is too weak.",
    ),
)
def reading(reading: Any) -> None:
    given = keyed(reading, READING, "`reading`")
    for key, value in given.items():
        if value not in READING.values():
            known = ", ".join(f'"{word}"' for word in sorted(READING.values()))
            raise Wrong(f'`reading["{key}"]` is {brief(value)}. Choose one of: {known}.')
    wrong = [key for key in READING if given[key] != READING[key]]
    if wrong:
        raise Wrong(f"{len(wrong)} of 3 are not right. Network {wrong[0]}: {_LOOK[wrong[0]]}")


@assignment.task(
    "A better network, honestly measured",
    points=5,
    hints=(
        "Start from the report's network. Which layer holds most of its parameters, and what could "
        "stand there instead? Train on the repaired split.",
        "Three convolutions with 16, 32 and 64 filters, padding and pooling after each, then "
        "`Flatten` and the last layer at once. Six epochs with batches of 16 are enough.",
    ),
)
def shapes_network(
    shapes_network: Any, shapes_accuracy: Any, *, drawn_with: int | None = None
) -> None:
    name = "shapes_network"
    model = compare_models.model(name, shapes_network, (32, 32, 3), classes=10)
    if model.count_params() > MOST_PARAMETERS:
        raise Wrong(
            f"`{name}` has {model.count_params():,} parameters. It may have {MOST_PARAMETERS:,}. "
            + compare_models.largest_layer(model)
        )
    x_train, y_train, x_test, y_test = synthetic_data.shapes()
    measured = compare_models.accuracy(name, model, x_test, y_test, at_least=LEAST_ACCURACY)
    seen = compare_models.accuracy(name, model, x_train, y_train, at_least=0)
    compare_models.stated(
        "shapes_accuracy", shapes_accuracy, measured, {"its accuracy on training images": seen}
    )
    if drawn_with is not None:
        images, labels = synthetic_data.more_shapes(500, drawn_with)
        compare_models.accuracy(name, model, images, labels, at_least=LEAST_ACCURACY - 0.05)


assignment.add_written("two_causes", "Two causes, one experiment", points=3)
