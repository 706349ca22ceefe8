"""The checks of exercise 09 against right and wrong answers."""

import math
from functools import reduce

import keras
import numpy as np
import pytest
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers

from cifarlib.checks import tasks
from cifarlib.checks.assignments import a09_other_backbones as a09


def side(pixels, halvings, rounded=math.ceil):
    return reduce(lambda n, _: rounded(n / 2), range(halvings), pixels)


def smallest(chain, border=1):
    return reduce(lambda n, layer: (n - border) * layer[1] + layer[0], reversed(chain), 1)


def forwards(chain):
    return smallest(chain[::-1])


def by_trying(chain):
    def left(n):
        return reduce(lambda size, layer: (size - layer[0]) // layer[1] + 1, chain, n)

    return next(n for n in range(1, 1000) if left(n) == 1)


def fed(images, way, **slips):
    """Right, unless told what is done for one of the ways."""
    pixels = images.astype("float32")
    if way in slips:
        return slips[way](pixels).astype("float32")
    return keras.applications.imagenet_utils.preprocess_input(
        pixels, data_format="channels_last", mode=way
    )


def feed(**slips):
    return {"prepared": lambda images, way: fed(images, way, **slips)}


def base(seed=0):
    keras.utils.set_random_seed(seed)
    image = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    for filters in (8, 16):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(image, x)


def connected(frozen=True, anew=False, units=16, nested=False, classes=10):
    given = base()
    used = base(seed=1) if anew else given
    used.trainable = not frozen
    image = keras.Input((32, 32, 3)) if nested else used.input
    x = layers.Flatten()(used(image) if nested else used.output)
    x = layers.Dense(units, activation="relu")(x)
    out = layers.Dense(classes, activation="softmax")(x)
    return {"base": given, "connected": keras.Model(image, out)}


def all_frozen():
    found = connected()
    found["connected"].trainable = False
    return found


def averages(maps, axis=(0, 1, 2), spread=np.var):
    return {"mean": maps.mean(axis=axis), "variance": spread(maps, axis=axis)}


def by_keras(maps):
    mean, variance = keras.ops.moments(keras.ops.convert_to_tensor(maps, "float64"), (0, 1, 2))
    return {"mean": np.array(mean), "variance": np.array(variance)}


def steps(momentum, share):
    return next(k for k in range(100_000) if 1 - momentum**k >= share)


def losses(p, y, how=np.mean):
    truth = keras.utils.to_categorical(y, p.shape[1])
    table = -truth * np.log(p) - (1 - truth) * np.log(1 - p)
    right = keras.losses.sparse_categorical_crossentropy(y, p)
    return {"categorical": float(np.mean(right)), "binary": float(np.mean(how(table, axis=1)))}


def exchanged(p, y):
    return dict(zip(("binary", "categorical"), losses(p, y).values(), strict=True))


def true_class_only(p, y):
    found = losses(p, y)
    return found | {"binary": found["categorical"] / p.shape[1]}


@right_answers(
    ("09.map_side", {"map_side": side}),
    ("09.map_side", {"map_side": lambda s, k: -(-s // 2**k)}),
    ("09.smallest_side", {"smallest_side": smallest}),
    ("09.smallest_side", {"smallest_side": by_trying}),
    ("09.prepared", feed()),
    ("09.connected", connected()),
    ("09.connected", connected(nested=True)),
    ("09.measured_again", {"measured_again": averages}),
    ("09.measured_again", {"measured_again": by_keras}),
    ("09.steps_needed", {"steps_needed": steps}),
    ("09.two_losses", {"two_losses": losses}),
)  # fmt: skip
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("09.map_side", {"map_side": lambda s, k: s // 2**k}, "rounded up, not down"),
    ("09.map_side", {"map_side": lambda s, k: math.ceil(s / max(2 * k, 1))}, "not divided by 2"),
    ("09.map_side", {"map_side": lambda s, k: side(s, k + 1)}, "one halving too many"),
    ("09.map_side", {"map_side": lambda s, k: s / 2**k}, "a float"),
    ("09.map_side", {"map_side": lambda s, k: 1}, "whatever it is called with"),
    ("09.smallest_side", {"smallest_side": forwards}, "The order matters"),
    ("09.smallest_side", {"smallest_side": lambda x: smallest(x, border=0)}, "n - 1 steps"),
    ("09.smallest_side", {"smallest_side": lambda x: 1 + sum(k - 1 for k, _ in x)}, "the strides"),
    ("09.smallest_side", {"smallest_side": lambda x: math.prod(s for _, s in x)}, "the kernels"),
    ("09.prepared", {"prepared": lambda x, way: (x / 255).astype("float32")}, "the reports did"),
    ("09.prepared", feed(caffe=lambda x: x - a09.MEAN_BGR), "blue, green, red"),
    ("09.prepared", feed(caffe=lambda x: (x - a09.MEAN_BGR)[..., ::-1]), "the turned colours"),
    ("09.prepared", feed(tf=lambda x: x / 255), "must go from -1 to 1"),
    ("09.prepared", feed(torch=lambda x: (x - a09.MEAN) / a09.DEVIATION), "divide by 255 first"),
    ("09.prepared", {"prepared": lambda *a: fed(*a).astype("float64")}, "must hold float32"),
    ("09.connected", connected(frozen=False), "trains 10 arrays of weights"),
    ("09.connected", all_frozen(), "trains 0 arrays of weights"),
    ("09.connected", connected(anew=True), "are not those of `base`"),
    ("09.connected", connected(units=32), "has units=32. It must be 16"),
    ("09.connected", connected(classes=5), "It must give 10 numbers"),
    ("09.measured_again", {"measured_again": lambda m: averages(m, 0)}, "all its places"),
    ("09.measured_again", {"measured_again": lambda m: averages(m, None)}, "one mean for every"),
    ("09.measured_again", {"measured_again": lambda m: averages(m, (1, 2))}, "each picture by"),
    ("09.measured_again", {"measured_again": lambda m: averages(m, spread=np.std)},
     "stores the variance"),
    ("09.measured_again", {"measured_again": lambda m: m.mean(axis=(0, 1, 2))}, "must be a dict"),
    ("09.steps_needed", {"steps_needed": lambda m, s: steps(m, s) - 1}, "Round up"),
    ("09.steps_needed", {"steps_needed": lambda m, s: math.ceil(s / (1 - m) - 1e-9)},
     "a share of what is left"),
    ("09.steps_needed", {"steps_needed": lambda m, s: math.ceil(math.log(s) / math.log(m))},
     "must be left of the *old* one"),
    ("09.steps_needed", {"steps_needed": lambda m, s: math.log(1 - s, m)}, "a float"),
    ("09.two_losses", {"two_losses": exchanged}, "are exchanged"),
    ("09.two_losses", {"two_losses": lambda p, y: losses(p, y, np.sum)},
     "added up over the classes"),
    ("09.two_losses", {"two_losses": true_class_only}, "classes that are not true"),
    ("09.two_losses", {"two_losses": lambda p, y: {k: -v for k, v in losses(p, y).items()}},
     "A loss is positive"),
    ("09.two_losses", {"two_losses": lambda p, y: losses(p, y)["binary"]}, "must be a dict"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_keras_says_the_same_of_the_stem():
    """The smallest picture is the least for which Keras makes a map with one place."""
    chain = a09.STEMS[0]

    def output(size):
        steps = [layers.Conv2D(1, kernel, strides=stride) for kernel, stride in chain]
        return keras.Sequential([keras.Input((size, size, 1)), *steps]).output_shape

    assert output(smallest(chain))[1:3] == (1, 1)
    with pytest.raises(ValueError, match="output"):
        output(smallest(chain) - 1)


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("09").checked:
        assert tasks_of(test_right)[f"09.{task.name}"] >= 1
        assert tasks_of(test_wrong)[f"09.{task.name}"] >= 2
