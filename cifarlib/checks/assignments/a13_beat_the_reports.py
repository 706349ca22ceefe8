"""The tasks of exercise 13: what a fast network is made of, and which parts of it earn a place."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from cifarlib.checks import compare_models
from cifarlib.checks.compare_calls import call_text, results, same_results
from cifarlib.checks.compare_values import brief
from cifarlib.checks.outcomes import Wrong
from cifarlib.checks.reference_answers import training_recipes
from cifarlib.checks.tasks import Assignment
from cifarlib.data import synthetic_data

if TYPE_CHECKING:
    import keras

assignment = Assignment("13_beat_the_reports")

LABELS = (([2, 0, 1, 2], 3, 0.3), ([4, 9, 0], 10, 0.2), ([1, 0], 4, 0.0))


@assignment.task(
    "Not too sure",
    points=2,
    hints=(
        "Every class gets the same small share, the right one too. What is left for the right one "
        "on top of it?",
        "`(1 - smoothing) * rows + smoothing / n_classes`, where `rows` are one-hot.",
    ),
)
def smoothed(smoothed: Any, *, cases: Any = LABELS) -> None:
    mistakes = [
        ("All classes share the smoothing, the right one too. Here it went to the others only.",
         lambda y, n, s: training_recipes.rows(y, n, 1 - s, s / (n - 1))),
        ("Each of the others got the whole smoothing. They share it, so that a row adds up to 1.",
         lambda y, n, s: training_recipes.rows(y, n, 1 - s, s)),
        ("The right class has to give up what is shared: these rows add up to more than 1.",
         lambda y, n, s: training_recipes.rows(y, n, 1 + s / n, s / n)),
        ("The right class gets its own share back: these rows add up to less than 1.",
         lambda y, n, s: training_recipes.rows(y, n, 1 - s, s / n)),
        ("What the right class gave up went to nobody: these rows add up to less than 1.",
         lambda y, n, s: training_recipes.rows(y, n, 1 - s, 0)),
        ("These rows are as sure as ever. Use `smoothing`.",
         lambda y, n, s: training_recipes.rows(y, n, 1, 0)),
    ]  # fmt: skip
    calls = [(np.array(labels), n, s) for labels, n, s in cases]
    same_results("smoothed", smoothed, training_recipes.smoothed, calls, mistakes)


RATES = (
    *((step, 460, 50, 3, 1.0) for step in (0, 3, 6, 7, 18, 26)),
    *((step, 1000, 250, 10, 0.4) for step in (2, 8, 30)),
)


@assignment.task(
    "Up, then down",
    points=3,
    hints=(
        "How many steps has an epoch, if the last batch may be smaller than the others? How many "
        "has the whole training, and how many of them are the rise?",
        "`part = (step - up) / (steps - up)` runs from 0 to 1 during the fall. Half a cosine is "
        "`peak * (1 + cos(pi * part)) / 2`.",
    ),
)
def rate(rate: Any, *, cases: Any = RATES) -> None:
    mistakes = [
        ("This leaves out the last, smaller batch of each epoch. It is a step as well.",
         lambda i, n, b, e, p: training_recipes.rate(i, n, b, e, p, steps=e * (n // b))),
        ("This takes each picture for a step. A step is a batch: this rate never falls.",
         lambda i, n, b, e, p: training_recipes.rate(i, n, b, e, p, steps=e * n)),
        ("The rise begins at a fifth of the highest rate, not at zero.",
         lambda *a: training_recipes.rate(*a, rise=lambda done: done)),
        ("The fall is measured from step 0. It begins where the rise ends.",
         lambda *a: training_recipes.rate(*a, from_zero=True)),
        ("That is a whole cosine: the rate comes up again at the end.",
         lambda *a: training_recipes.rate(
             *a, fall=lambda done: (1 + math.cos(2 * math.pi * done)) / 2)),
        ("This falls along a straight line. Needed is half a cosine.",
         lambda *a: training_recipes.rate(*a, fall=lambda done: 1 - done)),
    ]  # fmt: skip
    same_results("rate", rate, training_recipes.rate, cases, mistakes, tolerance=1e-4)


@assignment.task(
    "Taking turns",
    points=3,
    hints=(
        "How many quarter turns does picture `i` make in this epoch? After four it stands as at "
        "first.",
        "`(first + epoch) % 4` are the quarter turns. Begin with `images.copy()`, and for each "
        "number of turns fill in the pictures that make it: "
        "`np.rot90(images[now], turns, axes=(1, 2))`.",
    ),
)
def turned(turned: Any, seen: Any, *, draws: Any = ((0, 6), (1, 5))) -> None:
    cases, epochs = [], 5
    for seed, n in draws:
        random = np.random.RandomState(seed)
        images = random.randint(0, 256, (n, 4, 4, 3)).astype(np.uint8)
        cases.append((images, random.permutation(n) % 4))
    calls = [(images, epoch, first) for images, first in cases for epoch in range(epochs)]
    mistakes = [
        ("This turns with the clock. Needed is the other way round, as `np.rot90` does.",
         lambda x, e, first: training_recipes.turned(x, e, first, by=-1)),
        ("This is the same in all epochs: the pictures take no turns.",
         lambda x, e, first: training_recipes.turned(x, 0, first)),
        ("All pictures are turned alike. Each has a first way of its own.",
         lambda x, e, first: training_recipes.turned(x, e, 0 * first)),
        ("There are two ways here, in turns. Four are needed: turn on in every epoch.",
         lambda x, e, first: training_recipes.turned(x, e % 2, first)),
        ("These are mirrored, not turned.", training_recipes.mirrored),
    ]  # fmt: skip
    same_results("turned", turned, training_recipes.turned, calls, mistakes)
    found = results("seen", seen, [(*case, epochs) for case in cases])
    for (images, first), given in zip(cases, found, strict=True):
        needed = [training_recipes.turned(images, epoch, first) for epoch in range(epochs)]
        if not all(np.array_equal(a, b) for a, b in zip(given, needed, strict=True)):
            raise Wrong(
                "`turned` is right once. But called epoch after epoch with the same array, it "
                "gives something else: it changes the images that it was given. Work on a copy."
            )


POINTS = (
    {"a": (60, 0.70), "b": (20, 0.55), "c": (60, 0.66), "d": (200, 0.70), "e": (90, 0.74),
     "f": (25, 0.50)},
    {"slow": (9.5, 0.6), "fast": (1.5, 0.6), "twin": (1.5, 0.6), "better": (8.0, 0.61)},
    {"x": (3, 0.1), "y": (2, 0.2), "z": (1, 0.3)},
)  # fmt: skip


@assignment.task(
    "Beaten by nobody",
    points=3,
    hints=(
        "Take one network, and go through all the others. Is there one that is better in one "
        "thing, and no worse in the other?",
        "`b` beats `a` if `b` needs no more seconds and is no less accurate, and the two pairs are "
        "not equal. Keep those that nobody beats, and sort them by seconds.",
    ),
)
def unbeaten(unbeaten: Any, *, cases: Any = POINTS) -> None:
    right = training_recipes.unbeaten
    mistakes = [
        ("One is missing or too many: as fast and more accurate, or faster and as accurate, beats.",
         lambda p: right(p, lambda a, b: a[0] < b[0] and a[1] > b[1])),
        ("Two networks with the same pair do not beat each other.",
         lambda p: [n for n in right(p) if list(p.values()).count(p[n]) == 1]),
        ("These are in another order. The fastest comes first.",
         lambda p: right(p)[::-1]),
        ("These are in another order. The fastest comes first.",
         lambda p: [name for name in p if name in right(p)]),
        ("These are the ones that are beaten.",
         lambda p: sorted(p.keys() - set(right(p)), key=lambda n: p[n][0])),
    ]  # fmt: skip
    same_results("unbeaten", unbeaten, right, [(dict(c),) for c in cases], mistakes)


@assignment.task(
    "A first layer that need not learn",
    points=4,
    hints=(
        "Take the covariance of the columns of `patches`. Along which directions is there none "
        "between them, and how much do the patches vary along each?",
        "`spread, directions = np.linalg.eigh(np.cov(patches.T))`. The directions are the columns. "
        "Spread is a variance: dividing a column by its root makes it 1.",
    ),
)
def whitening(whitening: Any, *, draws: Any = ((3, 12), (4, 12), (5, 6))) -> None:
    cases = [(training_recipes.patches(draw),) for draw in draws]
    for (patches,), filters in zip(cases, results("whitening", whitening, cases), strict=True):
        text, size = call_text("whitening", (patches,)), patches.shape[1]
        if type(filters) is not np.ndarray or filters.shape != (size, size):
            raise Wrong(f"{text} is {brief(filters)}. It must be an array of shape {(size, size)}.")
        if filters.dtype.kind not in "if" or not np.isfinite(filters).all():
            raise Wrong(f"{text} holds values that are no numbers. Is a variance below zero?")
        training_recipes.whitened(patches, filters, text)


ABLATIONS = (
    ([0.712, 0.655, 0.690, 0.734, 0.671], {
        "moving": [0.706, 0.646, 0.685, 0.726, 0.664],
        "noise": [0.724, 0.625, 0.663, 0.716, 0.679],
        "whitening": [0.681, 0.630, 0.654, 0.705, 0.638],
        "dropout": [0.720, 0.667, 0.696, 0.744, 0.682],
        "doubling": [0.702, 0.654, 0.690, 0.728, 0.667],
    }),
    ([0.5, 0.6, 0.55], {"a": [0.49, 0.588, 0.542], "b": [0.45, 0.6, 0.59]}),
)  # fmt: skip
"""Made up. The notebook has the first one too; a test compares the two."""


@assignment.task(
    "Worth keeping",
    points=4,
    hints=(
        "For each part and each seed: what is lost if the part is left out? Then how sure is the "
        "mean of these losses, from so few seeds?",
        "`losses = np.array(whole) - np.array(accuracies)`. Keep the part if `losses.mean() - "
        "stats.t.ppf(0.975, n - 1) * stats.sem(losses)` is above zero. Then sort.",
    ),
)
def worth_keeping(worth_keeping: Any, *, cases: Any = ABLATIONS) -> None:
    kept, interval = training_recipes.kept, training_recipes.loss_interval
    mistakes = [
        ("A mean above zero is not enough: seeds alone make such means. Is the whole interval "
         "above zero?",
         lambda w, o: kept(w, o, lambda a, b: a.mean() > b.mean())),
        ("This takes the runs for strangers. They are pairs: subtract seed by seed first.",
         lambda w, o: kept(w, o, lambda a, b: stats.ttest_ind(a, b).confidence_interval()[0] > 0)),
        ("With so few pairs the normal distribution is too sure (1.96). Take Student's t.",
         lambda w, o: kept(w, o, lambda a, b: interval(a, b, 1.96)[0] > 0)),
        ("This keeps a part that does harm. An interval below zero speaks against it.",
         lambda w, o: kept(w, o, lambda a, b: interval(a, b)[0] * interval(a, b)[1] > 0)),
        ("This looks at one seed only.", lambda w, o: kept(w, o, lambda a, b: a[0] > b[0])),
        ("This compares the best run with the best run. Of how many was each the best?",
         lambda w, o: kept(w, o, lambda a, b: a.max() > b.max())),
        ("The sign is turned round: what is lost is whole minus without.",
         lambda w, o: kept(w, o, lambda a, b: interval(a, b)[1] < 0)),
        ("These are in another order. The part whose loss is largest comes first.",
         lambda w, o: kept(w, o)[::-1]),
        ("These are in another order. The part whose loss is largest comes first.",
         lambda w, o: [part for part in o if part in kept(w, o)]),
    ]  # fmt: skip
    same_results("worth_keeping", worth_keeping, kept, cases, mistakes)


LEAST_ACCURACY = 0.90


@cache
def _fast() -> keras.Model:
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 64, offset=-2)])
    model.add(layers.Conv2D(24, 2, activation="relu"))
    for filters in (16, 32):
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        model.add(layers.MaxPooling2D())
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    model.add(layers.GlobalMaxPooling2D())
    model.add(layers.Dense(10, use_bias=False))
    model.add(layers.Rescaling(1 / 9))
    model.add(layers.Softmax())
    return model


@assignment.task(
    "Every part in its place",
    points=5,
    hints=(
        "Keep the first convolution in a variable, so that you can give it its filters when the "
        "model is built. Freeze it before you compile. Which loss takes rows, not numbers?",
        "`first.set_weights([first_filters, np.zeros(24)])`, then `compile(keras.optimizers.SGD("
        'schedule, 0.85, nesterov=True), "categorical_crossentropy", metrics=["accuracy"])`: '
        "without `metrics=`, the third place means something else.",
    ),
)
def fast_network(
    first_filters: Any, fast_network: Any, fast_accuracy: Any, *, drawn_with: int | None = None
) -> None:
    name = "fast_network"
    model = compare_models.model(name, fast_network, (32, 32, 3), classes=10)
    compare_models.same_layers(name, model, _fast())
    training_recipes.parts_in_place(name, model, first_filters)
    x_train, y_train, x_test, y_test = synthetic_data.shapes()
    measured = compare_models.accuracy(name, model, x_test, y_test, at_least=LEAST_ACCURACY)
    seen = compare_models.accuracy(name, model, x_train, y_train, at_least=0)
    compare_models.stated(
        "fast_accuracy", fast_accuracy, measured, {"its accuracy on training images": seen}
    )
    if drawn_with is not None:
        images, labels = synthetic_data.more_shapes(500, drawn_with)
        compare_models.accuracy(name, model, images, labels, at_least=LEAST_ACCURACY - 0.05)


assignment.add_written("which_point", "Above and to the left", points=3)
