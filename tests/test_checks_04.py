"""The checks of exercise 04 against right and wrong answers."""

from itertools import combinations, permutations

import keras
import numpy as np
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers
from scipy import stats

from cifarlib.checks import tasks


def changes(a, b):
    return sum(a.get(key, ...) != b.get(key, ...) for key in a | b)


def pairs(plan, least=1, most=1, ways=combinations):
    return [(a, b) for a, b in ways(plan, 2) if least <= changes(plan[a], plan[b]) <= most]


def parts(printed, on, off, val, sign=1, unit=100):
    names = ("moment", "dropout", "new images")
    steps = (on - printed, off - on, val - off)
    return {name: sign * unit * step for name, step in zip(names, steps, strict=True)}


def student(gains):
    return stats.t.interval(0.95, len(gains) - 1, np.mean(gains), stats.sem(gains))


def around(gains, half):
    return np.mean(gains) - half, np.mean(gains) + half


def word(low, high):
    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"


def honest(validation, test):
    name = sorted(validation, key=validation.get)[-1]
    return name, test[name]


def network(slope=0.1, drop=0.25, join=False, first=8, padding="same"):
    def block(filters, more):
        found = []
        for n in (filters, more):
            activation = "leaky_relu" if join else None
            found.append(layers.Conv2D(n, 3, padding=padding, activation=activation))
            found += [] if join else [layers.LeakyReLU(slope)]
        return [*found, layers.MaxPooling2D(), layers.Dropout(drop)]

    head = [layers.Flatten(), layers.Dense(64), layers.LeakyReLU(slope), layers.Dropout(0.5)]
    start = [keras.Input((32, 32, 3)), layers.Rescaling(1 / 255)]
    return keras.Sequential(
        [*start, *block(first, 16), *block(16, 32), *head, layers.Dense(10, "softmax")]
    )


def simulated(n_models, n_images, accuracy, rounds, seed):
    random = np.random.default_rng(seed)
    best = [random.binomial(n_images, accuracy, n_models).max() / n_images for _ in range(rounds)]
    return np.mean(best) - accuracy


def single_images(k, n, accuracy, rounds, seed):
    """Every image drawn by itself."""
    right = np.random.default_rng(seed + 1).random((rounds, k, n)) < accuracy
    return right.mean(axis=2).max(axis=1).mean() - accuracy


def excess(change):
    return {"selection_excess": change}


@right_answers(
    ("04.one_change", {"one_change": pairs}),
    ("04.one_change", {"one_change": lambda plan: [list(pair) for pair in pairs(plan)]}),
    ("04.gap_parts", {"gap_parts": parts}),
    ("04.gain_interval", {"gain_interval": student}),
    ("04.gain_interval", {"gain_interval": lambda g: np.array(student(g))}),
    ("04.verdict", {"verdict": word}),
    ("04.choose", {"choose": honest}),
    ("04.block_network", {"block_network": network()}),
    ("04.selection_excess", {"selection_excess": simulated}),
    ("04.selection_excess", {"selection_excess": single_images}),
)
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("04.one_change", {"one_change": lambda plan: pairs(plan, most=9)}, "exactly one"),
    ("04.one_change", {"one_change": lambda plan: pairs(plan, least=0)}, "without any difference"),
    ("04.one_change", {"one_change": lambda plan: pairs(plan, ways=permutations)}, "both orders"),
    ("04.one_change", {"one_change": lambda plan: len(pairs(plan))}, "must be a list"),
    ("04.gap_parts", {"gap_parts": lambda *a: parts(*a, sign=-1)}, "signs are turned round"),
    ("04.gap_parts", {"gap_parts": lambda *a: parts(*a, unit=1)}, "These are fractions"),
    ("04.gap_parts", {"gap_parts": lambda p, a, b, v: tuple(parts(p, a, b, v).values())}, "a dict"),
    ("04.gain_interval",
     {"gain_interval": lambda g: around(g, 1.96 * stats.sem(g))}, "Student's t asks for more"),
    ("04.gain_interval",
     {"gain_interval": lambda g: around(g, stats.t.ppf(0.975, len(g) - 1) * np.std(g, ddof=1))},
     "by the root of n"),
    ("04.gain_interval",
     {"gain_interval": lambda g: around(g, stats.t.ppf(0.975, len(g) - 1) * stats.sem(g, ddof=0))},
     "divides by n - 1"),
    ("04.gain_interval", {"gain_interval": lambda g: (min(g), max(g))}, "smallest and the largest"),
    ("04.gain_interval", {"gain_interval": np.mean}, "must be a tuple"),
    ("04.verdict",
     {"verdict": lambda low, high: "better" if low + high > 0 else "worse"}, "middle"),
    ("04.verdict",
     {"verdict": lambda low, high: "better" if low >= 0 else word(low, high)}, "rule out"),
    ("04.verdict", {"verdict": lambda low, high: low > 0}, "must be a text"),
    ("04.choose", {"choose": lambda v, t: honest(t, t)}, "chooses on the test images"),
    ("04.choose", {"choose": lambda v, t: honest(v, v)}, "publishes the validation accuracy"),
    ("04.choose", {"choose": lambda v, t: honest(v, t)[0]}, "Give both"),
    ("04.block_network", {"block_network": network(slope=0.3)}, "negative_slope=0.3"),
    ("04.block_network", {"block_network": network(drop=0.5)}, "rate=0.5"),
    ("04.block_network", {"block_network": network(join=True)}, "activation='leaky_relu'"),
    ("04.block_network", {"block_network": network(first=16)}, "filters=16"),
    ("04.block_network", {"block_network": network(padding="valid")}, "padding='valid'"),
    ("04.selection_excess", excess(lambda *a: simulated(*a) + a[2]), "Subtract the truth"),
    ("04.selection_excess", excess(lambda k, *a: simulated(1, *a)), "the mean of all"),
    ("04.selection_excess", excess(lambda *a: 100 * simulated(*a)), "A fraction, not points"),
    ("04.selection_excess", excess(lambda *a: simulated(*a).round(0) > 0), "must be a number"),
    ("04.selection_excess", excess(lambda *a: 0.03), "It must be close to"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("04").checked:
        assert tasks_of(test_right)[f"04.{task.name}"] >= 1
        assert tasks_of(test_wrong)[f"04.{task.name}"] >= 2
