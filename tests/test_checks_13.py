"""The checks of exercise 13 against right and wrong answers."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers
from scipy import stats
from sklearn.decomposition import PCA

from cifarlib.checks import check, tasks
from cifarlib.checks.assignments import a13_beat_the_reports as a13
from cifarlib.checks.reference_answers import training_recipes
from cifarlib.data import loading

ROOT = Path(__file__).parent.parent
RANDOM = np.random.RandomState(13)
FILTERS = RANDOM.randn(2, 2, 3, 24).astype("float32")


def by_keras(labels, n, s):
    """As Keras's own losses smooth their targets."""
    return ((1 - s) * keras.utils.to_categorical(labels, n) + s / n).astype("float32")


def rows(right, others):
    """Rows whose right and other values are functions of n and s."""

    def smoothed(y, n, s):
        return np.where(np.eye(n)[y] > 0, right(n, s), others(n, s)).astype("float32")

    return {"smoothed": smoothed}


def schedule(step, n, batch, epochs, peak, cut=np.ceil, start=0.2):
    """Keras's own, as notebook 13 has it."""
    steps = int(epochs * cut(n / batch))
    up = steps // 5
    found = keras.optimizers.schedules.CosineDecay(
        peak * start, steps - up, warmup_target=peak, warmup_steps=up
    )
    return float(found(step))


def each_picture(step, n, batch, epochs, peak):
    return schedule(step, n, 1, epochs, peak)


def straight(step, n, batch, epochs, peak, power=1):
    steps = epochs * -(-n // batch)
    up = steps // 5
    if step < up:
        return peak * (0.2 + 0.8 * step / up)
    return peak * (1 - (step - up) / (steps - up)) ** power


def from_zero(step, n, batch, epochs, peak):
    steps = epochs * -(-n // batch)
    if step < steps // 5:
        return straight(step, n, batch, epochs, peak)
    return peak * (1 + np.cos(np.pi * step / steps)) / 2


def whole_cosine(step, n, batch, epochs, peak):
    part = 1 - straight(step, n, batch, epochs, 1.0)
    rises = step < epochs * -(-n // batch) // 5
    return peak * (1 - part if rises else (1 + np.cos(2 * np.pi * part)) / 2)


def quarters(images, epoch, first, by=1):
    turns = (first + epoch) * by % 4
    return np.stack([np.rot90(x, k) for x, k in zip(images, turns, strict=True)])


def in_place(images, epoch, first):
    for i, k in enumerate((first + epoch) % 4):
        images[i] = np.rot90(images[i], k).copy()
    return images


def turning(turned):
    def seen(images, first, epochs):
        return [turned(images, epoch, first) for epoch in range(epochs)]

    return {"turned": turned, "seen": seen}


def front(points, no_worse=np.less_equal):
    found = []
    for name, (s, a) in points.items():
        if not any(no_worse(t, s) and no_worse(-b, -a) and (t, b) != (s, a)
                   for t, b in points.values()):  # fmt: skip
            found.append((s, list(points).index(name), name))
    return [name for *_, name in sorted(found)]


def without_twins(points):
    others = [(n, [p for m, p in points.items() if m != n]) for n in front(points)]
    return [n for n, rest in others if points[n] not in rest]


def as_given(points):
    return [name for name in points if name in front(points)]


def beaten(points):
    rest = [name for name in points if name not in front(points)]
    return sorted(rest, key=lambda name: points[name][0])


def by_pca(patches):
    found = PCA(whiten=True).fit(patches)
    return found.components_.T / np.sqrt(found.explained_variance_)


def upright(patches):
    """Another right answer: the root of the inverse covariance, which turns nothing."""
    spread, directions = np.linalg.eigh(np.cov(patches.T))
    return directions @ np.diag(spread**-0.5) @ directions.T


def directions(patches, power=0.0, moments=False):
    matrix = patches.T @ patches / len(patches) if moments else np.cov(patches.T)
    spread, found = np.linalg.eigh(matrix)
    return found * spread**power


def whitening(function):
    return {"whitening": function}


def kept(whole, without, keep=None, key=None):
    """Right, by SciPy's own test of pairs, unless told otherwise."""
    keep = keep or (lambda a, b: stats.ttest_rel(a, b).confidence_interval().low > 0)
    found = [name for name, values in without.items() if keep(np.array(whole), np.array(values))]
    return sorted(found, key=key or (lambda name: np.mean(without[name])))


def keeping(**other):
    return {"worth_keeping": lambda whole, without: kept(whole, without, **other)}


def surely(a, b):
    return abs(np.mean(a - b)) > 1.96 * stats.sem(a - b) and np.mean(a) > np.mean(b)


def harm(a, b):
    return stats.ttest_rel(a, b).pvalue < 0.05


def strangers(a, b):
    return stats.ttest_ind(a, b).confidence_interval().low > 0


def fast(first=FILTERS, frozen=True, momentum=0.6, scale=False, widths=(16, 32), offset=-2, bias=0):
    keras.utils.set_random_seed(0)
    begin = layers.Conv2D(24, 2, activation="relu", trainable=not frozen)
    stack = [keras.Input((32, 32, 3)), layers.Rescaling(1 / 64, offset=offset), begin]
    for filters in widths:
        stack.append(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        stack += [layers.MaxPooling2D(), layers.BatchNormalization(momentum=momentum, scale=scale)]
        stack.append(layers.ReLU())
    stack += [layers.GlobalMaxPooling2D(), layers.Dense(10, use_bias=False)]
    model = keras.Sequential([*stack, layers.Rescaling(1 / 9), layers.Softmax()])
    if first is not None:
        begin.set_weights([first, np.full(24, bias)])
    return {"first_filters": FILTERS, "fast_network": model, "fast_accuracy": 0.9}


@right_answers(
    ("13.smoothed", {"smoothed": by_keras}),
    ("13.smoothed", rows(lambda n, s: 1 - s * (n - 1) / n, lambda n, s: s / n)),
    ("13.rate", {"rate": schedule}),
    ("13.turned", turning(quarters)),
    ("13.unbeaten", {"unbeaten": front}),
    ("13.whitening", whitening(by_pca)),
    ("13.whitening", whitening(upright)),
    ("13.whitening", whitening(lambda p: -directions(p, -0.5)[:, ::-1])),
    ("13.worth_keeping", keeping()),
)  # fmt: skip
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("13.smoothed", rows(lambda n, s: 1 - s, lambda n, s: s / (n - 1)), "to the others only"),
    ("13.smoothed", rows(lambda n, s: 1 - s, lambda n, s: s), "the whole smoothing"),
    ("13.smoothed", rows(lambda n, s: 1 + s / n, lambda n, s: s / n), "up to more than 1"),
    ("13.smoothed", rows(lambda n, s: 1 - s, lambda n, s: s / n), "its own share back"),
    ("13.smoothed", rows(lambda n, s: 1 - s, lambda n, s: 0), "went to nobody"),
    ("13.smoothed", rows(lambda n, s: 1, lambda n, s: 0), "as sure as ever"),
    ("13.smoothed", {"smoothed": lambda y, n, s: by_keras(y, n, s).astype("float64")}, "float32"),
    ("13.rate", {"rate": lambda *a: schedule(*a, cut=np.floor)}, "smaller batch"),
    ("13.rate", {"rate": each_picture}, "each picture for a step"),
    ("13.rate", {"rate": lambda *a: schedule(*a, start=0.0)}, "not at zero"),
    ("13.rate", {"rate": from_zero}, "measured from step 0"),
    ("13.rate", {"rate": whole_cosine}, "comes up again"),
    ("13.rate", {"rate": straight}, "a straight line"),
    ("13.rate", {"rate": lambda *a: straight(*a, power=2)}, "It must be"),
    ("13.rate", {"rate": lambda *a: 0.4}, "whatever it is called with"),
    ("13.turned", turning(in_place), "changes the images that it was given"),
    ("13.turned", turning(lambda *a: quarters(*a, by=-1)), "with the clock"),
    ("13.turned", turning(lambda x, e, f: quarters(x, 0, f)), "take no turns"),
    ("13.turned", turning(lambda x, e, f: quarters(x, e, 0 * f)), "turned alike"),
    ("13.turned", turning(lambda x, e, f: quarters(x, e % 2, f)), "Four are needed"),
    ("13.turned", turning(lambda x, e, f: np.array(
        [a[:, ::-1] if (k + e) % 2 else a for a, k in zip(x, f, strict=True)])), "mirrored"),
    ("13.turned", turning(lambda x, e, f: quarters(x, e, f) / 255), "must hold uint8"),
    ("13.unbeaten", {"unbeaten": lambda p: front(p, np.less)}, "missing or too many"),
    ("13.unbeaten", {"unbeaten": without_twins}, "do not beat each other"),
    ("13.unbeaten", {"unbeaten": lambda p: front(p)[::-1]}, "The fastest comes first"),
    ("13.unbeaten", {"unbeaten": as_given}, "The fastest comes first"),
    ("13.unbeaten", {"unbeaten": beaten}, "the ones that are beaten"),
    ("13.unbeaten", {"unbeaten": lambda p: tuple(front(p))}, "must be a list"),
    ("13.whitening", whitening(directions), "not stretched"),
    ("13.whitening", whitening(lambda p: directions(p, -1.0)), "divide by the root"),
    ("13.whitening", whitening(lambda p: directions(p, 0.5)), "do not multiply"),
    ("13.whitening", whitening(lambda p: directions(p, -0.5).T), "lie in rows"),
    ("13.whitening", whitening(lambda p: directions(p, -0.5, moments=True)), "from the mean"),
    ("13.whitening", whitening(lambda p: np.diag(1 / p.std(axis=0))), "have covariance"),
    ("13.whitening", whitening(lambda p: np.eye(12)), "Answers"),
    ("13.whitening", whitening(lambda p: directions(p)[:, :4]), "must be an array of shape"),
    ("13.whitening", whitening(lambda p: directions(p) * np.nan), "are no numbers"),
    ("13.worth_keeping", keeping(keep=lambda a, b: a.mean() > b.mean()), "not enough"),
    ("13.worth_keeping", keeping(keep=strangers), "for strangers"),
    ("13.worth_keeping", keeping(keep=surely), "Take Student's t"),
    ("13.worth_keeping", keeping(keep=harm), "does harm"),
    ("13.worth_keeping", keeping(keep=lambda a, b: a[0] > b[0]), "one seed only"),
    ("13.worth_keeping", keeping(keep=lambda a, b: a.max() > b.max()), "best run with the best"),
    ("13.worth_keeping", keeping(keep=lambda a, b: harm(a, b) and a.mean() < b.mean()),
     "sign is turned round"),
    ("13.worth_keeping", keeping(key=lambda name: 1), "whose loss is largest comes first"),
    ("13.worth_keeping", keeping(key=lambda name: name), "whose loss is largest comes first"),
    ("13.fast_network", fast(first=None), "has other filters"),
    ("13.fast_network", fast(first=FILTERS + 0.01, frozen=False), "is not frozen, and has learned"),
    ("13.fast_network", fast(frozen=False), "it would learn"),
    ("13.fast_network", fast(bias=0.1), "biases that are not zero"),
    ("13.fast_network", fast(momentum=0.99), "has momentum=0.99. Needed: 0.6"),
    ("13.fast_network", fast(scale=True), "has scale=True. Needed: False"),
    ("13.fast_network", fast(widths=(16, 64)), "has filters=64. It must be 32"),
    ("13.fast_network", fast(offset=0), "has offset=0"),
    ("13.fast_network", fast(), "Needed is 90% or more"),
    ("13.fast_network", fast() | {"fast_network": fast}, "Did you forget to call it?"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_a_network_to_the_specification(monkeypatch):
    """With the bar on the ground a network without training passes; the solution is trained."""
    monkeypatch.setattr(a13, "LEAST_ACCURACY", 0)
    answers = fast()
    shapes = loading.load("cifar10", source="embedded", seed=0)
    said = answers["fast_network"].predict(shapes.x_test, verbose=0).argmax(axis=1)
    answers["fast_accuracy"] = float(np.mean(said == shapes.y_test))
    assert_right("13.fast_network", answers, "")
    assert check.outcome("13.fast_network", answers, drawn_with=5).passed
    assert_wrong("13.fast_network", answers | {"fast_accuracy": 0.99}, "another accuracy")


def test_hidden_inputs_catch_what_is_typed_in():
    known = {str(case): training_recipes.unbeaten(case) for case in a13.POINTS}
    answers = {"unbeaten": lambda points: known.get(str(points), [])}
    assert check.outcome("13.unbeaten", answers).passed
    assert not check.outcome("13.unbeaten", answers, cases=({"k": (5, 0.5)},)).passed


def test_the_notebook_has_the_ablation_of_the_check():
    path = ROOT / "solutions" / "13_beat_the_reports" / "13_beat_the_reports.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (cell,) = [c for c in cells if c["metadata"].get("nbgrader", {}).get("grade_id") == "ablation"]
    found = {"np": np}
    exec("".join(cell["source"]), found)
    assert (found["whole"], found["without"]) == a13.ABLATIONS[0]
    assert kept(*a13.ABLATIONS[0]) == ["whitening", "moving"]


@pytest.mark.parametrize("task", [task.name for task in tasks.assignment("13").checked])
def test_every_task_has_right_and_wrong_answers(task):
    if task != "fast_network":  # with a trained network by the solution
        assert tasks_of(test_right)[f"13.{task}"] >= 1
    assert tasks_of(test_wrong)[f"13.{task}"] >= 2
