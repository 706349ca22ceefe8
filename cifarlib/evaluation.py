"""Judging a classifier on images it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cifarlib._support import out_of_memory, progress

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Evaluation:
    """Predictions of one model on one set of images, and the figures that follow from them.

    Attributes:
        probabilities: float64, shape (n, classes); each row sums to 1.
        labels: integers, shape (n,).
    """

    probabilities: np.ndarray
    labels: np.ndarray

    @cached_property
    def predicted(self) -> np.ndarray:
        """Most probable class of each image, integers, shape (n,)."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def confidence(self) -> np.ndarray:
        """Probability given to the predicted class, shape (n,)."""
        return self.probabilities.max(axis=1)

    @property
    def accuracy(self) -> float:
        """Fraction of images whose predicted class is right."""
        return float(np.mean(self.predicted == self.labels))

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats.

        Probabilities are clipped at 1e-7, so that no image costs more than 16.1. Keras on
        TensorFlow goes back to the numbers before the softmax and does not clip: for a network
        that is very sure and wrong, `model.evaluate` gives more.
        """
        right = self.probabilities[np.arange(len(self.labels)), self.labels]
        return float(-np.log(np.clip(right, 1e-7, 1.0)).mean())

    @cached_property
    def macro_f1(self) -> float:
        """F1 of each class, averaged with equal weight (scikit-learn's "macro")."""
        from sklearn.metrics import f1_score

        return float(f1_score(self.labels, self.predicted, average="macro", zero_division=0))

    @cached_property
    def roc_auc(self) -> float:
        """Area under the one-vs-rest ROC curve, averaged over the classes; needs all classes."""
        from sklearn.metrics import roc_auc_score

        if self.probabilities.shape[1] == 2:
            return float(roc_auc_score(self.labels, self.probabilities[:, 1]))
        return float(roc_auc_score(self.labels, self.probabilities, multi_class="ovr"))

    def calibration_error(self, bins: int = 15) -> float:
        """Expected calibration error: mean gap of confidence and accuracy over equal bins."""
        which = np.minimum((self.confidence * bins).astype(int), bins - 1)
        right = self.predicted == self.labels
        gaps = np.bincount(which, self.confidence - right, minlength=bins)
        return float(np.abs(gaps).sum() / len(right))

    def confusion(self) -> np.ndarray:
        """Count of images of class i (row) predicted as class j (column), shape (c, c)."""
        from sklearn.metrics import confusion_matrix

        return confusion_matrix(
            self.labels, self.predicted, labels=range(self.probabilities.shape[1])
        )

    def worst_mistakes(self, n: int = 12) -> np.ndarray:
        """Indices of the wrongly classified images the model was surest of, surest first."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")][:n]

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy:.1%} on {len(self.labels):,} images, "
            f"loss {self.loss:.3f}, macro F1 {self.macro_f1:.3f}"
        )


def evaluate(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, batch_size: int = 500
) -> Evaluation:
    """Predict `images` and return the figures.

    Args:
        model: gives class probabilities, shape (n, classes), or one sigmoid, shape (n, 1).
        images: what the model takes, shape (n, height, width, channels).
        labels: integers, shape (n,).

    Raises:
        CourseError: memory ran out.
    """
    import keras

    steps = -(-len(images) // batch_size)
    with (
        out_of_memory.explained("predicting", batch_size),
        progress.bar(steps, "predicting", "batch") as bar,
    ):
        move = keras.callbacks.LambdaCallback(
            on_predict_batch_end=lambda batch, logs: bar.update(min(batch + 1, steps) - bar.n)
        )
        probabilities = model.predict(
            images, batch_size=batch_size, verbose=0, callbacks=[move]
        ).astype("float64")
    if probabilities.shape[1] == 1:
        probabilities = np.hstack([1 - probabilities, probabilities])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return Evaluation(probabilities, np.asarray(labels))
