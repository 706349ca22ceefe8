"""The checks of exercise 07 against right and wrong answers."""

import keras
import numpy as np
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers

from cifarlib import backbones
from cifarlib.checks import compare_pixels, tasks, toy_backbone
from cifarlib.checks.assignments import a07_vgg16_frozen as a07
from cifarlib.data import synthetic_data

MEAN = np.array([103.939, 116.779, 123.68])


def prepare(images, dtype="float32"):
    return np.stack([images[..., 2 - i] - MEAN[i] for i in range(3)], axis=-1).astype(dtype)


def changed(before, after, same=np.array_equal, first=False):
    end = 1 if first else None
    pairs = {name: list(zip(before[name], after[name], strict=True))[:end] for name in before}
    return [name for name, both in pairs.items() if not all(same(a, b) for a, b in both)]


def once(chain):
    stops = [i for i, (_, learns, random) in enumerate(chain) if learns or random]
    return [name for name, _, _ in chain[: stops[0]]]


def stop(losses, patience):
    waited = best = 0
    for i in range(1, len(losses)):
        waited = 0 if losses[i] < losses[best] else waited + 1
        best = i if waited == 0 else best
        if waited == patience:
            return i + 1, best + 1
    return len(losses), best + 1


def neighbour(losses, patience):
    waited = 0
    for i in range(1, len(losses)):
        waited = waited + 1 if losses[i] >= losses[i - 1] else 0
        if waited == patience:
            return i + 1, int(np.argmin(losses[: i + 1])) + 1
    return len(losses), int(np.argmin(losses)) + 1


def effects(table, unit=100, base="nothing", sign=1):
    p, n, b = (table[way] - table["nothing"] for way in ("pixels", "normalized", "both"))
    more = sign * (b - p - n)
    found = {"pixels": p, "normalized": n, "both": table["both"] - table[base]}
    return {key: unit * v for key, v in (found | {"more than the sum": more}).items()}


def network(first="right", trainable=False, train=None, classes=10):
    """A network that passes all but the band, unless told otherwise; it has not learned."""
    base = toy_backbone.build()
    base.trainable = trainable
    ways = {
        "right": backbones.CaffeColors(),
        "/255": layers.Rescaling(1 / 255),
        "-1 to 1": layers.Rescaling(1 / 127.5, offset=-1),
        "none": layers.Rescaling(1),
        "shifted": layers.Rescaling(2, offset=7),
    }
    stack = [ways[first], base, layers.Flatten()]
    stack += [layers.BatchNormalization(), layers.Dense(classes, activation="softmax")]
    model = keras.Sequential([keras.Input((32, 32, 3)), *stack])
    if train:  # the wrong order: frozen after it has learned
        base.trainable = True
        model.compile(keras.optimizers.SGD(1e-6), "sparse_categorical_crossentropy")
        model.train_on_batch(np.full((2, 32, 32, 3), 99, "uint8"), np.array([0, 1]))
        base.trainable = trainable
    return model


def other_base():
    model = network()
    model.get_layer("toy_backbone").set_weights([5 * w for w in toy_backbone.weights()])
    return model


def no_base():
    top = [layers.Flatten(), layers.Dense(10, activation="softmax")]
    return keras.Sequential([keras.Input((32, 32, 3)), backbones.CaffeColors(), *top])


def frozen(model, stated=0.6):
    return {"frozen_network": model, "frozen_accuracy": stated}


@right_answers(
    ("07.numbers_left", {"numbers_left": 4608}),
    ("07.prepare", {"prepare": prepare}),
    ("07.prepare", {"prepare": lambda x: np.array(backbones.CaffeColors()(x.astype("float32")))}),
    ("07.changed_layers", {"changed_layers": changed}),
    ("07.computed_once", {"computed_once": once}),
    ("07.stopping", {"stopping": stop}),
    ("07.stopping", {"stopping": lambda *a: list(stop(*a))}),
    ("07.effects", {"effects": effects}),
)  # fmt: skip
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("07.numbers_left", {"numbers_left": 9}, "These are the places"),
    ("07.numbers_left", {"numbers_left": 8192}, "Pooling leaves an odd row out"),
    ("07.numbers_left", {"numbers_left": 4608.0}, "a float"),
    ("07.numbers_left", {"numbers_left": 5000}, "too much"),
    ("07.prepare", {"prepare": lambda x: x / 255}, "divided by 255"),
    ("07.prepare", {"prepare": lambda x: x - MEAN}, "The mean of blue is subtracted from red"),
    ("07.prepare", {"prepare": lambda x: x - MEAN[::-1]}, "still in the order red, green, blue"),
    ("07.prepare", {"prepare": lambda x: x[..., ::-1] - MEAN[::-1]}, "but the means are still"),
    ("07.prepare", {"prepare": lambda x: x[..., ::-1]}, "mean colour is not subtracted"),
    ("07.prepare", {"prepare": lambda x: prepare(x) / 255}, "on top of it"),
    ("07.prepare", {"prepare": lambda x: prepare(x, "float64")}, "must hold float32"),
    ("07.prepare", {"prepare": lambda x: prepare(x)[0]}, "has shape"),
    ("07.changed_layers", {"changed_layers": lambda b, a: changed(b, a, np.allclose)}, "by a hair"),
    ("07.changed_layers", {"changed_layers": lambda b, a: changed(b, a, first=True)},
     "first array of each layer only"),
    ("07.changed_layers",
     {"changed_layers":
      lambda b, a: changed(b, a, lambda x, y: np.isclose(x.sum(), y.sum(), atol=1e-5))},
     "compares sums"),
    ("07.changed_layers",
     {"changed_layers": lambda b, a: [name for name in b if name not in changed(b, a)]},
     "that have not changed"),
    ("07.changed_layers", {"changed_layers": lambda b, a: set(changed(b, a))}, "plain data"),
    ("07.computed_once", {"computed_once": lambda c: [n for n, k, r in c if not k and not r]},
     "gets other numbers in each epoch"),
    ("07.computed_once",
     {"computed_once": lambda c: [s[0] for s in c[: [s[1] for s in c].index(True)]]},
     "one variant of each picture"),
    ("07.computed_once", {"computed_once": lambda c: [n for n, k, _ in c if not k]},
     "Being frozen is not enough"),
    ("07.computed_once", {"computed_once": lambda c: len(once(c))}, "must be a list"),
    ("07.stopping", {"stopping": lambda x, p: stop(x, p + 1)}, "one epoch too long"),
    ("07.stopping", {"stopping": neighbour}, "not with the epoch before"),
    ("07.stopping", {"stopping": lambda *a: tuple(n - 1 for n in stop(*a))}, "counted from 1"),
    ("07.stopping", {"stopping": lambda *a: (stop(*a)[0],) * 2}, "not of the last"),
    ("07.stopping", {"stopping": lambda x, p: (stop(x, p)[0], int(np.argmin(x)) + 1)},
     "what would have come later"),
    ("07.stopping", {"stopping": lambda *a: stop(*a)[::-1]}, "wrong order"),
    ("07.stopping", {"stopping": lambda *a: stop(*a)[0]}, "must be a tuple"),
    ("07.effects", {"effects": lambda t: effects(t, unit=1)}, "These are fractions"),
    ("07.effects", {"effects": lambda t: effects(t, base="normalized")}, "nothing was repaired"),
    ("07.effects", {"effects": lambda t: effects(t, sign=-1)}, "its sign turned round"),
    ("07.effects", {"effects": lambda t: {"pixels": t["pixels"]}}, "has no 'normalized'"),
    ("07.frozen_network", frozen(network(trainable=True)), "`trainable` is still true"),
    ("07.frozen_network", frozen(network(train=True)), "Freeze first, then compile"),
    ("07.frozen_network", frozen(other_base()), "are not those of `toy_backbone.build()`"),
    ("07.frozen_network", frozen(no_base()), "has no layer `block1_conv`"),
    ("07.frozen_network", frozen(network("/255")), "divided by 255"),
    ("07.frozen_network", frozen(network("-1 to 1")), "from -1 to 1"),
    ("07.frozen_network", frozen(network("none")), "nothing was prepared"),
    ("07.frozen_network", frozen(network("shifted")), "It must have (32, 32, 3), and go from"),
    ("07.frozen_network", frozen(network()), "Needed is 50% or more"),
    ("07.frozen_network", frozen(network(classes=5)), "It must give 10 numbers"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_the_stated_accuracy_is_measured_again(monkeypatch):
    """With the bar on the ground, a network without training passes if its figure is true."""
    monkeypatch.setattr(a07, "LEAST_ACCURACY", 0)
    keras.utils.set_random_seed(0)
    model, (_, _, images, labels) = network(), synthetic_data.shapes()
    true = float(np.mean(model.predict(images, verbose=0).argmax(1) == labels))
    assert_right("07.frozen_network", frozen(model, true), "")
    assert_wrong("07.frozen_network", frozen(model, 0.97), "another accuracy")


def test_the_base_is_the_same_each_time_and_takes_pixels_as_vgg16_does():
    first, second = toy_backbone.build().get_weights(), toy_backbone.build().get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    images = synthetic_data.shapes()[2][:4]
    right = backbones.CaffeColors()(images.astype("float32"))
    assert np.allclose(compare_pixels.prepared(images), right, atol=1e-4)
    by_255 = np.std(toy_backbone.build().predict(images / 255, verbose=0), axis=0).mean()
    assert by_255 < 0.01 * np.std(toy_backbone.build().predict(right, verbose=0), axis=0).mean()


def test_the_recorded_repairs_hide_each_other():
    found = a07._effects(a07.recorded())
    assert found["both"] > max(found["pixels"], found["normalized"])
    assert found["more than the sum"] > 0


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("07").checked:
        if task.name != "frozen_network":  # trained by the solution, in test_exercises.py
            assert tasks_of(test_right)[f"07.{task.name}"] >= 1
        assert tasks_of(test_wrong)[f"07.{task.name}"] >= 2
