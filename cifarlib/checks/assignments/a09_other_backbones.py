"""The tasks of exercise 09: small maps, prepared pixels, connected graphs, BatchNorm's averages."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cifarlib.checks import compare_models
from cifarlib.checks.compare_calls import same_results
from cifarlib.checks.outcomes import Wrong
from cifarlib.checks.tasks import Assignment

if TYPE_CHECKING:
    import keras

assignment = Assignment("09_other_backbones")

HALVINGS = ((32, 5), (224, 5), (75, 5), (50, 3), (7, 0))


def _side(side: int, halvings: int) -> int:
    for _ in range(halvings):
        side = math.ceil(side / 2)
    return side


@assignment.task(
    "What five halvings leave",
    points=2,
    hints=(
        "Halve step by step. With padding, what do three columns become?",
        "`side = -(-side // 2)` rounds up. Do it once for each halving.",
    ),
)
def map_side(map_side: Any, *, cases: Any = HALVINGS) -> None:
    mistakes = [
        ("With padding an odd side is rounded up, not down.", lambda s, k: s // 2**k),
        ("It is halved k times, not divided by 2 · k.", lambda s, k: math.ceil(s / max(2 * k, 1))),
        ("This is one halving too many.", lambda s, k: _side(s, k + 1)),
        ("This is one halving too few.", lambda s, k: _side(s, max(k - 1, 0))),
    ]
    same_results("map_side", map_side, _side, cases, mistakes)


STEMS = (
    [(3, 2), (3, 1), (3, 2)],
    [(3, 2), (3, 1), (3, 2), (1, 1), (3, 1), (3, 2)],
    [(5, 1), (2, 2)],
    [(7, 2)],
)


def _smallest(layers: list, backwards: bool = True, border: int = 1) -> int:
    side = 1
    for kernel, stride in reversed(layers) if backwards else layers:
        side = (side - border) * stride + kernel
    return side


@assignment.task(
    "Why at least 75?",
    points=3,
    hints=(
        "Go backwards. The last layer must give one number: how many columns does it need for "
        "that? These must come out of the layer before it.",
        "Begin with 1. For each layer, from the last to the first: "
        "`side = (side - 1) * stride + kernel`.",
    ),
)
def smallest_side(smallest_side: Any, *, stems: Any = STEMS) -> None:
    mistakes = [
        ("Go from the last layer back to the first. The order matters.",
         lambda layers: _smallest(layers, backwards=False)),
        ("For n outputs a kernel makes n - 1 steps, not n.", lambda x: _smallest(x, border=0)),
        ("This leaves the strides out.", lambda x: 1 + sum(kernel - 1 for kernel, _ in x)),
        ("This leaves the kernels out. A kernel eats the border.",
         lambda x: math.prod(stride for _, stride in x)),
    ]  # fmt: skip
    same_results("smallest_side", smallest_side, _smallest, [(list(s),) for s in stems], mistakes)


MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
MEAN_BGR = np.array([103.939, 116.779, 123.68])


def _prepared(images: np.ndarray, way: str) -> np.ndarray:
    pixels = images.astype("float64")
    if way == "tf":
        pixels = pixels / 127.5 - 1
    elif way == "caffe":
        pixels = pixels[..., ::-1] - MEAN_BGR
    else:
        pixels = (pixels / 255 - MEAN) / DEVIATION
    return pixels.astype("float32")


def _prepared_unless(other: str, wrong: Any) -> Any:
    def slip(images: np.ndarray, way: str) -> np.ndarray:
        pixels = images.astype("float64")
        return wrong(pixels).astype("float32") if way == other else _prepared(images, way)

    return slip


@assignment.task(
    "Three ways to feed a network",
    points=3,
    hints=(
        "Make floats of the bytes first. For \"caffe\" the last axis has to be turned round: "
        "`[..., ::-1]`.",
        "\"tf\": `x / 127.5 - 1`. \"caffe\": `x[..., ::-1] - MEAN_BGR`. \"torch\": "
        "`(x / 255 - MEAN) / DEVIATION`. Then `.astype(\"float32\")`.",
    ),
)  # fmt: skip
def prepared(prepared: Any, *, seeds: Any = (0, 1)) -> None:
    images = [np.random.RandomState(s).randint(0, 256, (2, 4, 5, 3)).astype("u1") for s in seeds]
    cases = [(x, way) for x in images for way in ("tf", "caffe", "torch")]
    mistakes = [
        ("The pixels are divided by 255, whatever the network. That is what the reports did.",
         lambda x, way: (x / 255).astype("float32")),
        ("For \"caffe\" the colours must be in the order blue, green, red.",
         _prepared_unless("caffe", lambda x: x - MEAN_BGR)),
        ("For \"caffe\" the mean of each colour is in the order of the turned colours.",
         _prepared_unless("caffe", lambda x: (x - MEAN_BGR)[..., ::-1])),
        ("For \"tf\" the values must go from -1 to 1. These go from 0 to 1.",
         _prepared_unless("tf", lambda x: x / 255)),
        ("For \"torch\" mean and deviation are those of pixels from 0 to 1: divide by 255 first.",
         _prepared_unless("torch", lambda x: (x - MEAN) / DEVIATION)),
    ]  # fmt: skip
    same_results("prepared", prepared, _prepared, cases, mistakes, tolerance=1e-4)


@assignment.task(
    "A graph that is not connected",
    points=3,
    hints=(
        "Keras walks backwards from the output. At which input does it arrive?",
        "Freeze with `base.trainable = False`. Then `x = layers.Flatten()(base.output)`, the head, "
        "and `keras.Model(base.input, x)`.",
    ),
)
def connected(base: Any, connected: Any) -> None:
    inner = compare_models.model("base", base, (32, 32, 3))
    model = compare_models.model("connected", connected, (32, 32, 3), classes=10)
    compare_models.same_layers("connected", model, _connected())
    mine, right = model.get_weights(), inner.get_weights()
    if not all(np.array_equal(a, b) for a, b in zip(mine, right, strict=False)):
        raise Wrong(
            "The weights of `connected` are not those of `base`. Use `base` itself, and do not "
            "build or train it anew."
        )
    if len(model.trainable_weights) != 4:
        raise Wrong(
            f"`connected` trains {len(model.trainable_weights)} arrays of weights. It should train "
            "4, those of its two dense layers: freeze the base, and only the base."
        )


@cache
def _connected() -> keras.Model:
    import keras
    from keras import layers

    steps = [keras.Input((32, 32, 3)), layers.Rescaling(1 / 127.5, offset=-1)]
    for filters in (8, 16):
        steps.append(layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False))
        steps += [layers.BatchNormalization(), layers.ReLU()]
    steps += [layers.Flatten(), layers.Dense(16, activation="relu")]
    return keras.Sequential([*steps, layers.Dense(10, activation="softmax")])


def _maps(seed: int) -> np.ndarray:
    random = np.random.RandomState(seed)
    return random.randn(6, 3, 4, 5) * random.uniform(0.5, 3, 5) + random.randn(5)


def _measured(maps: np.ndarray, axis: Any = (0, 1, 2)) -> dict[str, np.ndarray]:
    return {"mean": maps.mean(axis=axis), "variance": maps.var(axis=axis)}


@assignment.task(
    "Measure the averages again",
    points=2,
    hints=(
        "BatchNorm has one mean and one variance for each channel. So over which axes?",
        "`maps.mean(axis=(0, 1, 2))`, and `maps.var` in the same way.",
    ),
)
def measured_again(measured_again: Any, *, seeds: Any = (0, 1)) -> None:
    mistakes = [
        ("This measures each place by itself. A channel has one mean for all its places.",
         lambda maps: _measured(maps, 0)),
        ("This is one mean for everything. Each channel has its own.",
         lambda maps: {k: float(v) for k, v in _measured(maps, None).items()}),
        ("This is the standard deviation. BatchNorm stores the variance.",
         lambda maps: _measured(maps) | {"variance": maps.std(axis=(0, 1, 2))}),
        ("This measures each picture by itself. All pictures count together.",
         lambda maps: _measured(maps, (1, 2))),
    ]  # fmt: skip
    cases = [(_maps(seed),) for seed in seeds]
    same_results("measured_again", measured_again, _measured, cases, mistakes)


WAITS = ((0.99, 0.9), (0.99, 0.5), (0.9, 0.9), (0.5, 0.8))


def _steps(momentum: float, share: float) -> int:
    return math.ceil(math.log(1 - share) / math.log(momentum))


@assignment.task(
    "How long until it knows?",
    points=2,
    hints=(
        "After one step a share `momentum` of the old value is left. And after k steps?",
        "`momentum ** k` is left. Count k up from 0 until `1 - momentum ** k >= share`.",
    ),
)
def steps_needed(steps_needed: Any, *, cases: Any = WAITS) -> None:
    mistakes = [
        ("After so many steps the share is not quite reached. Round up.",
         lambda m, s: math.floor(math.log(1 - s) / math.log(m))),
        ("So little is left of the new value. What must be left of the *old* one?",
         lambda m, s: math.ceil(math.log(s) / math.log(m))),
        ("Each step takes a share of what is left, not of the whole.",
         lambda m, s: math.ceil(round(s / (1 - m), 9))),
    ]  # fmt: skip
    same_results("steps_needed", steps_needed, _steps, cases, mistakes)


def _answers(seed: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(seed)
    powers = np.exp(random.randn(20, classes))
    return powers / powers.sum(axis=1, keepdims=True), random.randint(0, classes, 20)


def _yes_or_no(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    truth = np.eye(probabilities.shape[1])[labels]
    return -np.log(np.where(truth == 1, probabilities, 1 - probabilities))


def _losses(p: np.ndarray, y: np.ndarray, binary: float | None = None) -> dict[str, float]:
    right = float(-np.log(p[np.arange(len(y)), y]).mean())
    binary = float(_yes_or_no(p, y).mean()) if binary is None else float(binary)
    return {"categorical": right, "binary": binary}


@assignment.task(
    "The same answers, two losses",
    points=3,
    hints=(
        "For the binary loss each class is a question of its own. The price of an answer is minus "
        "the logarithm of the probability that it gave to what is true.",
        "For the true class that is `-log(p)`, for each other class `-log(1 - p)`. The mean over "
        "all images *and* all classes.",
    ),
)
def two_losses(two_losses: Any, *, cases: Any = ((0, 10), (1, 3))) -> None:
    mistakes = [
        ("The two are exchanged.",
         lambda p, y: dict(zip(("binary", "categorical"), _losses(p, y).values(), strict=True))),
        ("The binary loss is added up over the classes. Keras takes their mean.",
         lambda p, y: _losses(p, y, _yes_or_no(p, y).sum(axis=1).mean())),
        ("The binary loss leaves out the classes that are not true. Each of them is a question "
         "too.",
         lambda p, y: _losses(p, y, _losses(p, y)["categorical"] / p.shape[1])),
        ("A loss is positive.",
         lambda p, y: {name: -value for name, value in _losses(p, y).items()}),
    ]  # fmt: skip
    calls = [_answers(*case) for case in cases]
    same_results("two_losses", two_losses, _losses, calls, mistakes, tolerance=1e-4)


assignment.add_written("three_suspects", "Three suspects", points=3)
