"""The tasks of exercise 08: what kills a trained network, and how to wake it gently."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifarlib.checks import compare_models, compare_pixels, toy_backbone
from cifarlib.checks.compare_calls import same_results
from cifarlib.checks.compare_values import brief, number, plain
from cifarlib.checks.outcomes import Wrong
from cifarlib.checks.tasks import Assignment
from cifarlib.data import synthetic_data

assignment = Assignment("08_vgg16_unfrozen")

LEAST_ACCURACY = 0.65
"""The reference solution, with seeds 0 to 4, is right on 70 to 74 % of the embedded test images."""
FARTHEST = 0.5
"""How far a woken block may go from where it was: mean change over mean size of its weights."""


@assignment.task(
    "Predict RMSprop's first step",
    points=1,
    hints=(
        "Before the first step the mean of squares is 0. What is it after one gradient g?",
        "It is 0.04 · g², and its root is 0.2 · g. Divide g by that: the gradient cancels.",
    ),
)
def first_step(first_step: Any) -> None:
    mistakes = {
        0.0004 * 0.02: "That is the step of SGD, rate times gradient. RMSprop divides by a root.",
        0.0004: "That is the step once the mean of squares has settled. It begins at 0.",
        0.01: "A root is missing: 0.04 · g² is the mean of squares, and its root divides.",
        0.0004 / 0.96**0.5: "A new square comes in with a share of 1 - 0.96, not of 0.96.",
        0.5: "Dividing by the square itself leaves a gradient behind. Take its root.",
    }
    number("first_step", first_step, 0.0004 / 0.04**0.5, mistakes, tolerance=1e-7)


PATHS = (
    (0.05, [1.0, 1.0, 1.0], 0.001, 0.9),
    (0.02, [0.5, -2.0, 0.1, 0.1], 0.01, 0.75),
    (-1.0, [1e-3, 2e-3], 0.1, 0.9),
)


def _path(weight: float, gradients: list[float], rate: float, memory: float) -> list[float]:
    square, found = 0.0, []
    for gradient in gradients:
        square = memory * square + (1 - memory) * gradient**2
        weight -= rate * gradient / square**0.5
        found.append(weight)
    return found


def _path_settled(weight: float, gradients: list[float], rate: float, memory: float) -> list:
    square, found = gradients[0] ** 2, []
    for gradient in gradients:
        square = memory * square + (1 - memory) * gradient**2
        weight -= rate * gradient / square**0.5
        found.append(weight)
    return found


def _path_of_squares(weight: float, gradients: list[float], rate: float, memory: float) -> list:
    square, found = 0.0, []
    for gradient in gradients:
        square = memory * square + (1 - memory) * gradient**2
        weight -= rate * gradient / square
        found.append(weight)
    return found


def _path_sgd(weight: float, gradients: list[float], rate: float, memory: float) -> list[float]:
    return [float(w) for w in weight - rate * np.cumsum(gradients)]


@assignment.task(
    "Follow one weight",
    points=3,
    hints=(
        "Two numbers go from step to step: the mean of squares, and the weight. Which is renewed "
        "first?",
        "`square = memory * square + (1 - memory) * gradient**2`, then "
        "`weight -= rate * gradient / square**0.5`. Begin with `square = 0.0`.",
    ),
)
def rmsprop_path(rmsprop_path: Any, *, cases: Any = PATHS) -> None:
    mistakes = [
        ("This is SGD: rate times gradient.", _path_sgd),
        ("The mean of squares begins at 0, not at the first square. That is what makes the first "
         "step so long.", _path_settled),
        ("Divide by the root of the mean of squares, not by the mean of squares itself.",
         _path_of_squares),
        ("This goes along the gradient. The loss falls against it: subtract.",
         lambda w, g, r, m: _path(w, [-x for x in g], r, m)),
        ("A new square comes in with a share of 1 - memory. You exchanged the two shares.",
         lambda w, g, r, m: _path(w, g, r, 1 - m)),
        ("These are the steps. Give the weight after each of them.",
         lambda w, g, r, m: [float(x) for x in np.diff([w, *_path(w, g, r, m)])]),
    ]  # fmt: skip
    same_results("rmsprop_path", rmsprop_path, _path, cases, mistakes)


def _maps(seed: int) -> np.ndarray:
    maps = np.maximum(np.random.RandomState(seed).randn(4, 3, 3, 8), 0).astype("float32")
    maps[..., [1, 6]] = 0
    maps[1:, ..., 3] = 0
    maps[0, ..., 4] = 0
    return maps


def _dead(maps: np.ndarray) -> float:
    return float((maps.max(axis=(0, 1, 2)) == 0).mean())


@assignment.task(
    "Count the silent channels",
    points=2,
    hints=(
        "A channel is dead if it is zero everywhere. Which axes does *everywhere* go over?",
        "`maps.max(axis=(0, 1, 2)) == 0` is true for a dead channel. The mean is their share.",
    ),
)
def dead_share(dead_share: Any, *, seeds: Any = (0, 1)) -> None:
    mistakes = [
        ("This is the share of zeros. A channel that is zero here and there is not dead.",
         lambda m: float((m == 0).mean())),
        ("A channel that is zero for one picture may speak for the next: look at all pictures.",
         lambda m: float((m.max(axis=(1, 2)) == 0).mean())),
        ("This counts channels that are silent for any picture. Dead ones are silent for all.",
         lambda m: float((m.max(axis=(1, 2)) == 0).any(axis=0).mean())),
        ("This is their number. Divide by the number of channels.", lambda m: 8 * _dead(m)),
        ("This is the share of channels that are alive.", lambda m: 1 - _dead(m)),
    ]  # fmt: skip
    same_results("dead_share", dead_share, _dead, [(_maps(s),) for s in seeds], mistakes)


def _says(kind: str, n: int = 30) -> np.ndarray:
    """Probabilities: of a dead network, of one that always names one class, and so on."""
    random = np.random.RandomState(len(kind))
    one = np.array([0.3, 0.25, 0.25, 0.2])
    if kind == "uniform":
        return np.full((n, 4), 0.25)
    if kind == "constant":
        return np.tile(one, (n, 1)) + 0.01 * random.rand(n, 1) * np.array([1, -1, 0, 0])
    if kind == "one class":  # always the first, but more or less sure
        sure = random.uniform(0.4, 0.9, (n, 1))
        return np.hstack([sure, *[(1 - sure) / 3] * 3])
    found = random.dirichlet([0.3] * 4, n)
    return found if kind == "alive" else np.where(np.arange(n)[:, None] == n // 2, found, one)


KINDS = ("uniform", "constant", "one class", "alive", "one picture")


def _collapsed(says: np.ndarray, bound: float) -> bool:
    return bool(np.ptp(says, axis=0).max() < bound)


@assignment.task(
    "Is it dead?",
    points=2,
    hints=(
        "Does it matter what is shown? Look at one class, and at all pictures.",
        "`np.ptp(probabilities, axis=0)` is, for each class, the largest minus the smallest "
        "probability over the pictures. All of them must be below the bound.",
    ),
)
def has_collapsed(has_collapsed: Any, *, kinds: Any = KINDS) -> None:
    mistakes = [
        ("A network that names one class for all pictures may still look at them: its "
         "probabilities differ. Compare those.",
         lambda p, b: bool(len(np.unique(p.argmax(axis=1))) == 1)),
        ("This compares the classes of one picture. Compare the pictures, class by class.",
         lambda p, b: bool(np.ptp(p, axis=1).max() < b)),
        ("One class that stays the same is not enough: none of them may move.",
         lambda p, b: bool(np.ptp(p, axis=0).min() < b)),
        ("A spread that is small on average hides a picture that makes a difference.",
         lambda p, b: bool(p.std(axis=0).max() < b)),
        ("This is true for a network that is alive.", lambda p, b: not _collapsed(p, b)),
    ]  # fmt: skip
    cases = [(_says(kind), 0.1) for kind in kinds]
    same_results("has_collapsed", has_collapsed, _collapsed, cases, mistakes)


def _kernels(seed: int) -> dict[str, np.ndarray]:
    random = np.random.RandomState(seed)
    return {f"block{i}": (random.randn(3, 3, 4, 5) * 0.3 / i).astype("float32") for i in (1, 4, 5)}


def _rates(kernels: dict, share: float, factor: float = 0.1**0.5) -> dict[str, float]:
    return {block: share * float(np.abs(k).mean()) * factor for block, k in kernels.items()}


@assignment.task(
    "A rate for each block",
    points=3,
    hints=(
        "RMSprop's first step is rate / root of 0.1 for every weight. How large may it be in a "
        "block whose weights have a mean size of 0.02, if a hundredth is allowed?",
        "step = share · np.abs(kernel).mean(), and rate = step · 0.1**0.5.",
    ),
)
def block_rates(block_rates: Any, *, cases: Any = ((0, 0.01), (1, 0.1))) -> None:
    mistakes = [
        ("This is the length of the step. The first step is about three times the rate: "
         "multiply by the root of 0.1.", lambda k, s: _rates(k, s, 1)),
        ("The root of 0.1 divides the rate to give the step. So it multiplies the step to give "
         "the rate.", lambda k, s: _rates(k, s, 10**0.5)),
        ("The mean of weights is nearly zero, since they are of both signs. Take their sizes: "
         "`np.abs`.", lambda k, s: {b: s * float(w.mean()) * 0.1**0.5 for b, w in k.items()}),
        ("This goes by the largest weight. Take the mean size.",
         lambda k, s: {b: s * float(np.abs(w).max()) * 0.1**0.5 for b, w in k.items()}),
        ("One rate for all is too much for the blocks with small weights.",
         lambda k, s: dict.fromkeys(k, max(_rates(k, s).values()))),
    ]  # fmt: skip
    calls = [(_kernels(seed), share) for seed, share in cases]
    same_results("block_rates", block_rates, _rates, calls, mistakes, tolerance=1e-5)


ORDER = ["freeze", "compile", "train head", "unfreeze", "compile small", "train all"]


@assignment.task(
    "Put the recipe in order",
    points=2,
    hints=(
        "Only `compile` tells Keras that flags have changed. What comes before each of the two?",
        "Twice the same pattern: set the flags, compile, train. First for the head alone.",
    ),
)
def recipe(recipe: Any) -> None:
    given = plain(recipe, "`recipe`")
    if type(given) not in (list, tuple) or sorted(map(str, given)) != sorted(ORDER):
        raise Wrong(f"`recipe` is {brief(given)}. It must be a list of the six steps, each once.")
    at = {step: list(given).index(step) for step in ORDER}
    rules = [
        ("freeze", "compile", "Keras promises to heed a flag only if it is set before `compile`."),
        ("compile", "train head", "A model has to be compiled before it is trained."),
        ("train head", "unfreeze", "The base is awake while the head is still random. It would "
         "be pulled about for nothing."),
        ("unfreeze", "compile small", "After a change of flags compile again, or the base may go "
         "on as it was."),
        ("compile small", "train all", "The base would learn at the large rate of the head: "
         "compile at a small rate before you train all."),
    ]  # fmt: skip
    for first, second, remark in rules:
        if at[first] > at[second]:
            raise Wrong(f'"{first}" comes after "{second}". {remark}')


@assignment.task(
    "Wake the last block",
    points=5,
    hints=(
        "First the head on the frozen base, as in exercise 07. Then only `block3_conv` may learn, "
        "at a rate at which its weights are not thrown about. Compile again.",
        'After the warm-up: `base.trainable = True`, `base.get_layer("block1_conv").trainable = '
        "False`, the same for block 2, `compile(keras.optimizers.Adam(3e-4), ...)`, six epochs.",
    ),
)
def woken_network(
    woken_network: Any, woken_accuracy: Any, *, drawn_with: int | None = None
) -> None:
    name = "woken_network"
    model = compare_models.model(name, woken_network, (32, 32, 3), classes=10)
    toy_backbone.unchanged(name, model, ("block1", "block2"))
    distance = toy_backbone.moved(name, model)["block3"]
    if distance == 0:
        raise Wrong(
            f"The weights of `block3` in `{name}` are what they were: it has not learned. After "
            "you let it learn, compile again, and train."
        )
    if distance > FARTHEST:
        raise Wrong(
            f"The weights of `block3` in `{name}` have moved by {distance:.0%} of their size. What "
            f"was borrowed is gone: stay below {FARTHEST:.0%}, with a smaller rate."
        )
    x_train, y_train, x_test, y_test = synthetic_data.shapes()
    compare_pixels.fed_right(name, model, "block1_conv", x_test[:8])
    measured = compare_models.accuracy(name, model, x_test, y_test, at_least=LEAST_ACCURACY)
    seen = compare_models.accuracy(name, model, x_train, y_train, at_least=0)
    compare_models.stated(
        "woken_accuracy", woken_accuracy, measured, {"its accuracy on training images": seen}
    )
    if drawn_with is not None:
        images, labels = synthetic_data.more_shapes(500, drawn_with)
        compare_models.accuracy(name, model, images, labels, at_least=LEAST_ACCURACY - 0.05)


assignment.add_written("ten_of_a_hundred", "Ten of a hundred", points=3)
