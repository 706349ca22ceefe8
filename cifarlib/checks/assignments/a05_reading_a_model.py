"""The tasks of exercise 05: classes and confusions, probabilities and what they promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cifarlib.checks.compare_calls import same_results
from cifarlib.checks.compare_values import keyed, number
from cifarlib.checks.outcomes import Wrong
from cifarlib.checks.tasks import Assignment
from cifarlib.evaluation import Evaluation

assignment = Assignment("05_reading_a_model")

Pair = tuple[np.ndarray, np.ndarray]


def _answers(seed: int, classes: int = 4) -> Pair:
    """Labels and predictions in which one class is never predicted."""
    random = np.random.RandomState(seed)
    labels = np.append(random.randint(0, classes, 40), classes - 1)
    wrong = random.rand(41) < 0.4
    predicted = np.where(wrong, random.randint(0, classes, 41), labels)
    return labels, np.where(predicted == classes - 1, 0, predicted)


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else 0.0


def _recall_precision(labels: np.ndarray, predicted: np.ndarray, focus: int) -> dict[str, float]:
    is_focus, called = labels == focus, predicted == focus
    both = np.sum(is_focus & called)
    return {"recall": _share(both, is_focus.sum()), "precision": _share(both, called.sum())}


@assignment.task(
    "Found, and rightly called so",
    points=2,
    hints=(
        "Both have the same numerator: images that are of the class *and* are called so. What does "
        "each divide by?",
        "Recall divides by how many there are, precision by how many are called so. Take care of a "
        "class that the model never names.",
    ),
)
def recall_precision(recall_precision: Any, *, seeds: Any = (0, 1)) -> None:
    cases = [(*_answers(seed), focus) for seed in seeds for focus in (1, 0, 3)]

    def slip(change: Callable[[dict], dict]) -> Callable[..., dict]:
        return lambda labels, predicted, focus: change(_recall_precision(labels, predicted, focus))

    mistakes = [
        ("Recall and precision are exchanged.",
         slip(lambda r: {"recall": r["precision"], "precision": r["recall"]})),
        ("These are percentages. Give fractions.",
         slip(lambda r: {name: 100 * value for name, value in r.items()})),
    ]  # fmt: skip
    same_results("recall_precision", recall_precision, _recall_precision, cases, mistakes)


def _confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, predicted), 1)
    return counts


@assignment.task(
    "Who is taken for whom",
    points=2,
    hints=(
        "Begin with zeros in shape (classes, classes). Each image adds 1 somewhere: in which row, "
        "and in which column?",
        "`for label, said in zip(labels, predicted): counts[label, said] += 1`.",
    ),
)
def confusion(confusion: Any, *, seeds: Any = (0, 1)) -> None:
    cases = [(*_answers(seed), 5) for seed in seeds]
    same_results("confusion", confusion, _confusion, cases)


@assignment.task(
    "Predict what knowing nothing costs",
    points=1,
    hints=(
        "It says 0.2 for every class. What does the right class get, and what does that cost?",
        "Minus the natural logarithm of 0.2.",
    ),
)
def blind_loss(blind_loss: Any) -> None:
    mistakes = {
        2.3026: "That is the loss for ten classes. Here there are five.",
        2.303: "That is the loss for ten classes. Here there are five.",
        float(np.log2(5)): "That is a logarithm to base 2. The loss uses the natural one.",
        float(np.log10(5)): "That is a logarithm to base 10. The loss uses the natural one.",
        -float(np.log(5)): "A loss is positive.",
        0.2: "That is the probability. What does it cost?",
    }
    number("blind_loss", blind_loss, float(np.log(5)), mistakes, tolerance=2e-3)


def _class_f1(labels: np.ndarray, predicted: np.ndarray, classes: int) -> list[float]:
    return [
        _share(
            2 * np.sum((labels == focus) & (predicted == focus)),
            np.sum(labels == focus) + np.sum(predicted == focus),
        )
        for focus in range(classes)
    ]


def _macro_f1(labels: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    return float(np.mean(_class_f1(labels, predicted, classes)))


def _weighted_f1(labels: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    sizes = np.bincount(labels, minlength=classes)
    return float(np.dot(_class_f1(labels, predicted, classes), sizes / len(labels)))


@assignment.task(
    "An F1 that says something",
    points=3,
    hints=(
        "Work out F1 for one class first. Then do it for all, and give each class the same weight.",
        "F1 of a class is 2 · both / (how many there are + how many are called so). A class that "
        "the model never names has an F1 of 0, and counts.",
    ),
)
def macro_f1(macro_f1: Any, *, seeds: Any = (0, 1, 2)) -> None:
    cases = [(*_answers(seed), 4) for seed in seeds]

    def of_means(labels: np.ndarray, predicted: np.ndarray, classes: int) -> float:
        found = [_recall_precision(labels, predicted, k) for k in range(classes)]
        r, p = (np.mean([f[name] for f in found]) for name in ("recall", "precision"))
        return float(2 * p * r / (p + r))

    mistakes = [
        ("That is the accuracy. Added up over all classes first (\"micro\"), F1 is nothing else.",
         lambda y, p, c: float(np.mean(y == p))),
        ("This leaves out the class that the model never names. It counts, with 0.",
         lambda y, p, c: _macro_f1(y, p, c) * c / (c - 1)),
        ("This weighs the classes by their size (\"weighted\").", _weighted_f1),
        ("This is the F1 of the mean precision and recall. Take the mean of the F1 of the classes.",
         of_means),
        ("This is the mean recall.",
         lambda y, p, c: float(np.mean([_recall_precision(y, p, k)["recall"] for k in range(c)]))),
    ]  # fmt: skip
    same_results("macro_f1", macro_f1, _macro_f1, cases, mistakes)


def _margin(accuracy: float, n: int) -> float:
    return 1.96 * float(np.sqrt(accuracy * (1 - accuracy) / n))


@assignment.task(
    "How exact is an accuracy?",
    points=2,
    hints=(
        "Each image is a draw that is right with probability `accuracy`. What is the variance of "
        "one draw, and of the mean of n?",
        "1.96 times the square root of accuracy · (1 - accuracy) / n.",
    ),
)
def margin(margin: Any, *, cases: Any = ((0.78, 10_000), (0.78, 1_000), (0.5, 100))) -> None:
    mistakes = [
        ("This is one standard error. For 95 % it takes 1.96 of them.",
         lambda a, n: _margin(a, n) / 1.96),
        ("A square root is missing.", lambda a, n: 1.96 * a * (1 - a) / n),
        ("This is the width of the whole interval. Give half of it.",
         lambda a, n: 2 * _margin(a, n)),
        ("These are points. Give a fraction.", lambda a, n: 100 * _margin(a, n)),
        ("This is the spread of one image. That of a mean of n is smaller.",
         lambda a, n: _margin(a, 1)),
    ]  # fmt: skip
    same_results("margin", margin, _margin, cases, mistakes, tolerance=1e-4)


TRUTH = {1: "automobile", 2: "bird", 3: "cat", 4: "truck"}
_LOOK = {
    1: "Which number in the column of precisions is the largest?",
    2: "Which row has the recall 0.65? The rows are counted from 0.",
    3: "Which number in the column of recalls is the smallest?",
    4: "Found are recall · 1000 images of a class. Divide by the precision.",
}


@assignment.task(
    "Read the report's table",
    points=3,
    hints=(
        "Put the names beside the rows before you read anything.",
        "For the fourth: with 1000 images of each class, recall · 1000 were found, and divided by "
        "the precision that is how many were called so.",
    ),
)
def truth(truth: Any) -> None:
    given = keyed(truth, TRUTH, "`truth`")
    wrong = [key for key, name in TRUTH.items() if given[key] != name]
    if wrong:
        raise Wrong(f"{len(wrong)} of 4 are not right. Question {wrong[0]}: {_LOOK[wrong[0]]}")


def _probabilities(seed: int, n: int = 60) -> Pair:
    """Probabilities of an overconfident model, and labels."""
    random = np.random.RandomState(seed)
    scores = random.randn(n, 3) * 3
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    says = probabilities.argmax(axis=1)
    return probabilities, np.where(random.rand(n) < 0.3, (says + 1) % 3, says)


def _drawers(probabilities: np.ndarray, labels: np.ndarray, bins: int) -> list[tuple]:
    """Return (share of the images, promised, kept) for each drawer that is not empty."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    inside = [which == drawer for drawer in range(bins) if np.any(which == drawer)]
    return [(i.mean(), confidence[i].mean(), right[i].mean()) for i in inside]


def _error(probabilities: np.ndarray, labels: np.ndarray, bins: int) -> float:
    return Evaluation(probabilities, labels).calibration_error(bins)


@assignment.task(
    "How far off are its promises?",
    points=4,
    hints=(
        "Sort the images into drawers by their largest probability. In each drawer, compare the "
        "mean of what was promised with the share that was right.",
        "`np.minimum((confidence * bins).astype(int), bins - 1)` is each image's drawer. Weigh "
        "each drawer's gap by the share of images in it, and add up. Empty drawers add nothing.",
    ),
)
def calibration_error(calibration_error: Any, *, seeds: Any = (0, 1)) -> None:
    cases = [(*_probabilities(seed), bins) for seed in seeds for bins in (10, 4)]
    mistakes = [
        ("This gives all drawers the same weight. Weigh each by the share of images in it.",
         lambda p, y, b: float(np.mean([abs(s - k) for _, s, k in _drawers(p, y, b)]))),
        ("Too much in one drawer and too little in another must not cancel out: take the absolute "
         "gap of each.",
         lambda p, y, b: float(sum(w * (s - k) for w, s, k in _drawers(p, y, b)))),
        ("This adds up the gaps without their weights.",
         lambda p, y, b: float(sum(abs(s - k) for _, s, k in _drawers(p, y, b)))),
        ("This is only the accuracy's distance from the mean confidence: one drawer for all.",
         lambda p, y, b: _error(p, y, 1)),
    ]  # fmt: skip
    same_results("calibration_error", calibration_error, _error, cases, mistakes)


def _cooled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


@assignment.task(
    "One number repairs it",
    points=3,
    hints=(
        "With a temperature above 1 the largest probability must become smaller, and each row must "
        "still add up to 1.",
        "Raise every probability to the power 1 / temperature, then divide each row by its sum.",
    ),
)
def with_temperature(with_temperature: Any, *, temperatures: Any = (2.0, 0.5)) -> None:
    probabilities, _ = _probabilities(3, n=5)
    cases = [(probabilities, temperature) for temperature in temperatures]
    mistakes = [
        ("Rows no longer add up to 1: divide each by its sum.", lambda p, t: p ** (1 / t)),
        ("This goes the wrong way: a temperature above 1 must make the model less sure.",
         lambda p, t: _cooled(p, 1 / t)),
        ("Dividing by a number and then by the sum changes nothing.", lambda p, t: p),
        ("Dividing probabilities by the temperature leaves rows that do not add up to 1.",
         lambda p, t: p / t),
        ("Each row is divided by its own sum, not by that of all rows.",
         lambda p, t: p ** (1 / t) / (p ** (1 / t)).sum()),
    ]  # fmt: skip
    same_results("with_temperature", with_temperature, _cooled, cases, mistakes)


assignment.add_written("worse_than_blind", "Right so often, and yet so expensive", points=3)
