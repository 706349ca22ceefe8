"""The tasks of exercise 01: images as numbers, the lost images, curves, loss and mistakes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cifarlib.checks import compare_models
from cifarlib.checks.compare_arrays import split_parts
from cifarlib.checks.compare_calls import call_text, results, same_results
from cifarlib.checks.compare_values import number
from cifarlib.checks.outcomes import NotAttempted, Wrong
from cifarlib.checks.tasks import Assignment

if TYPE_CHECKING:
    import keras

assignment = Assignment("01_mnist_cnn")

SHAPE, LEAST_ACCURACY = (28, 28, 1), 0.80
"""The reference solution, with seeds 0 to 4, is right on 88 to 94 % of the embedded test digits."""


def _images(*brightest: int) -> tuple[np.ndarray, ...]:
    """One small batch of images for each greatest value."""
    random = np.random.RandomState(0)
    batches = [random.randint(0, top + 1, (2, 4, 4, 1)) for top in brightest]
    for batch, top in zip(batches, brightest, strict=True):
        batch[0, 0, 0] = top
    return tuple(batch.astype(np.uint8) for batch in batches)


@assignment.task(
    "Bytes to fractions",
    points=2,
    hints=(
        "Black is 0 and stays 0. White is 255 and becomes 1. What does a dark picture become, "
        "whose brightest pixel is 100?",
        'Change the type with `images.astype("float32")`, and divide by 255, always by 255.',
    ),
)
def to_unit(to_unit: Any, *, brightest: Any = (255, 100)) -> None:
    def right(images: np.ndarray) -> np.ndarray:
        return images.astype("float32") / 255

    mistakes = [
        (
            "This divides by the brightest pixel at hand, so a dark picture becomes as bright as "
            "any other. Divide by 255.",
            lambda images: images.astype("float32") / images.max(),
        ),
        (
            "This divides by 256, so white does not become 1.",
            lambda images: images.astype("float32") / 256,
        ),
        ("A byte can hold whole numbers only. Change the type first.", lambda i: i // 255),
    ]
    cases = [(images,) for images in _images(*brightest)]
    same_results("to_unit", to_unit, right, cases, mistakes)


@assignment.task(
    "Predict the flattened length",
    points=1,
    hints=(
        "Go through the layers one by one and note the side of the picture. A 5 × 5 kernel without "
        "padding takes 4 pixels off.",
        "28, then 24, then 12, then 10. And how many channels arrive at the end?",
    ),
)
def flat_length(flat_length: Any) -> None:
    mistakes = {
        10 * 10: "This is one channel. How many channels does the second convolution give?",
        10 * 10 * 16: "The channels of the second convolution count, not those of the first.",
        10 * 10 * (16 + 32): "The second convolution replaces the 16 channels by 32.",
        12 * 12 * 32: "The second convolution takes 2 more pixels off.",
        14 * 14 * 32: "Without padding, each convolution makes the picture smaller.",
        22 * 22 * 32: "This forgets the pooling.",
        5 * 5 * 32: "There is only one pooling layer.",
    }
    number("flat_length", flat_length, 10 * 10 * 32, mistakes)


@assignment.task(
    "Build from a description",
    points=3,
    hints=(
        "Eight lines: the input, and one for each row of the table.",
        "`keras.Sequential([keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), ...])`. The last "
        'activation is "softmax", the others are "relu".',
    ),
)
def network(network: Any) -> None:
    model = compare_models.model("network", network, SHAPE)
    compare_models.same_layers("network", model, _description())


@cache
def _description() -> keras.Model:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


@assignment.task(
    "The missing minus sign",
    points=3,
    hints=(
        "Try it with ten images and three for validation. Which ones are missing?",
        "The training part must end where the validation part begins.",
    ),
)
def split(split: Any, *, cases: Any = ((10, 3), (100, 30), (7, 2))) -> str | None:
    calls = [(np.arange(n), n_val) for n, n_val in cases]
    for (images, n_val), given in zip(calls, results("split", split, calls), strict=True):
        text, n = call_text("split", (images, n_val)), len(images)
        if type(given) not in (tuple, list) or len(given) != 2:
            raise Wrong(f"{text} must give two parts: training, validation.")
        train, validation = given
        if len(validation) == n_val and np.array_equal(train, images[:n_val]):
            raise NotAttempted(
                f"This still is the report's line: {text} trains on {len(train)} images, and "
                f"{n - 2 * n_val} are in neither part. Mend it."
            )
        if len(train) == n_val and len(validation) == n - n_val:
            raise Wrong(f"{text} gives the two parts in the wrong order: training comes first.")
        split_parts(train, validation, n)
        if len(validation) != n_val:
            raise Wrong(f"{text} gives {len(validation)} validation images. It must be {n_val}.")
        if not np.array_equal(validation, images[n - n_val :]):
            raise Wrong(
                f"{text} validates on other images than the report, so the two could not be "
                f"compared. Keep the last {n_val}, in their order."
            )
    return _without_validation(split)


def _without_validation(split: Any) -> str | None:
    """Say what happens with 0 validation images, which the task does not ask for."""
    try:
        train, validation = split(np.arange(5), 0)
        if len(train) == 5 and len(validation) == 0:
            return None
    except Exception:
        pass
    return (
        "With 0 validation images it goes wrong: `images[:-0]` is empty and `images[-0:]` is all. "
        "`cut = len(images) - n_val`, then `images[:cut]` and `images[cut:]`, has no such gap."
    )


def _history(accuracy: list[float], loss: list[float], val_loss: list[float]) -> dict:
    return {"accuracy": accuracy, "loss": loss, "val_loss": val_loss}


HISTORIES = (
    _history([0.6, 0.8, 0.9, 0.95], [1.2, 0.7, 0.4, 0.2], [1.0, 0.7, 0.6, 0.8]),
    _history([0.5, 0.7, 0.6], [1.4, 0.9, 1.0], [1.1, 1.3, 1.2]),
    _history([0.9, 0.91, 0.92], [0.3, 0.2, 0.1], [0.5, 0.4, 0.3]),
)


def _best(history: dict, metric: str = "val_loss", first: int = 1) -> int:
    return int(np.argmin(history[metric])) + first


@assignment.task(
    "Which epoch was best?",
    points=2,
    hints=(
        "Which of the lists says something about images the network has not learned from? Is more "
        "better in it, or less?",
        "`values.index(min(values))` finds the place of the smallest. Places count from 0.",
    ),
)
def best_epoch(best_epoch: Any, *, histories: Any = HISTORIES) -> None:
    mistakes = [
        ("Epochs are counted from 1, places in a list from 0.", lambda h: _best(h, first=0)),
        (
            "This looks at the training images. There, longer nearly always looks better.",
            lambda h: _best(h, "loss"),
        ),
        (
            "This takes the largest validation loss. A loss is better when it is small.",
            lambda h: int(np.argmax(h["val_loss"])) + 1,
        ),
        ("This is the last epoch, not the best one.", lambda h: len(h["val_loss"])),
        (
            "This looks at the accuracy on the training images.",
            lambda h: int(np.argmax(h["accuracy"])) + 1,
        ),
    ]
    same_results("best_epoch", best_epoch, _best, [(h,) for h in histories], mistakes)


def _entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(-np.log(probabilities[np.arange(len(labels)), labels])))


def _probabilities(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(seed)
    raw = random.rand(n, 4) + 0.05
    return raw / raw.sum(axis=1, keepdims=True), random.randint(0, 4, n)


@assignment.task(
    "The loss, by hand",
    points=3,
    hints=(
        "For each image, only the probability of its true class counts. How do you pick that one "
        "from its row?",
        "`probabilities[np.arange(len(labels)), labels]` picks one number from each row. Then the "
        "natural logarithm, minus, mean.",
    ),
)
def cross_entropy(cross_entropy: Any, *, seeds: Any = (1, 2)) -> None:
    cases = [_probabilities(seed, n=seed + 2) for seed in seeds]
    mistakes = [
        ("This is the sum over the images. The loss is their mean.",
         lambda p, y: _entropy(p, y) * len(y)),
        ("A loss is positive: the logarithm of a probability is negative, so a minus belongs "
         "in front.", lambda p, y: -_entropy(p, y)),
        ("This uses another logarithm. The natural one is `np.log`; Keras uses it too.",
         lambda p, y: _entropy(p, y) / float(np.log(2))),
        ("This uses another logarithm. The natural one is `np.log`; Keras uses it too.",
         lambda p, y: _entropy(p, y) / float(np.log(10))),
        ("This takes the largest probability of each row, whether it is right or not.",
         lambda p, y: float(np.mean(-np.log(p.max(axis=1))))),
        ("This takes the logarithm of the mean. It is the mean of the logarithms.",
         lambda p, y: float(-np.log(np.mean(p[np.arange(len(y)), y])))),
        ("This averages over the classes too. Divide by the number of images only.",
         lambda p, y: _entropy(p, y) / p.shape[1]),
    ]  # fmt: skip
    same_results("cross_entropy", cross_entropy, _entropy, cases, mistakes)


def _avoided(before: float, after: float) -> float:
    return 1 - (1 - after) / (1 - before)


@assignment.task(
    "Count what is left",
    points=2,
    hints=(
        "From 98 to 99 right answers in 100: how many mistakes were there, and how many are left?",
        "Mistakes are `1 - accuracy`. Which part of the first number of mistakes is gone?",
    ),
)
def mistakes_avoided(
    mistakes_avoided: Any, *, cases: Any = ((0.98, 0.99), (0.5, 0.6), (0.9, 0.88))
) -> None:
    mistakes = [
        ("This is the difference of the accuracies.", lambda b, a: a - b),
        ("This is the part of the mistakes that is left.", lambda b, a: (1 - a) / (1 - b)),
        ("This is how much the accuracy has grown, relative to itself.", lambda b, a: a / b - 1),
        ("This is a percentage. Give the fraction.", lambda b, a: 100 * _avoided(b, a)),
        ("Divide by the mistakes before, not after.", lambda b, a: (1 - b) / (1 - a) - 1),
    ]
    same_results("mistakes_avoided", mistakes_avoided, _avoided, cases, mistakes)


@assignment.task(
    "Train, and state the truth",
    points=4,
    hints=(
        "A fresh model, the repaired split, a few epochs. Which images decide how good it is, and "
        "how often may you look at them?",
        'Compile with "adam" and "sparse_categorical_crossentropy"; `cifarlib.fit(model, data, '
        "epochs=10, batch_size=16)`; then `cifarlib.evaluate(model, data.x_test, data.y_test)`.",
    ),
)
def trained(digits_model: Any, test_accuracy: Any) -> None:
    import cifarlib

    data = cifarlib.load("mnist", source="embedded", split="R0-repaired")
    model = compare_models.model("digits_model", digits_model, SHAPE, classes=10)
    name, least = "digits_model", LEAST_ACCURACY
    measured = compare_models.accuracy(name, model, data.x_test, data.y_test, at_least=least)
    seen = compare_models.accuracy(name, model, data.x_train, data.y_train, at_least=0)
    held = compare_models.accuracy(name, model, data.x_val, data.y_val, at_least=0)
    others = {"its accuracy on training images": seen, "its accuracy on validation images": held}
    compare_models.stated("test_accuracy", test_accuracy, measured, others)


assignment.add_written("letter", "A letter to the author", points=3)
