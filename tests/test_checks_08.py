"""The checks of exercise 08 against right and wrong answers."""

import keras
import numpy as np
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers

from cifarlib import backbones
from cifarlib.checks import tasks, toy_backbone
from cifarlib.checks.assignments import a08_vgg16_unfrozen as a08
from cifarlib.data import synthetic_data

ORDER = ["freeze", "compile", "train head", "unfreeze", "compile small", "train all"]


def path(weight, gradients, rate, memory, square=0.0, power=0.5, new=None):
    found, new = [], 1 - memory if new is None else new
    for gradient in gradients:
        square = (1 - new) * square + new * gradient**2
        weight -= rate * gradient / square**power
        found.append(weight)
    return found


def sgd(weight, gradients, rate, memory):
    return [weight - rate * sum(gradients[: i + 1]) for i in range(len(gradients))]


def spread(p):
    return np.max(p.max(axis=0) - p.min(axis=0))


def dead(maps):
    return np.mean([not maps[..., i].any() for i in range(maps.shape[-1])])


def rates(kernels, share, factor=0.1**0.5, size=lambda w: np.mean(np.abs(w))):
    return {block: float(share * factor * size(w)) for block, w in kernels.items()}


def moved(*changes):
    """A recipe in which steps were moved: (step, new place)."""
    steps = list(ORDER)
    for step, place in changes:
        steps.remove(step)
        steps.insert(place, step)
    return steps


def network(move=0.05, block=3, awake=(3,), first=None):
    """A network that passes all but the band, unless told otherwise: one block has moved."""
    base = toy_backbone.build()
    for number in (1, 2, 3):
        base.get_layer(f"block{number}_conv").trainable = number in awake
    layer = base.get_layer(f"block{block}_conv")
    layer.set_weights([w * (1 + move) for w in layer.get_weights()])
    stack = [first or backbones.CaffeColors(), base, layers.Flatten(), layers.BatchNormalization()]
    stack.append(layers.Dense(10, activation="softmax"))
    return keras.Sequential([keras.Input((32, 32, 3)), *stack])


def woken(model, stated=0.7):
    return {"woken_network": model, "woken_accuracy": stated}


@right_answers(
    ("08.first_step", {"first_step": 0.002}),
    ("08.rmsprop_path", {"rmsprop_path": path}),
    ("08.has_collapsed", {"has_collapsed": lambda p, b: bool(spread(p) < b)}),
    ("08.has_collapsed", {"has_collapsed": lambda p, b: spread(p) < b}),
    ("08.dead_share", {"dead_share": dead}),
    ("08.block_rates", {"block_rates": rates}),
    ("08.recipe", {"recipe": ORDER}),
    ("08.recipe", {"recipe": tuple(ORDER)}),
)  # fmt: skip
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("08.first_step", {"first_step": 8e-6}, "the step of SGD"),
    ("08.first_step", {"first_step": 0.0004}, "It begins at 0"),
    ("08.first_step", {"first_step": 0.01}, "A root is missing"),
    ("08.first_step", {"first_step": 0.000408248}, "not of 0.96"),
    ("08.first_step", {"first_step": "0.002"}, "must be a number"),
    ("08.rmsprop_path", {"rmsprop_path": sgd}, "This is SGD"),
    ("08.rmsprop_path", {"rmsprop_path": lambda w, g, r, m: path(w, g, r, m, g[0] ** 2)},
     "begins at 0"),
    ("08.rmsprop_path", {"rmsprop_path": lambda *a: path(*a, power=1)}, "not by the mean of squ"),
    ("08.rmsprop_path", {"rmsprop_path": lambda w, g, r, m: path(w, g, -r, m)}, "subtract"),
    ("08.rmsprop_path", {"rmsprop_path": lambda w, g, r, m: path(w, g, r, m, new=m)}, "exchanged"),
    ("08.rmsprop_path", {"rmsprop_path": lambda *a: path(*a)[-1]}, "must be a list"),
    ("08.has_collapsed", {"has_collapsed": lambda p, b: len(set(p.argmax(1).tolist())) == 1},
     "names one class"),
    ("08.has_collapsed", {"has_collapsed": lambda p, b: bool(np.ptp(p, axis=1).max() < b)},
     "the classes of one picture"),
    ("08.has_collapsed", {"has_collapsed": lambda p, b: not spread(p) < b}, "that is alive"),
    ("08.has_collapsed", {"has_collapsed": lambda p, b: float(spread(p))}, "true or false"),
    ("08.dead_share", {"dead_share": lambda m: (m == 0).mean()}, "share of zeros"),
    ("08.dead_share", {"dead_share": lambda m: np.mean(m.max(axis=(1, 2)) == 0)},
     "may speak for the next"),
    ("08.dead_share", {"dead_share": lambda m: (m.max(axis=(1, 2)) == 0).any(0).mean()},
     "silent for any picture"),
    ("08.dead_share", {"dead_share": lambda m: float(dead(m) * m.shape[-1])}, "their number"),
    ("08.dead_share", {"dead_share": lambda m: 1 - dead(m)}, "are alive"),
    ("08.block_rates", {"block_rates": lambda k, s: rates(k, s, 1)}, "length of the step"),
    ("08.block_rates", {"block_rates": lambda k, s: rates(k, s, np.sqrt(10))}, "So it multiplies"),
    ("08.block_rates", {"block_rates": lambda k, s: rates(k, s, size=np.mean)}, "of both signs"),
    ("08.block_rates", {"block_rates": lambda k, s: rates(k, s, size=lambda w: np.abs(w).max())},
     "by the largest weight"),
    ("08.block_rates",
     {"block_rates": lambda k, s: dict.fromkeys(k, max(rates(k, s).values()))}, "One rate for all"),
    ("08.recipe", {"recipe": moved(("freeze", 1))}, "only if it is set before `compile`"),
    ("08.recipe", {"recipe": moved(("train head", 3))}, "while the head is still random"),
    ("08.recipe", {"recipe": moved(("compile small", 3))}, "compile again, or"),
    ("08.recipe", {"recipe": moved(("train all", 4))}, "compile at a small rate before"),
    ("08.recipe", {"recipe": moved(("train head", 1))}, "has to be compiled"),
    ("08.recipe", {"recipe": ORDER[:-1]}, "the six steps, each once"),
    ("08.woken_network", woken(network(move=0)), "it has not learned"),
    ("08.woken_network", woken(network(move=0.8)), "have moved by 80%"),
    ("08.woken_network", woken(network(block=2)), "Weights of `block2`"),
    ("08.woken_network", woken(network(awake=(2, 3))), "`trainable` is still true"),
    ("08.woken_network", woken(network(first=layers.Rescaling(1 / 255))), "divided by 255"),
    ("08.woken_network", woken(network()), "Needed is 65% or more"),
    ("08.woken_network", woken("a network"), "Needed is a Keras model"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_the_stated_accuracy_is_measured_again(monkeypatch):
    """With the bar on the ground, a network without training passes if its figure is true."""
    monkeypatch.setattr(a08, "LEAST_ACCURACY", 0)
    keras.utils.set_random_seed(0)
    model, (_, _, images, labels) = network(), synthetic_data.shapes()
    true = float(np.mean(model.predict(images, verbose=0).argmax(1) == labels))
    assert_right("08.woken_network", woken(model, true), "")
    assert_wrong("08.woken_network", woken(model, 0.97), "another accuracy")


def test_the_path_is_that_of_keras():
    weight = keras.Variable(0.05)
    optimizer = keras.optimizers.RMSprop(0.001, rho=0.9, epsilon=0.0)
    optimizer.build([weight])
    found = []
    for gradient in (0.5, -2.0, 0.1):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
        found.append(float(weight))
    assert np.allclose(found, a08._path(0.05, [0.5, -2.0, 0.1], 0.001, 0.9), rtol=1e-5)


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("08").checked:
        if task.name != "woken_network":  # trained by the solution, in test_exercises.py
            assert tasks_of(test_right)[f"08.{task.name}"] >= 1
        assert tasks_of(test_wrong)[f"08.{task.name}"] >= 2
