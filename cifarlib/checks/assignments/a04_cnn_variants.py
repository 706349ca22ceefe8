"""The tasks of exercise 04: one change at a time, luck, choosing, and why validation can lead."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from cifarlib.checks import compare_models
from cifarlib.checks.compare_calls import call_text, results, same_results
from cifarlib.checks.compare_values import brief
from cifarlib.checks.outcomes import Wrong
from cifarlib.checks.tasks import Assignment

if TYPE_CHECKING:
    import keras

assignment = Assignment("04_cnn_variants")

R0 = {
    "R0.4": {"filters": "32-64-64", "units": 64, "dropout": 0.0, "epochs": 5},
    "R0.6a": {"filters": "32-32-32", "units": 32, "dropout": 0.0, "epochs": 10},
    "R0.6b": {"filters": "32-32-32", "units": 32, "dropout": 0.25, "epochs": 10},
    "R0.6c": {"filters": "128-128-128", "units": 64, "dropout": 0.25, "epochs": 10},
}
PLANS = (
    {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 5, "y": 3}, "d": {"x": 1, "y": 2}},
    {"a": {"x": 1}, "b": {"x": 1, "y": 3}, "c": {"x": 2, "y": 3}},
)


def _differences(first: dict, second: dict) -> int:
    return sum(first.get(key, ...) != second.get(key, ...) for key in first.keys() | second.keys())


def _pairs(plan: dict, fits: Any) -> list[tuple[str, str]]:
    return [(a, b) for a, b in combinations(plan, 2) if fits(_differences(plan[a], plan[b]))]


@assignment.task(
    "One change at a time",
    points=3,
    hints=(
        "Take every pair of experiments once. In how many settings do they differ?",
        "`itertools.combinations(experiments, 2)` gives the pairs of names in order. A setting "
        "that only one of the two has is a difference too.",
    ),
)
def one_change(one_change: Any, *, plans: Any = PLANS) -> None:
    def as_tuples(plan: dict) -> Any:
        found = one_change(plan)
        if type(found) in (list, tuple) and all(type(pair) in (list, tuple) for pair in found):
            return [tuple(pair) for pair in found]
        return found

    mistakes = [
        ("These are the pairs with one change or more. Only exactly one makes a fair comparison.",
         lambda plan: _pairs(plan, lambda n: n >= 1)),
        ("Two experiments without any difference do not compare anything.",
         lambda plan: _pairs(plan, lambda n: n <= 1)),
        ("Give each pair once, not in both orders.",
         lambda plan: [(a, b) for a in plan for b in plan if _differences(plan[a], plan[b]) == 1]),
        ("Compare all pairs, not only neighbours in the list.",
         lambda plan: [pair for pair in zip(plan, list(plan)[1:], strict=False)
                       if _differences(plan[pair[0]], plan[pair[1]]) == 1]),
    ]  # fmt: skip
    given = as_tuples if callable(one_change) else one_change
    cases = [(R0,), *((plan,) for plan in plans)]
    same_results("one_change", given, lambda p: _pairs(p, lambda n: n == 1), cases, mistakes)


GAPS = ((0.60, 0.64, 0.66, 0.63), (0.9, 0.91, 0.95, 0.7))


def _parts(printed: float, on: float, off: float, validation: float) -> dict[str, float]:
    return {
        "moment": 100 * (on - printed),
        "dropout": 100 * (off - on),
        "new images": 100 * (validation - off),
    }


@assignment.task(
    "Why validation can lead",
    points=2,
    hints=(
        "Go from the first number to the last in three steps. What is the only thing that differs "
        "between two neighbours?",
        "Each part is a number minus the one before it, times 100.",
    ),
)
def gap_parts(gap_parts: Any, *, cases: Any = GAPS) -> None:
    mistakes = [
        ("The signs are turned round: a part is positive where it lifts the accuracy.",
         lambda *a: {name: -value for name, value in _parts(*a).items()}),
        ("These are fractions. A point is one hundredth.",
         lambda *a: {name: value / 100 for name, value in _parts(*a).items()}),
        ("Each part starts where the one before it ended, not at the printed accuracy.",
         lambda p, on, off, v: {"moment": 100 * (on - p), "dropout": 100 * (off - p),
                                "new images": 100 * (v - p)}),
    ]  # fmt: skip
    same_results("gap_parts", gap_parts, _parts, cases, mistakes)


GAINS = ([1.2, -0.4, 2.1], [0.5, 0.7], [3.0, 2.5, 3.5, 2.0, 4.0])


def _interval(gains: list[float], factor: float | None = None) -> tuple[float, float]:
    from scipy.stats import t

    factor = t.ppf(0.975, len(gains) - 1) if factor is None else factor
    half = float(factor) * stdev(gains) / len(gains) ** 0.5
    return fmean(gains) - half, fmean(gains) + half


def _widened(gains: list[float], by: float) -> tuple[float, float]:
    (low, high), mean = _interval(gains), fmean(gains)
    return mean + (low - mean) * by, mean + (high - mean) * by


@assignment.task(
    "How sure is a gain?",
    points=3,
    hints=(
        "Mean, plus and minus so many standard errors. What is the standard error of a mean, and "
        "how many of them does Student's t ask for with n - 1 degrees of freedom?",
        "`stats.t.interval(0.95, len(gains) - 1, np.mean(gains), stats.sem(gains))` gives both "
        "ends at once.",
    ),
)
def gain_interval(gain_interval: Any, *, cases: Any = GAINS) -> None:
    mistakes = [
        ("1.96 standard errors are right for very many seeds. With so few, Student's t asks for "
         "more.", lambda g: _interval(g, 1.96)),
        ("1.96 standard errors are right for very many seeds. With so few, Student's t asks for "
         "more.", lambda g: _interval(g, 1.959964)),
        ("This is the spread of one run. The standard error of the mean is smaller, by the root "
         "of n.", lambda g: _widened(g, len(g) ** 0.5)),
        ("The standard deviation of a sample divides by n - 1: `np.std(gains, ddof=1)`.",
         lambda g: _widened(g, ((len(g) - 1) / len(g)) ** 0.5)),
        ("These are the smallest and the largest gain, not an interval for the mean.",
         lambda g: (min(g), max(g))),
    ]  # fmt: skip
    cases = [(list(gains),) for gains in cases]
    as_floats = _pair_of_floats(gain_interval)
    same_results("gain_interval", as_floats, _interval, cases, mistakes, tolerance=1e-4)


def _pair_of_floats(function: Any) -> Any:
    """Take lists and arrays of two numbers for a pair."""
    if not callable(function):
        return function

    def pair(gains: list[float]) -> Any:
        found = function(gains)
        is_pair = type(found) in (list, tuple, np.ndarray) and len(found) == 2
        return tuple(found) if is_pair else found

    return pair


VERDICTS = ((0.2, 3.0), (-2.0, -0.1), (-0.5, 4.0), (-4.0, 0.5), (0.0, 1.0))


def _verdict(low: float, high: float) -> str:
    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"


@assignment.task(
    "Say what follows",
    points=1,
    hints=(
        "Which gains are possible, if the interval is right? Are all of them on one side of zero?",
        '"better" only if even the lower end is above zero; "worse" only if even the upper end is '
        "below.",
    ),
)
def verdict(verdict: Any, *, cases: Any = VERDICTS) -> None:
    mistakes = [
        ("The middle of the interval decides nothing. Where are both its ends?",
         lambda low, high: "better" if low + high > 0 else "worse"),
        ("An interval that reaches zero does not rule out that nothing happened.",
         lambda low, high: "better" if low >= 0 else _verdict(low, high)),
        ("\"better\" and \"worse\" are exchanged.", lambda low, high: _verdict(-high, -low)),
    ]  # fmt: skip
    same_results("verdict", verdict, _verdict, cases, mistakes)


CHOICES = (
    ({"a": 0.71, "b": 0.74, "c": 0.72}, {"a": 0.73, "b": 0.70, "c": 0.72}),
    ({"x": 0.5, "y": 0.4}, {"x": 0.45, "y": 0.6}),
)


def _choose(validation: dict, test: dict) -> tuple[str, float]:
    best = max(validation, key=validation.get)
    return best, test[best]


@assignment.task(
    "Choose, then measure",
    points=2,
    hints=(
        "Which images may have a say in the choice? And which have had none, so that their figure "
        "can be published?",
        "The name with the largest validation accuracy; then look that name up in `test`.",
    ),
)
def choose(choose: Any, *, cases: Any = CHOICES) -> None:
    mistakes = [
        ("This chooses on the test images. Then their accuracy is no longer an honest one.",
         lambda v, t: (max(t, key=t.get), max(t.values()))),
        ("This publishes the validation accuracy, which had a say in the choice. It is too good.",
         lambda v, t: (max(v, key=v.get), max(v.values()))),
        ("The name and the accuracy must belong together.",
         lambda v, t: (max(v, key=v.get), max(t.values()))),
        ("Give both: name and test accuracy.", lambda v, t: max(v, key=v.get)),
    ]  # fmt: skip
    same_results("choose", choose, _choose, cases, mistakes)


@assignment.task(
    "Build in blocks",
    points=3,
    hints=(
        "Write a function that gives the six layers of one block as a list, and use it twice.",
        "`keras.Sequential([keras.Input(...), layers.Rescaling(...), *block(8, 16), "
        "*block(16, 32), layers.Flatten(), ...])`. LeakyReLU is a layer of its own here.",
    ),
)
def block_network(block_network: Any) -> None:
    model = compare_models.model("block_network", block_network, (32, 32, 3))
    compare_models.same_layers("block_network", model, _blocks())


@cache
def _blocks() -> keras.Model:
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255)])
    for filters, more in ((8, 16), (16, 32)):
        for n in (filters, more):
            model.add(layers.Conv2D(n, 3, padding="same"))
            model.add(layers.LeakyReLU(0.1))
        model.add(layers.MaxPooling2D())
        model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(64))
    model.add(layers.LeakyReLU(0.1))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation="softmax"))
    return model


CASES = ((4, 100, 0.7), (1, 200, 0.7), (10, 1000, 0.5))


def _excess(n_models: int, n_images: int, accuracy: float, rounds: int = 20_000) -> float:
    draws = np.random.default_rng(0).binomial(n_images, accuracy, (rounds, n_models)) / n_images
    return float(draws.max(axis=1).mean() - accuracy)


@assignment.task(
    "What choosing does to a number",
    points=4,
    hints=(
        "All networks are equally good here. Measure each on images of its own luck, take the "
        "best, and see how much better than the truth it looks. Then many rounds of that.",
        "`random.binomial(n_images, accuracy, (rounds, n_models)) / n_images` draws everything at "
        "once. Best of each round, mean over the rounds, minus the truth.",
    ),
)
def selection_excess(selection_excess: Any, *, cases: Any = CASES) -> None:
    name, rounds = "selection_excess", 4000
    calls = [(*case, rounds, 0) for case in cases]
    for case, call, given in zip(cases, calls, results(name, selection_excess, calls), strict=True):
        text, needed = call_text(name, call), _excess(*case)
        spread = (case[2] * (1 - case[2]) / case[1]) ** 0.5
        if type(given) not in (int, float):
            raise Wrong(f"{text} is {brief(given)}. It must be a number.")
        if abs(given - needed) <= 5 * spread / rounds**0.5:
            continue
        if abs(given - needed - case[2]) <= spread / 10:
            raise Wrong(f"{text} is {given:.4f}, the accuracy of the best. Subtract the truth.")
        if abs(given) <= spread / 10:
            raise Wrong(f"{text} is {given:.4f}, the mean of all. Only the best is published.")
        if given > 1.5 * max(needed, spread):
            raise Wrong(
                f"{text} is {given:.4f}, which is too much. Take the best of each round, and the "
                "mean over the rounds. (A fraction, not points.)"
            )
        raise Wrong(f"{text} is {given:.4f}. It must be close to {needed:.4f}.")


assignment.add_written("five_tries", "Five tries, one winner", points=3)
