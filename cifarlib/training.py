"""One training function for the whole course, and the seed that makes it repeatable."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np

from cifarlib._support import out_of_memory, progress

if TYPE_CHECKING:
    from cifarlib.data.dataset import Dataset

logging.getLogger("tensorflow").setLevel(logging.ERROR)  # no warning for every new model

STEPS_PER_EXECUTION = 32
"""Batches handed to TensorFlow in one go. Small networks spend half their time between
batches; see `benchmarks/`. The weights that come out are the same."""

SHORT_TRAINING = 256
"""Batches for which that does not pay: the graph that takes many takes 0.3 s longer to build."""

Augment = Callable[[np.ndarray, int], np.ndarray]
"""Training images and the number of the epoch in, the images of that epoch out."""


@dataclass(frozen=True)
class Run:
    """What happened during one training.

    Attributes:
        history: one list per metric, one number per epoch, as Keras reports them.
        epoch_seconds: wall-clock seconds of each epoch, validation included.
        n_train: number of training images.
    """

    history: dict[str, list[float]]
    epoch_seconds: list[float]
    batch_size: int
    n_train: int

    @property
    def epochs(self) -> int:
        return len(self.epoch_seconds)

    @property
    def seconds(self) -> float:
        return sum(self.epoch_seconds)

    def last(self, metric: str) -> float:
        """Return the value of `metric` after the last epoch."""
        return self.history[metric][-1]

    def as_dict(self) -> dict:
        """Return what the ledger keeps of the training, as plain numbers."""
        return {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "n_train": self.n_train,
            "seconds": round(self.seconds, 2),
            "epoch_seconds": [round(s, 2) for s in self.epoch_seconds],
            "history": {k: [round(v, 4) for v in values] for k, values in self.history.items()},
        }

    @classmethod
    def from_dict(cls, kept: dict) -> Run:
        """Rebuild a training from the ledger, for example to draw its curves."""
        return cls(kept["history"], kept["epoch_seconds"], kept["batch_size"], kept["n_train"])

    def __str__(self) -> str:
        parts = [
            f"{name.replace('_', ' ')} {values[-1]:.3f}" for name, values in self.history.items()
        ]
        epochs = f"{self.epochs} epoch" + "s" * (self.epochs != 1)
        return f"{epochs} on {self.n_train:,} images in {self.seconds:.0f} s: " + ", ".join(parts)


def set_seed(seed: int) -> None:
    """Fix every random number that follows, and make TensorFlow's operations repeatable.

    Call it before the model is built: the first weights are random numbers too. On the
    same machine the same seed then gives the same bits. Other machines give close results.
    """
    keras.utils.set_random_seed(seed)
    _repeatable_operations()


def fit(
    model: keras.Model,
    data: Dataset,
    *,
    epochs: int,
    batch_size: int = 32,
    augment: Augment | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Train a compiled model on `data` and watch it on the validation images.

    Args:
        model: compiled, for integer labels (a "sparse" loss) and images as `data` holds them.
        data: images of shape (n, height, width, channels), labels of shape (n,).
        epochs: passes over the training images.
        batch_size: images per step.
        augment: makes the images of an epoch, all at once: called before each epoch with the
            training images and the number of the epoch, from 0. It returns images of the same
            shape in the same order, and leaves those it was given as they are.

    Returns:
        The history and the time of every epoch. The model itself is changed in place.

    Raises:
        CourseError: memory ran out.
        ValueError: `augment` returned images of another shape.
    """
    clock = _Clock(epochs)
    if augment is None:
        images = {"x": data.x_train, "y": data.y_train, "batch_size": batch_size}
    else:
        images = {"x": _Fresh(data, batch_size, augment), "shuffle": False}
    with out_of_memory.explained("training", batch_size):
        if keras.backend.backend() == "tensorflow" and model.compiled:
            _set_steps_per_execution(model, epochs * -(-len(data.x_train) // batch_size))
            _make_variables(model, data)
        history = model.fit(
            **images,
            validation_data=(data.x_val, data.y_val),
            epochs=epochs,
            validation_batch_size=max(batch_size, 256),
            callbacks=[clock, *callbacks],
            verbose=0,
        )
    values = {name: [float(v) for v in series] for name, series in history.history.items()}
    return Run(values, clock.seconds, batch_size, len(data.x_train))


def _set_steps_per_execution(model: keras.Model, steps: int) -> None:
    """Let TensorFlow take many of a training's batches at once, if there are many.

    Keras keeps the graphs of an earlier call, in which the old number of batches is fixed. With
    another number outside it would silently skip most batches, so the graphs have to go.
    """
    at_once = 1 if steps < SHORT_TRAINING else STEPS_PER_EXECUTION
    if model.steps_per_execution != at_once:
        model.steps_per_execution = at_once
        model.train_function = model.test_function = model.predict_function = None


def _make_variables(model: keras.Model, data: Dataset) -> None:
    """Make the variables of optimizer and metrics now.

    TensorFlow builds the graph of a training step twice if it makes variables.
    """
    if model.built:
        model.optimizer.build(model.trainable_variables)
        image, label = data.x_train[:1], data.y_train[:1]
        model.compute_metrics(image, label, model(image, training=False))
        model.reset_metrics()


class _Fresh(keras.utils.PyDataset):
    """Batches of images that are changed and shuffled anew for every epoch."""

    def __init__(self, data: Dataset, batch_size: int, augment: Augment) -> None:
        super().__init__()
        self._data, self._batch_size, self._augment = data, batch_size, augment
        self._images, self._labels = data.x_train, data.y_train  # for Keras to see their shapes
        self._epoch = 0

    def on_epoch_begin(self) -> None:
        images = self._augment(self._data.x_train, self._epoch)
        if images.shape != self._data.x_train.shape:
            raise ValueError(
                f"augment returned images of shape {images.shape} for images of shape "
                f"{self._data.x_train.shape}. Return as many as you were given, of the same size."
            )
        order = np.random.permutation(len(images))  # from the seed that set_seed fixed
        self._images, self._labels = images[order], self._data.y_train[order]
        self._epoch += 1

    def __len__(self) -> int:
        return -(-len(self._labels) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = slice(index * self._batch_size, (index + 1) * self._batch_size)
        return self._images[rows], self._labels[rows]


class _Clock(keras.callbacks.Callback):
    """Times epochs and shows a progress bar where somebody is watching."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._epochs = epochs

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._bar = progress.bar(self._epochs * self._steps(), "training", "batch")

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._started = time.perf_counter()
        self._bar.set_description(f"epoch {epoch + 1}/{self._epochs}")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        # Several batches at once may count beyond the last one; a bar past its end has no end.
        done = len(self.seconds) * self._steps() + min(batch + 1, self._steps())
        self._bar.update(done - self._bar.n)
        if batch + 1 >= self._steps():
            self._bar.refresh()  # the validation comes next, and shows nothing itself

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._started)
        shown = {k: f"{v:.3f}" for k, v in (logs or {}).items() if "accuracy" in k}
        self._bar.set_postfix(shown)

    def on_train_end(self, logs: dict | None = None) -> None:
        self._bar.close()

    def _steps(self) -> int:
        return self.params.get("steps") or 1


def _repeatable_operations() -> None:
    """The one place that touches TensorFlow itself: Keras has no switch for this."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
