"""How fast images are augmented: the course's layers beside ImageDataGenerator.

    python benchmarks/augmentation.py

measures images per second, first of the augmentation alone, then of the training of the small
network R0.4 with it. Both ways have the same settings and the same images. In each round every way
runs right after the one that it is compared with, and the median of the rounds' ratios counts: what
else the machine does comes and goes, but meets both halves of a pair. Speeds are the best rounds'.
The limit is the time to read each image's bytes once and to write it once as float32, at the
machine's measured bandwidth.
Results are printed and kept in benchmarks/results/augmentation.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
from keras import layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from limits import bytes_per_second

import cifarlib
from cifarlib import augmentation, networks
from cifarlib._support import environment
from cifarlib._support.files import write_atomic
from cifarlib._support.tables import Table
from cifarlib.training import STEPS_PER_EXECUTION

OUT = Path(__file__).parent / "results" / "augmentation.json"
GENERATORS = {
    "R2": {"featurewise_center": True, "featurewise_std_normalization": True,
           "rotation_range": 20, "width_shift_range": 0.2, "height_shift_range": 0.2,
           "horizontal_flip": True, "shear_range": 0.2, "zoom_range": 0.2},
    "R4": {"rotation_range": 45, "width_shift_range": 0.3, "height_shift_range": 0.25,
           "horizontal_flip": True, "shear_range": 0.25, "zoom_range": 0.25},
}  # fmt: skip
LAYERS_WANTED, COST_ALLOWED = 3.0, 0.3  # times ImageDataGenerator; part of the plain epoch


class Always(layers.Layer):
    """Runs augmentation where Keras does not, in `predict`."""

    def __init__(self, inner: layers.Layer) -> None:
        super().__init__()
        self.inner = inner

    def call(self, images):
        return self.inner(images, training=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=4096, help="images in one round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (chosen.images, 32, 32, 3)).astype("uint8")
    labels = random.randint(0, 10, chosen.images)
    cifarlib.set_seed(0)

    alone = alone_rows(images, chosen.rounds)
    training = training_rows(images, labels, chosen.rounds)
    print(Table(["augmentation", "batch", "ImageDataGenerator, images/s", "layers, images/s",
                 "times as fast"], alone, caption="The augmentation alone"))  # fmt: skip
    print()
    print(Table(["training of R0.4", "batch", "images/s", "cost"], training,
                caption="In training: cost in parts of the plain epoch"))  # fmt: skip
    result = {
        "environment": environment.environment(),
        "images": chosen.images,
        "rounds": chosen.rounds,
        "alone": [dict(zip(("settings", "batch", "generator", "layers", "times"), row, strict=True))
                  for row in alone],
        "training": [dict(zip(("augmentation", "batch", "images_per_second", "cost"), row,
                              strict=True)) for row in training],
        "limit_images_per_second": bytes_per_second() / (5 * images[0].nbytes),
        "wanted": {"times": LAYERS_WANTED, "cost": COST_ALLOWED},
    }  # fmt: skip
    write_atomic(chosen.out, json.dumps(result, indent=1) + "\n")
    print(f"\nKept in {chosen.out.name}.")


def alone_rows(images: np.ndarray, rounds: int) -> list[list]:
    """Measure only the making of augmented images, as NumPy arrays, by both ways."""
    rows = []
    for name in GENERATORS:
        for batch in (16, 32):
            generator = ready_generator(name, images)
            model = keras.Sequential(
                [keras.Input(images.shape[1:]), Always(augmentation.pipeline(name, images))]
            )
            model.compile(steps_per_execution=STEPS_PER_EXECUTION)
            old = partial(drain, generator.flow(images, batch_size=batch))
            new = partial(model.predict, images, batch_size=batch, verbose=0)
            seconds, others, ratio = pairs(new, old, rounds)
            speeds = [round(len(images) / best) for best in (others, seconds)]
            rows.append([name, batch, *speeds, round(1 / ratio, 1)])
    return rows


def training_rows(images: np.ndarray, labels: np.ndarray, rounds: int) -> list[list]:
    """Measure one epoch of R0.4 without augmentation, with every pipeline, and with the old way."""
    rows = []
    for batch in (16, 32):
        plain = epoch(None, images, labels, batch)
        ways = {
            f"layers {name}": epoch(name, images, labels, batch) for name in augmentation.PIPELINES
        }
        flow = ready_generator("R4", images).flow(images, labels, batch_size=batch)
        ways["ImageDataGenerator R4"] = partial(network(None, images).fit, flow, verbose=0)
        taken = {name: pairs(way, plain, rounds) for name, way in ways.items()}
        without = min(others for _, others, _ in taken.values())
        rows.append(["none", batch, round(len(images) / without), 0.0])
        for name, (seconds, _, ratio) in taken.items():
            rows.append([name, batch, round(len(images) / seconds), round(ratio - 1, 2)])
    return rows


def epoch(name: str | None, images: np.ndarray, labels: np.ndarray, batch: int) -> Callable:
    return partial(network(name, images).fit, images, labels, batch_size=batch, verbose=0)


def network(name: str | None, images: np.ndarray) -> keras.Model:
    first = [] if name is None else [augmentation.pipeline(name, images)]
    model = keras.Sequential([keras.Input(images.shape[1:]), *first, networks.build("R0.4")])
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    if keras.backend.backend() == "tensorflow":
        model.steps_per_execution = STEPS_PER_EXECUTION
    return model


def ready_generator(name: str, images: np.ndarray) -> ImageDataGenerator:
    generator = ImageDataGenerator(**GENERATORS[name])
    if name == "R2":
        generator.fit(images)
    return generator


def drain(batches) -> None:
    for number in range(len(batches)):
        batches[number]


def pairs(way: Callable, other: Callable, rounds: int) -> tuple[float, float, float]:
    """Return the shortest seconds of both ways, and the median of their ratios in each round.

    The order changes from round to round; a first round warms up.
    """
    taken = {way: [], other: []}
    for number in range(-1, rounds):
        for each in (way, other) if number % 2 == 0 else (other, way):
            start = time.perf_counter()
            each()
            if number >= 0:
                taken[each].append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(taken[way], taken[other], strict=True)]
    return min(taken[way]), min(taken[other]), statistics.median(ratios)


if __name__ == "__main__":
    main()
