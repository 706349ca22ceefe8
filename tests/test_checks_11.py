"""The checks of exercise 11 against right and wrong answers."""

import keras
import numpy as np
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers
from scipy import stats

from cifarlib import ledger
from cifarlib.checks import tasks
from cifarlib.checks.assignments import a11_small_data as a11

CROSS = "categorical_crossentropy"


def head(n, labels, **other):
    """Right, unless another answer is given for a kind of labels, such as one_hot=..."""
    answers = {
        "0_or_1": (1, "sigmoid", "binary_crossentropy"),
        "numbers": (n, "softmax", f"sparse_{CROSS}"),
        "one_hot": (n, "softmax", CROSS),
        "any_of_them": (n, "sigmoid", "binary_crossentropy"),
    } | {kind: make(n) for kind, make in other.items()}
    return answers[labels.replace(" ", "_").replace("-", "_")]


def heads(**other):
    return {"fitting_head": lambda n, labels: head(n, labels, **other)}


def always_binary(n, labels):
    return (*head(n, labels)[:2], "binary_crossentropy")


def many_units(n, labels):
    return (n, *head(n, labels)[1:])


def pets(units=1, end="sigmoid", loss="binary_crossentropy", filters=8, scale=True, rate=0.5):
    model = keras.Sequential([keras.Input((32, 32, 3))])
    if scale:
        model.add(layers.Rescaling(1 / 255))
    for n in (filters, 16):
        model.add(layers.Conv2D(n, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(16, activation="relu"))
    model.add(layers.Dropout(rate))
    model.add(layers.Dense(units, activation=end))
    if loss:
        model.compile("rmsprop", loss, metrics=["accuracy"])
    return {"pets_network": model}


def really(**changes):
    return {"really": a11.LOG | changes}


def saturated(loss, accuracy, first=1, log=np.log, of_right=False):
    most = -log(1e-7)
    shares = [a if of_right else 1 - a for a in accuracy]
    return [
        n
        for n, (x, s) in enumerate(zip(loss, shares, strict=True), first)
        if abs(x - most * s) <= 0.01 * most * s
    ]


def epochs(**slip):
    return {"saturated_epochs": lambda x, a: saturated(x, a, **slip)}


def by_animal(animals, share, seed, least=0):
    drawn = np.random.default_rng(seed).permutation(np.unique(animals))
    chosen = np.isin(animals, drawn[: max(round(share * len(drawn)) - least, 1)])
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def by_picture(animals, share, seed):
    order = np.random.default_rng(seed).permutation(len(animals))
    cut = round(share * len(animals))
    return order[cut:], order[:cut]


def first_animals(animals, share, seed):
    chosen = np.isin(animals, np.unique(animals)[: round(share * len(np.unique(animals)))])
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def split(function):
    return {"split_by_animal": function}


def interval(better, worse, ddof=1, factor=None):
    points = 100 * np.subtract(better, worse)
    factor = factor or stats.t.ppf(0.975, len(points) - 1)
    reach = factor * points.std(ddof=ddof) / len(points) ** 0.5
    return points.mean() - reach, points.mean() + reach


def strangers(better, worse):
    found = stats.ttest_ind(better, worse).confidence_interval()
    return 100 * found.low, 100 * found.high


def by_scipy(better, worse):
    found = stats.ttest_rel(better, worse).confidence_interval()
    return 100 * found.low, 100 * found.high


def cross(sizes, first, second, axis=np.log, back=np.exp):
    gap = np.subtract(first, second)
    for i in np.flatnonzero((gap[:-1] > 0) & (gap[1:] <= 0)):
        ends = gap[i + 1], gap[i]
        return float(back(np.interp(0, ends, [axis(sizes[i + 1]), axis(sizes[i])])))
    return 0.0


def first_ahead(sizes, first, second):
    return float(next((n for n, a, b in zip(sizes, first, second, strict=True) if b >= a), 0))


@right_answers(
    ("11.fitting_head", heads()),
    ("11.pets_network", pets()),
    ("11.pets_network", pets(loss=keras.losses.BinaryCrossentropy())),
    ("11.really", really()),
    ("11.really", really(loss=["training loss", 1])),
    ("11.saturated_epochs", epochs()),
    ("11.split_by_animal", split(by_animal)),
    ("11.split_by_animal", split(lambda *a: [part[::-1] for part in by_animal(*a)])),
    ("11.paired_interval", {"paired_interval": interval}),
    ("11.paired_interval", {"paired_interval": by_scipy}),
    ("11.crossing", {"crossing": cross}),
)  # fmt: skip
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("11.fitting_head", {"fitting_head": always_binary}, "is R2's mix"),
    ("11.fitting_head", {"fitting_head": many_units}, "would need labels for two"),
    ("11.fitting_head", heads(**{"0_or_1": lambda n: (1, "softmax", "binary_crossentropy")}),
     "is always 1"),
    ("11.fitting_head", heads(any_of_them=lambda n: (n, "softmax", CROSS)), "share one whole"),
    ("11.fitting_head", heads(one_hot=lambda n: (n, "softmax", f"sparse_{CROSS}")),
     "not one-hot rows"),
    ("11.fitting_head", heads(numbers=lambda n: (n, "softmax", CROSS)), "It must be 'sparse_"),
    ("11.pets_network", pets(end="softmax"), "1 for every picture"),
    ("11.pets_network", pets(units=2, end="softmax"), "has units=2. It must be 1"),
    ("11.pets_network", pets(scale=False), "It must be Rescaling"),
    ("11.pets_network", pets(filters=16), "has filters=16"),
    ("11.pets_network", pets(loss=None), "is not compiled"),
    ("11.pets_network", pets(loss="mean_squared_error"), "has the loss mean_squared_error"),
    ("11.really", really(val_loss=("validation loss", 10)), "is no validation loss"),
    ("11.really", really(loss=("training loss", 0)), "Epochs are counted from 1"),
    ("11.really", really(loss=("training loss", 10), accuracy=("training accuracy", 10)),
     "2 of 4 are not right"),
    ("11.really", really(loss="training loss"), "Needed is a pair"),
    ("11.really", {"really": ["training loss"]}, "must be a dict"),
    ("11.saturated_epochs", epochs(first=0), "counted from 1"),
    ("11.saturated_epochs", epochs(log=np.log10), "base 10"),
    ("11.saturated_epochs", epochs(of_right=True), "nothing for right ones"),
    ("11.saturated_epochs",
     {"saturated_epochs": lambda x, a: [n for n, v in enumerate(x, 1) if v > 1.386]},
     "above that of knowing nothing"),
    ("11.saturated_epochs", {"saturated_epochs": lambda x, a: np.array(saturated(x, a))},
     "must be a list"),
    ("11.split_by_animal", split(by_picture), "animals in both parts: a leak"),
    ("11.split_by_animal", split(lambda *a: by_animal(*a)[::-1]), "the wrong order"),
    ("11.split_by_animal", split(lambda a, s, _: by_animal(a, s, None)), "two splits for one seed"),
    ("11.split_by_animal", split(first_animals), "same split for the seeds 0 and 1"),
    ("11.split_by_animal", split(lambda *a: by_animal(*a, least=3)), "validates on 7 of 40"),
    ("11.split_by_animal", split(lambda a, s, n: (a == 0, a != 0)), "array of whole numbers"),
    ("11.split_by_animal", split(lambda *a: (by_animal(*a)[0][1:], by_animal(*a)[1])),
     "are in neither part"),
    ("11.paired_interval", {"paired_interval": lambda b, w: interval(b, w, factor=1.96)},
     "Take Student's t"),
    ("11.paired_interval", {"paired_interval": strangers}, "subtract first"),
    ("11.paired_interval", {"paired_interval": lambda b, w: interval(b, w, ddof=0)}, "ddof=1"),
    ("11.paired_interval", {"paired_interval": lambda b, w: interval(w, b)}, "sign is turned"),
    ("11.paired_interval", {"paired_interval": lambda b, w: list(interval(b, w))}, "be a tuple"),
    ("11.crossing", {"crossing": lambda *a: cross(*a, axis=float, back=float)}, "is logarithmic"),
    ("11.crossing", {"crossing": first_ahead}, "They cross before it"),
    ("11.crossing", {"crossing": lambda n, a, b: cross(n, b, a)}, "whatever it is"),
    ("11.crossing", {"crossing": lambda n, a, b: cross(n, a, b) / 2}, "It must be"),
    ("11.crossing", {"crossing": lambda n, a, b: 1500.0}, "whatever it is called with"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_the_log_is_the_reports():
    assert a11.LOSS[-1] == ledger.claim("R3.4", "train_loss")
    assert a11.ACCURACY[-1] == ledger.claim("R3.4", "train_accuracy")
    assert saturated(a11.LOSS, a11.ACCURACY) == [2, 3, 4]


def test_the_recorded_runs_are_pairs():
    assert len(a11.recorded("short-mild")) == len(a11.recorded("short-plain")) >= 3


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("11").checked:
        assert tasks_of(test_right)[f"11.{task.name}"] >= 1
        assert tasks_of(test_wrong)[f"11.{task.name}"] >= 2
