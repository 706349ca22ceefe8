"""The tasks of exercise 11: heads that fit, logs, splits by animal, pairs, crossings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from cifarlib import ledger
from cifarlib.checks import compare_models
from cifarlib.checks.compare_arrays import split_parts
from cifarlib.checks.compare_calls import call_text, results, same_results
from cifarlib.checks.compare_values import brief, keyed
from cifarlib.checks.outcomes import Wrong
from cifarlib.checks.tasks import Assignment

if TYPE_CHECKING:
    import keras

assignment = Assignment("11_small_data")

HEADS = ((2, "0 or 1"), (4, "numbers"), (10, "one-hot"), (3, "any of them"), (2, "numbers"))


def _head(n_classes: int, labels: str) -> tuple[int, str, str]:
    return {
        "0 or 1": (1, "sigmoid", "binary_crossentropy"),
        "numbers": (n_classes, "softmax", "sparse_categorical_crossentropy"),
        "one-hot": (n_classes, "softmax", "categorical_crossentropy"),
        "any of them": (n_classes, "sigmoid", "binary_crossentropy"),
    }[labels]


@assignment.task(
    "Head, activation, loss",
    points=2,
    hints=(
        "Softmax shares out one whole among the units: exactly one class is right. A sigmoid "
        "answers one question with yes or no.",
        "Softmax goes with `categorical_crossentropy` (one-hot rows) or its `sparse_` form "
        "(numbers). A sigmoid goes with `binary_crossentropy`.",
    ),
)
def fitting_head(fitting_head: Any, *, cases: Any = HEADS) -> None:
    mistakes = [
        ("A softmax over one unit is always 1, whatever the picture.",
         lambda n, labels: (1, "softmax", "binary_crossentropy")
         if labels == "0 or 1" else _head(n, labels)),
        ("One sigmoid answers \"0 or 1\". Two units would need labels for two.",
         lambda n, labels: (n, *_head(n, labels)[1:])),
        ("Where several classes can be right at once, they must not share one whole: no softmax.",
         lambda n, labels: _head(n, "one-hot" if labels == "any of them" else labels)),
        ("A softmax with `binary_crossentropy` is R2's mix: one class is right, and the loss asks "
         "many questions.",
         lambda n, labels: (*_head(n, labels)[:2], "binary_crossentropy")),
        ("`sparse_categorical_crossentropy` takes numbers, not one-hot rows.",
         lambda n, labels: _head(n, "numbers" if labels == "one-hot" else labels)),
    ]  # fmt: skip
    same_results("fitting_head", fitting_head, _head, cases, mistakes)


@assignment.task(
    "Cat or dog",
    points=3,
    hints=(
        "One probability is enough: that of \"dog\". So how many units has the last layer?",
        "`layers.Dense(1, activation=\"sigmoid\")`, and "
        "`compile(\"rmsprop\", \"binary_crossentropy\", metrics=[\"accuracy\"])`: `metrics` with "
        "an s.",
    ),
)  # fmt: skip
def pets_network(pets_network: Any) -> None:
    name = "pets_network"
    model = compare_models.model(name, pets_network, (32, 32, 3))
    if tuple(model.output_shape[1:]) == (1,) and compare_models.last_activation(model) == "softmax":
        raise Wrong(f"`{name}` ends with a softmax over one unit: that is 1 for every picture.")
    compare_models.same_layers(name, model, _pets())
    loss = getattr(model, "loss", None) if model.compiled else None
    if loss is None:
        raise Wrong(f"`{name}` is not compiled: it has no loss yet.")
    found = loss if isinstance(loss, str) else getattr(loss, "name", brief(loss))
    if found != "binary_crossentropy":
        raise Wrong(
            f"`{name}` has the loss {found}. One unit with a sigmoid answers one question with yes "
            "or no, and its loss is `binary_crossentropy`."
        )


@cache
def _pets() -> keras.Model:
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255)])
    for filters in (8, 16):
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(16, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


LOG = {
    "loss": ("training loss", 1),
    "accuracy": ("training accuracy", 1),
    "val_loss": ("training loss", 10),
    "val_accuracy": ("training accuracy", 10),
}


@assignment.task(
    "Figures with wrong names",
    points=2,
    hints=(
        "Look for each of the four figures in the log. In which column does it stand, and in "
        "which line?",
        "The log has two columns, both of the training. Keras counts epochs from 1.",
    ),
)
def really(really: Any) -> None:
    given = keyed(really, LOG, "`really`")
    for name, value in given.items():
        if type(value) not in (tuple, list) or len(value) != 2:
            example = '("training loss", 3)'
            raise Wrong(f'`really["{name}"]` is {brief(value)}. Needed is a pair like {example}.')
    wrong = [name for name in LOG if tuple(given[name]) != LOG[name]]
    if wrong:
        what, epoch = given[wrong[0]]
        said = f"{len(wrong)} of 4 are not right. The conclusion's {wrong[0]}"
        if what == LOG[wrong[0]][0]:
            raise Wrong(f"{said} is not from epoch {epoch}. Epochs are counted from 1.")
        raise Wrong(f"{said} is no {what}. Does the log have such figures at all?")


LOSS = (8.2268, 8.1343, 8.0153, 8.0594, 7.6394, 0.4178, 0.0832, 0.0886, 0.0637, 0.0680)
ACCURACY = (0.4519, 0.4928, 0.5025, 0.4975, 0.5044, 0.9360, 0.9834, 0.9862, 0.9906, 0.9912)
LOGS = ((LOSS, ACCURACY), ((16.118, 4.0295, 1.61, 0.5), (0.0, 0.75, 0.9, 0.75)))
MOST = -float(np.log(1e-7))


def _saturated(loss: Sequence, accuracy: Sequence, most: float = MOST) -> list[int]:
    pairs = enumerate(zip(loss, accuracy, strict=True), start=1)
    return [n for n, (x, a) in pairs if abs(x - most * (1 - a)) <= 0.01 * most * (1 - a)]


@assignment.task(
    "A softmax that is always sure",
    points=3,
    hints=(
        "A right answer costs nothing, a wrong one the most that an answer can cost. What is the "
        "mean, if a share `a` is right?",
        "`most = -np.log(1e-7)`, and `most * (1 - a)` is what an always sure network pays. Compare "
        "with the loss: within one per cent of it? Count epochs from 1.",
    ),
)
def saturated_epochs(saturated_epochs: Any, *, logs: Any = LOGS) -> None:
    cases = [tuple(list(column) for column in log) for log in logs]
    mistakes = [
        ("Epochs are counted from 1, as in the log.",
         lambda x, a: [n - 1 for n in _saturated(x, a)]),
        ("That is the logarithm to base 10. The loss uses the natural one.",
         lambda x, a: _saturated(x, a, 7.0)),
        ("It pays for wrong answers, and nothing for right ones: 1 - accuracy.",
         lambda x, a: _saturated(x, [1 - share for share in a])),
        ("This takes every epoch with a loss above that of knowing nothing.",
         lambda x, a: [n for n, value in enumerate(x, start=1) if value > np.log(4)]),
    ]  # fmt: skip
    same_results("saturated_epochs", saturated_epochs, _saturated, cases, mistakes)


@assignment.task(
    "No animal on both sides",
    points=4,
    hints=(
        "Do not draw pictures, draw animals. Where do all pictures of a drawn animal go?",
        "`np.random.default_rng(seed).permutation(np.unique(animals))` puts the animals in a "
        "random order. The first `round(share * how many)` validate; `np.isin` finds their "
        "pictures.",
    ),
)
def split_by_animal(split_by_animal: Any, *, cases: Any = ((40, 0.25), (30, 0.2))) -> None:
    name = "split_by_animal"
    for n, share in cases:
        pictures = 1 + np.arange(n) % 4  # of each animal
        animals = np.random.RandomState(n).permutation(np.repeat(np.arange(n), pictures))
        pairs = results(name, split_by_animal, [(animals, share, seed) for seed in (0, 0, 1)])
        for pair in pairs:
            _check_animals(pair, animals, share, call_text(name, (animals, share, 0)))
        first, again, other = (np.sort(validation) for _, validation in pairs)
        if not np.array_equal(first, again):
            raise Wrong(f"`{name}` gives two splits for one seed, so nobody could repeat it.")
        if np.array_equal(first, other):
            raise Wrong(f"`{name}` gives the same split for the seeds 0 and 1. Use the seed.")


def _check_animals(pair: Any, animals: np.ndarray, share: float, text: str) -> None:
    if type(pair) not in (tuple, list) or len(pair) != 2:
        raise Wrong(f"{text} must give two arrays: training and validation indices.")
    split_parts(*pair, len(animals))
    train, validation = (animals[part] for part in pair)
    both = np.intersect1d(train, validation)
    if len(both):
        raise Wrong(
            f"{text} has {len(both)} animals in both parts: a leak. The network may know the "
            "animal instead of the kind."
        )
    n, found = len(np.unique(animals)), len(np.unique(validation))
    if abs(found - (n - share * n)) < 1:
        raise Wrong(f"{text} gives the two parts in the wrong order: training comes first.")
    if abs(found - share * n) >= 1:
        raise Wrong(f"{text} validates on {found} of {n} animals. It should be {share * n:g}.")


def recorded(variant: str) -> list[float]:
    """Return recorded test accuracies of R4.2 in the order of the seeds; so does the notebook."""
    rows = [r for r in ledger.results("R4.2") if (r["variant"], r["profile"]) == (variant, "quick")]
    return [row["metrics"]["test_accuracy"] for row in sorted(rows, key=lambda row: row["seed"])]


def _interval(better: Any, worse: Any, factor: float | None = None, ddof: int = 1) -> tuple:
    points = 100 * (np.array(better) - np.array(worse))
    factor = factor or stats.t.ppf(0.975, len(points) - 1)
    reach = factor * points.std(ddof=ddof) / len(points) ** 0.5
    return float(points.mean() - reach), float(points.mean() + reach)


GAINS = (([0.71, 0.64, 0.80, 0.75], [0.70, 0.60, 0.79, 0.71]), ([0.5, 0.9], [0.6, 0.7]))


@assignment.task(
    "How sure is the gap?",
    points=3,
    hints=(
        "Subtract pair by pair first. Then it is the interval of a mean: which t, and with how "
        "many degrees of freedom?",
        "`stats.t.ppf(0.975, n - 1) * stats.sem(points)` to both sides of the mean gain in points.",
    ),
)
def paired_interval(paired_interval: Any, *, cases: Any = GAINS) -> None:
    measured = (recorded("short-mild"), recorded("short-plain"))
    mistakes = [
        ("With so few pairs the normal distribution is too sure (1.96). Take Student's t.",
         lambda b, w: _interval(b, w, 1.96)),
        ("This takes the two lists for strangers. They are pairs: subtract first.",
         lambda b, w: tuple(float(100 * x) for x in stats.ttest_ind(b, w).confidence_interval())),
        ("The spread of a sample divides by n - 1: `ddof=1`.",
         lambda b, w: _interval(b, w, ddof=0)),
        ("The sign is turned round: better minus worse.", lambda b, w: _interval(w, b)),
    ]  # fmt: skip
    calls = [measured, *cases]
    same_results("paired_interval", paired_interval, _interval, calls, mistakes, tolerance=1e-4)


CURVES = (
    ([25, 200, 1000, 4000], [0.60, 0.68, 0.72, 0.75], [0.52, 0.60, 0.70, 0.80]),
    ([10, 100, 1000], [0.9, 0.8, 0.6], [0.5, 0.6, 0.9]),
    ([10, 100], [0.9, 0.9], [0.5, 0.6]),
)


def _crossing(sizes: list, first: list, second: list, scale: Any = np.log) -> float:
    gap = np.subtract(first, second)
    for i in range(len(sizes) - 1):
        if gap[i] > 0 >= gap[i + 1]:
            left, right = scale(sizes[i]), scale(sizes[i + 1])
            at = left + (right - left) * gap[i] / (gap[i] - gap[i + 1])
            return float(np.exp(at) if scale is np.log else at)
    return 0.0


@assignment.task(
    "Where two curves cross",
    points=3,
    hints=(
        "Between which two sizes does the gap change its sign? And which part of the way, on the "
        "logarithmic axis, until it is zero?",
        "`part = gap[i] / (gap[i] - gap[i + 1])`; then "
        "`exp(log(n) + part * (log(next_n) - log(n)))`.",
    ),
)
def crossing(crossing: Any, *, cases: Any = CURVES) -> None:
    mistakes = [
        ("This goes straight on an axis of plain numbers. The axis of the figure is logarithmic.",
         lambda n, a, b: _crossing(n, a, b, float)),
        ("This is the first size at which the second is ahead. They cross before it.",
         lambda n, a, b: float(next((s for s, x, y in zip(n, a, b, strict=True) if y >= x), 0))),
    ]  # fmt: skip
    same_results("crossing", crossing, _crossing, cases, mistakes, tolerance=1e-4)


assignment.add_written("two_times", "Eleven minutes against six hours", points=3)
