"""The checks of exercise 02 against right and wrong answers."""

import keras
import numpy as np
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers

from cifarlib import networks
from cifarlib.checks import tasks
from cifarlib.checks.assignments import a02_counting_parameters as a02
from cifarlib.checks.reference_answers import counting


def network(filters=(16, 32, 32, 64), pool=True, end="softmax", rescale=True, shape=(32, 32, 3)):
    model = keras.Sequential([keras.Input(shape)])
    if rescale:
        model.add(layers.Rescaling(1 / 255))
    for n in filters:
        model.add(layers.Conv2D(n, 3, padding="same", activation="relu"))
        if pool:
            model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(10, activation=end))
    return model


def functional():
    images = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 255)(images)
    for n in (8, 16, 16, 16):
        x = layers.Conv2D(n, 3, strides=2, padding="same")(x)
        x = layers.ReLU()(x)
    x = layers.Dense(10)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(images, layers.Softmax()(x))


def endless(*arguments):
    return endless(*arguments)


def of_sizes(rule):
    return {"output_size": rule}


def conv(rule):
    return {"conv_parameters": rule}


def count(k, c, f):
    return k[0] * k[1] * c * f + f


def wrong_total(slip):
    return {"total_parameters": slip}


RECOVER = {"recover": counting.recover}


@right_answers(
    ("02.first_layer", {"first_layer": 4864}),
    ("02.first_layer", {"first_layer": np.int64(4864)}),
    ("02.conv_parameters", conv(count)),
    (
        "02.conv_parameters",
        conv(lambda kernel, c, f: np.int32((kernel[0] * kernel[1] * c + 1) * f)),
    ),
    ("02.output_size", of_sizes(counting.size)),
    ("02.output_size", of_sizes(lambda s, k, t, p: len(range(0, s - (k - 1) * (p == "valid"), t)))),
    ("02.receptive_field", {"receptive_field": counting.field}),
    ("02.total_parameters", {"total_parameters": counting.total}),
    ("02.normalised_channels", {"normalised_channels": 192}),
    ("02.recover", RECOVER),
    (
        "02.recover",
        {"recover": lambda p, c: [list(x) for x in counting.recover(p, c)][::-1]},
    ),
    ("02.small_network", {"small_network": network()}),
    ("02.small_network", {"small_network": functional()}),
    ("02.small_network", {"small_network": network(rescale=False)}, "Rescaling"),
)
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("02.first_layer", {"first_layer": 4800}, "count without biases"),
    ("02.first_layer", {"first_layer": 1664}, "forgets that the image has 3 channels"),
    ("02.first_layer", {"first_layer": 4803}, "one bias for each filter"),
    ("02.first_layer", {"first_layer": 4864.0}, "a float. It must be a whole number"),
    ("02.first_layer", {"first_layer": "4864"}, "must be a whole number"),
    ("02.first_layer", {"first_layer": True}, "must be a whole number"),
    ("02.first_layer", {"first_layer": 5000}, "too much"),
    ("02.first_layer", {"first_layer": 10**400}, "a huge number"),
    ("02.conv_parameters", conv(lambda k, c, f: k[0] * k[1] * c * f), "count without biases"),
    ("02.conv_parameters", conv(lambda k, c, f: k[0] * k[1] * f + f), "forgets the channels"),
    ("02.conv_parameters", conv(lambda k, c, f: k[0] ** 2 * c * f + f), "every kernel for square"),
    ("02.conv_parameters", conv(lambda k, c, f: k[0] * k[1] * c * f + c), "not for each channel"),
    ("02.conv_parameters", conv(lambda k, c, f: float(count(k, c, f))), "a float"),
    ("02.conv_parameters", conv(lambda k, c, f: 320), "whatever it is called with"),
    ("02.conv_parameters", conv(320), "Needed is a function"),
    ("02.conv_parameters", conv(endless), "calls itself without end"),
    ("02.conv_parameters", conv(lambda k, c, f: k**2 * c * f), "stops with TypeError"),
    ("02.conv_parameters", conv(lambda k, c: 320), "stops with TypeError"),
    ("02.conv_parameters", conv(lambda k, c, f: exit()), "stops with"),
    ("02.conv_parameters", conv(lambda k, c, f: str(count(k, c, f))), "must be a whole number"),
    ("02.output_size", of_sizes(lambda s, k, t, p: s // t if p == "same" else (s - k) // t + 1),
     "round up"),
    ("02.output_size", of_sizes(lambda s, k, t, p: -(-s // t) if p == "same" else (s - k) // t),
     "add 1"),
    ("02.output_size", of_sizes(lambda s, k, t, p: counting.size(s, k, 1, p)), "the stride"),
    ("02.output_size", of_sizes(lambda s, k, t, p: (s - k) / t + 1), "a float"),
    ("02.receptive_field", {"receptive_field": lambda ls: 1 + sum(k - 1 for k, _ in ls)},
     "ignores the strides"),
    ("02.receptive_field", {"receptive_field": counting.field_stride_too_early}, "layers after it"),
    ("02.receptive_field", {"receptive_field": lambda ls: sum(k for k, _ in ls)}, "overlap"),
    ("02.total_parameters", wrong_total(counting.total_without_pooling), "pooling makes the image"),
    ("02.total_parameters", wrong_total(counting.total_padded), "28 pixels become 26"),
    ("02.total_parameters", wrong_total(lambda s, ls: counting.total(s, ls, biases=False)),
     "without biases"),
    ("02.total_parameters", wrong_total(lambda s, ls: 258_090), "whatever it is called with"),
    ("02.normalised_channels", {"normalised_channels": 384}, "more than one number"),
    ("02.normalised_channels", {"normalised_channels": 96}, "two are trained"),
    ("02.recover", {"recover": lambda p, c: counting.recover(p, c)[:1]}, "not only the first"),
    ("02.recover", {"recover": lambda p, c: [x[::-1] for x in counting.recover(p, c)]},
     "in this order"),
    ("02.recover", {"recover": lambda p, c: [(k, f) for k in (3, 5) for f in (8, 9)]}, "whatever"),
    ("02.recover", {"recover": lambda p, c: {(3, 32)}}, "plain data"),
    ("02.small_network", {"small_network": network((16, 32, 32))}, "3 convolutions"),
    ("02.small_network", {"small_network": network(pool=False)}, "Most of them"),
    ("02.small_network", {"small_network": network(end=None)}, "softmax"),
    ("02.small_network", {"small_network": network(shape=(28, 28, 1))}, "takes images of shape"),
    ("02.small_network", {"small_network": network}, "forget to call it"),
    ("02.small_network", {"small_network": keras.Sequential([layers.Dense(10)])}, "no input shape"),
    ("02.small_network", {"small_network": 49_000}, "Needed is a Keras model"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("02").checked:
        assert tasks_of(test_right)[f"02.{task.name}"] >= 1
        assert tasks_of(test_wrong)[f"02.{task.name}"] >= 2


def test_the_right_counts_are_those_of_keras():
    for id, shape, listing in [
        ("R0.1", (28, 28, 1), a02.R0_1),
        ("R0.4", (32, 32, 3), a02.R0_4),
        ("R0.6a", (32, 32, 3), a02.R0_6A),
    ]:
        assert counting.total(shape, listing) == networks.build(id).count_params()
