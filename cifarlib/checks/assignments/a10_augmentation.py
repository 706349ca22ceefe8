"""The tasks of exercise 10: changes that keep the label, mixed labels, layers only for training."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cifarlib.checks import compare_models
from cifarlib.checks.compare_calls import same_results
from cifarlib.checks.compare_values import brief, keyed, number
from cifarlib.checks.outcomes import Wrong
from cifarlib.checks.tasks import Assignment
from cifarlib.data import loading, synthetic_data

if TYPE_CHECKING:
    import keras

assignment = Assignment("10_augmentation")

SHEARS = ((0.25, 32), (20, 32), (45.0, 224), (0, 28))


def _edge_shift(degrees: float, size: int) -> float:
    return size / 2 * math.sin(math.radians(degrees))


@assignment.task(
    "A setting that does nothing",
    points=2,
    hints=(
        "How far is the edge from the middle? And what does `np.sin` take: degrees or radians?",
        "Half the size, times `np.sin(np.deg2rad(degrees))`.",
    ),
)
def edge_shift(edge_shift: Any, *, cases: Any = SHEARS) -> None:
    mistakes = [
        ("This takes the angle for radians. It is in degrees.", lambda d, s: s / 2 * math.sin(d)),
        ("This takes the setting for a fraction, as the reports did. It is an angle in degrees.",
         lambda d, s: s / 2 * d),
        ("The edge is half the picture's size away from the middle.",
         lambda d, s: 2 * _edge_shift(d, s)),
        ("This is the tangent. The old generator used the sine.",
         lambda d, s: s / 2 * math.tan(math.radians(d))),
    ]  # fmt: skip
    same_results("edge_shift", edge_shift, _edge_shift, cases, mistakes, tolerance=1e-4)


KEEPS_LABEL = {
    "flip left-right": False,
    "flip upside down": False,
    "shift by two pixels": True,
    "rotation by 10 degrees": True,
    "rotation by 180 degrees": False,
    "half as bright": True,
    "left half only": False,
}
_LOOK = {
    "flip left-right": "Write a 2 and hold it before a mirror. Which digit is that?",
    "flip upside down": "Write a 4 and turn the paper over, top to bottom. Which digit is that?",
    "shift by two pixels": "Does a digit become another one if it stands a little aside?",
    "rotation by 10 degrees": "Do people write so straight that 10 degrees make another digit?",
    "rotation by 180 degrees": "What is a 6 after half a turn?",
    "half as bright": "Does a softer pencil write other digits?",
    "left half only": "What is left of a 3, and of an 8? Could you tell them apart?",
}


@assignment.task(
    "What keeps a digit what it is",
    points=2,
    hints=(
        "A change keeps the label if it does so for *every* digit. One counterexample is enough.",
        "Try 2, 4 and 6 on paper. Could somebody have written the changed picture and meant the "
        "same digit?",
    ),
)
def keeps_label(keeps_label: Any) -> None:
    given = keyed(keeps_label, KEEPS_LABEL, "`keeps_label`")
    for change, value in given.items():
        if type(value) is not bool:
            raise Wrong(f'`keeps_label["{change}"]` is {brief(value)}. Write True or False.')
    wrong = [change for change, keeps in KEEPS_LABEL.items() if given[change] is not keeps]
    if wrong:
        n = len(KEEPS_LABEL)
        raise Wrong(f'{len(wrong)} of {n} are not right. "{wrong[0]}": {_LOOK[wrong[0]]}')


def _one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[labels]


def _mixed(first: np.ndarray, partners: np.ndarray, weight: float) -> np.ndarray:
    first = first.astype(np.float32)
    return (weight * first + (1 - weight) * first[partners]).astype(np.float32)


def _mixup(
    images: np.ndarray, labels: np.ndarray, partners: np.ndarray, weight: float, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    return _mixed(images, partners, weight), _mixed(_one_hot(labels, classes), partners, weight)


@assignment.task(
    "Mix two, and their labels",
    points=3,
    hints=(
        "Make one-hot rows of the labels first. Then pictures and rows are mixed by one formula.",
        "`np.eye(n_classes)[labels]` are the rows. `weight * a + (1 - weight) * a[partners]`, with "
        "`a` as float32, for both.",
    ),
)
def mixup(mixup: Any, *, weights: Any = (0.7, 0.9, 0.5)) -> None:
    cases = []
    for seed, weight in enumerate(weights):
        random = np.random.RandomState(seed)
        labels = random.permutation(5)
        images = random.randint(0, 256, (5, 4, 4, 3)).astype(np.uint8)
        cases.append((images, labels, np.roll(np.arange(5), 2), weight, 6))
    mistakes = [
        ("The pictures are mixed, but the labels are not. A picture that is three parts ship and "
         "one part cat has such a label too.",
         lambda x, y, p, w, n: (_mixed(x, p, w), _one_hot(y, n))),
        ("Pictures and labels are mixed with different weights.",
         lambda x, y, p, w, n: (_mixed(x, p, w), _mixed(_one_hot(y, n), p, 1 - w))),
        ("The weights are exchanged: `weight` belongs to the picture itself, the rest to its "
         "partner.",
         lambda x, y, p, w, n: _mixup(x, y, p, 1 - w, n)),
    ]  # fmt: skip
    same_results("mixup", mixup, _mixup, cases, mistakes, tolerance=1e-4)


@assignment.task(
    "Only while it learns",
    points=2,
    hints=(
        "The changes are layers, the first ones behind the input. By themselves they act in "
        "training only.",
        '`layers.RandomFlip("horizontal")`, then `layers.RandomTranslation(0.1, 0.1, '
        'fill_mode="nearest")`. Say nothing about `training`: Keras does, in `fit` and `predict`.',
    ),
)
def changing_network(changing_network: Any) -> None:
    name = "changing_network"
    model = compare_models.model(name, changing_network, (32, 32, 3), classes=10)
    compare_models.same_layers(name, model, _changing())


@cache
def _changing() -> keras.Model:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _probabilities(seed: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(seed)
    powers = np.exp(2 * random.randn(40, classes))
    return powers / powers.sum(axis=1, keepdims=True), random.randint(0, classes, 40)


def _two(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    truth = np.eye(probabilities.shape[1])[labels]
    return {
        "categorical": float(np.mean(probabilities.argmax(axis=1) == labels)),
        "binary": float(np.mean((probabilities > 0.5) == truth)),
    }


def _two_with(binary: Any) -> Any:
    return lambda p, y: _two(p, y) | {"binary": float(binary(p, y, np.eye(p.shape[1])[y]))}


@assignment.task(
    "Two figures, both called accuracy",
    points=3,
    hints=(
        "For the binary one, every class of every image is a question of its own: yes or no?",
        "`(probabilities > 0.5) == truth` with one-hot rows `truth` is a table of right and wrong "
        "answers. Take the mean of the whole table.",
    ),
)
def two_accuracies(two_accuracies: Any, *, cases: Any = ((0, 10), (1, 4), (2, 2))) -> None:
    mistakes = [
        ("The two are exchanged.",
         lambda p, y: {"categorical": _two(p, y)["binary"], "binary": _two(p, y)["categorical"]}),
        ("These are percentages. Give fractions.",
         lambda p, y: {name: 100 * value for name, value in _two(p, y).items()}),
        ("The binary one says yes to the largest probability. It must say yes to each that is "
         "above one half: there may be none.",
         _two_with(lambda p, y, t: np.mean(np.eye(p.shape[1])[p.argmax(axis=1)] == t))),
        ("The binary one looks at the true class only. A no to a wrong class is a right answer "
         "as well.",
         _two_with(lambda p, y, t: np.mean(p[np.arange(len(y)), y] > 0.5))),
    ]  # fmt: skip
    calls = [_probabilities(seed, classes) for seed, classes in cases]
    same_results("two_accuracies", two_accuracies, _two, calls, mistakes)


@assignment.task(
    "Predict what the figure hides",
    points=2,
    hints=(
        "Four answers for each image. How many of the four are right if its one yes stands at the "
        "right class? And how many if it stands at a wrong one?",
        "All 4, or 2 of 4. So the binary accuracy is a + (1 - a) / 2. Which share a gives 0.7?",
    ),
)
def sure_share(sure_share: Any) -> None:
    mistakes = {
        0.7: "That is the binary accuracy itself.",
        -0.5: "That formula is the one for ten classes. Here there are four.",
        -0.2: "A wrong image costs two answers: the wrong yes, and the missing one.",
        0.6: "That is the share of images on which it is wrong.",
        40.0: "That is a percentage. Give a fraction.",
    }
    number("sure_share", sure_share, 0.4, mistakes, tolerance=1e-3)


LEAST_ACCURACY = 0.60


@assignment.task(
    "The step that was left outside",
    points=4,
    hints=(
        "The network wants images as it saw them in training. Which layer can make these out of "
        "bytes, and where do its numbers come from?",
        "`layers.Normalization(mean=..., variance=...)`, from `data.x_train`, for each channel. "
        "Put it between a new `keras.Input` and `report_network`.",
    ),
)
def repaired_network(
    report_network: Any, repaired_network: Any, *, drawn_with: int | None = None
) -> None:
    name, shape = "repaired_network", (32, 32, 3)
    inner = compare_models.model("report_network", report_network, shape, classes=10)
    model = compare_models.model(name, repaired_network, shape, classes=10)
    seed = 1 if drawn_with is None else drawn_with
    images, labels = synthetic_data.more_shapes(200, seed)
    train = loading.load("cifar10", source="embedded", split="R2-last-20", seed=0).x_train
    mean, variance = (getattr(train, what)(axis=(0, 1, 2)) for what in ("mean", "var"))

    def gives(prepared: np.ndarray) -> bool:
        other = np.asarray(inner(prepared.astype("float32"), training=False))
        return bool(np.allclose(given, other, atol=2e-3))

    given = compare_models.probabilities(name, model, images)
    if gives((images - mean) / variance**0.5):
        compare_models.accuracy(name, model, images, labels, at_least=LEAST_ACCURACY)
        return
    if gives(images):
        raise Wrong(
            f"`{name}` passes bytes on as they are, and `report_network` was trained on normalised "
            "images. Put the normalisation before it."
        )
    slips = [
        (images / 255, "divides by 255. That is another preparation than the training had."),
        ((images - mean) / variance, "divides by the variance, where the standard deviation "
         "belongs. (`Normalization` takes the variance and draws the root itself.)"),
        ((images - mean) / variance**0.25, "has the standard deviation where `Normalization` asks "
         "for the variance."),
    ]  # fmt: skip
    for prepared, remark in slips:
        if gives(prepared):
            raise Wrong(f"`{name}` {remark}")
    raise Wrong(
        f"For bytes, `{name}` does not give what `report_network` gives for the same images "
        "normalised. Use the mean and the standard deviation of each channel of `data.x_train`, "
        "and the trained network as it is."
    )


assignment.add_written("not_overfitted", "Is that overfitting?", points=3)
