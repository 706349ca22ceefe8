"""The checks of exercise 05 against right and wrong answers."""

import numpy as np
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from cifarlib.checks import tasks
from cifarlib.evaluation import Evaluation


def by_sklearn(y, p, k):
    recall = recall_score(y == k, p == k, zero_division=0)
    return {"recall": recall, "precision": precision_score(y == k, p == k, zero_division=0)}


def exchanged(y, p, k):
    found = by_sklearn(y, p, k)
    return {"recall": found["precision"], "precision": found["recall"]}


def without_care(y, p, k):
    both = np.sum((y == k) & (p == k))
    return {"recall": int(both) / int(np.sum(y == k)), "precision": int(both) / int(np.sum(p == k))}


def recall_only(y, p, k):
    return {"recall": by_sklearn(y, p, k)["recall"]}


def matrix(y, p, n):
    return confusion_matrix(y, p, labels=range(n))


def f1(average):
    return lambda y, p, n: f1_score(y, p, average=average, labels=range(n), zero_division=0)


def drawers(p, y, bins):
    confidence, right = p.max(1), p.argmax(1) == y
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    inside = [which == b for b in range(bins) if (which == b).any()]
    return [(i.mean(), confidence[i].mean() - right[i].mean()) for i in inside]


def error(p, y, bins):
    return Evaluation(p, y).calibration_error(bins)


def cool(p, t):
    scores = np.log(p) / t
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def truth(**changes):
    right = {1: "automobile", 2: "bird", 3: "cat", 4: "truck"}
    return {"truth": right | {int(key[1]): value for key, value in changes.items()}}


@right_answers(
    ("05.recall_precision", {"recall_precision": by_sklearn}),
    ("05.confusion", {"confusion": matrix}),
    ("05.blind_loss", {"blind_loss": 1.61}),
    ("05.blind_loss", {"blind_loss": -np.log(0.2)}),
    ("05.macro_f1", {"macro_f1": f1("macro")}),
    ("05.margin", {"margin": lambda a, n: 1.96 * np.sqrt(a * (1 - a) / n)}),
    ("05.truth", truth()),
    ("05.calibration_error", {"calibration_error": error}),
    ("05.calibration_error",
     {"calibration_error": lambda *a: sum(w * abs(gap) for w, gap in drawers(*a))}),
    ("05.with_temperature", {"with_temperature": cool}),
)  # fmt: skip
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("05.recall_precision", {"recall_precision": exchanged}, "are exchanged"),
    ("05.recall_precision", {"recall_precision": without_care}, "stops with ZeroDivisionError"),
    ("05.recall_precision", {"recall_precision": lambda y, p, k: (0.5, 0.5)}, "must be a dict"),
    ("05.recall_precision", {"recall_precision": recall_only}, "has no 'precision'"),
    ("05.confusion", {"confusion": lambda y, p, n: matrix(p, y, n)}, "Axes 0 and 1 are exchanged"),
    ("05.confusion", {"confusion": lambda y, p, n: confusion_matrix(y, p)}, "It must be (5, 5)"),
    ("05.confusion", {"confusion": lambda y, p, n: matrix(y, p, n) / len(y)}, "must hold int64"),
    ("05.blind_loss", {"blind_loss": 2.303}, "for ten classes"),
    ("05.blind_loss", {"blind_loss": 2.0}, "too much"),
    ("05.blind_loss", {"blind_loss": np.log2(5)}, "base 2"),
    ("05.blind_loss", {"blind_loss": 0.2}, "What does it cost"),
    ("05.blind_loss", {"blind_loss": float("nan")}, "no number"),
    ("05.macro_f1", {"macro_f1": f1("micro")}, "That is the accuracy"),
    ("05.macro_f1", {"macro_f1": f1("weighted")}, "by their size"),
    ("05.macro_f1", {"macro_f1": lambda y, p, n: f1("macro")(y, p, n) * n / (n - 1)}, "leaves out"),
    ("05.margin", {"margin": lambda a, n: np.sqrt(a * (1 - a) / n)}, "one standard error"),
    ("05.margin", {"margin": lambda a, n: 1.96 * a * (1 - a) / n}, "square root is missing"),
    ("05.margin", {"margin": lambda a, n: 3.92 * np.sqrt(a * (1 - a) / n)}, "Give half of it"),
    ("05.truth", truth(q1="horse"), "1 of 4 are not right. Question 1"),
    ("05.truth", truth(q2="dog", q3="bird"), "2 of 4 are not right. Question 2"),
    ("05.truth", {"truth": ["automobile", "bird", "cat", "truck"]}, "must be a dict"),
    ("05.calibration_error",
     {"calibration_error": lambda *a: sum(w * gap for w, gap in drawers(*a))}, "must not cancel"),
    ("05.calibration_error",
     {"calibration_error": lambda *a: np.mean([abs(gap) for _, gap in drawers(*a)])}, "same weig"),
    ("05.calibration_error", {"calibration_error": lambda p, y, b: error(p, y, 1)}, "one drawer"),
    ("05.calibration_error", {"calibration_error": lambda p, y, b: 0.1}, "whatever it is called"),
    ("05.with_temperature", {"with_temperature": lambda p, t: cool(p, 1 / t)}, "the wrong way"),
    ("05.with_temperature", {"with_temperature": lambda p, t: p ** (1 / t)}, "no longer add up"),
    ("05.with_temperature", {"with_temperature": lambda p, t: p / t}, "Dividing probabilities"),
    ("05.with_temperature", {"with_temperature": lambda p, t: p}, "changes nothing"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("05").checked:
        assert tasks_of(test_right)[f"05.{task.name}"] >= 1
        assert tasks_of(test_wrong)[f"05.{task.name}"] >= 2
