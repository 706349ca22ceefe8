"""One training epoch as the reports write it, and by `cifarlib.fit`, at the report's batch size.

    python benchmarks/epochs.py --mirror DIR

The same network, optimizer, seed and images. The report's way: pixels scaled and labels one-hot
beforehand, plain `model.fit`. Ours: pixels as they are stored, scaled by the network's first layer,
many steps handed over at once. Both take turns epoch by epoch, the order changes from round to
round, and the first epoch of each, which builds the graph, is not counted. The figure is the median
of the rounds' ratios: what else the machine does comes and goes, but meets both halves of a round.
The limit is the time that the network's multiply-adds would take at the rate of a large matrix
product, three times the forward pass for a training step. Results go to
`benchmarks/results/epochs.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CIFARLIB_QUIET"] = "1"

import keras
from limits import multiply_adds_per_second

import cifarlib
from cifarlib import ledger, parameters
from cifarlib._support.environment import environment
from cifarlib._support.files import write_atomic
from cifarlib.networks import build

RESULTS = Path(__file__).parent / "results" / "epochs.json"
WANTED = {"R0.1": 1.3, "R0.4": 1.3, "R1.2": 1.0, "R1.4": 1.0, "R4.1": 1.0}
"""The systems, and how many times the report's throughput is wanted."""
STEPS = 300  # of one epoch here; a report's own epoch has more of the same


def main() -> None:
    args = _arguments()
    fastest = multiply_adds_per_second()
    found = {}
    for id in args.systems:
        found[id] = _system(id, args, fastest)
        print(_text(id, found[id]), flush=True)
    content = {"multiply_adds_per_second": fastest, "steps": STEPS, "systems": found}
    write_atomic(args.out, json.dumps(content | {"environment": environment()}, indent=1) + "\n")
    print(f"written: {args.out}")


def _system(id: str, args: argparse.Namespace, fastest: float) -> dict:
    settings = ledger.system(id).settings
    batch = settings.get("batch_size", 32)
    data = cifarlib.load(
        ledger.system(id).dataset,
        split=settings["split"],
        n_train=STEPS * batch,
        mirror=args.mirror,
    )
    data = replace(data, x_val=data.x_val[:1], y_val=data.y_val[:1])  # training alone is timed
    ways = {"report": _report(id, data, settings, batch), "ours": _ours(id, data, settings, batch)}
    for epoch in ways.values():
        epoch()  # builds the graph
    rates = {name: [] for name in ways}
    for number in range(args.rounds):
        for name in ways if number % 2 == 0 else reversed(ways):
            rates[name].append(round(len(data.x_train) / ways[name]()))
    pairs = [ours / report for ours, report in zip(rates["ours"], rates["report"], strict=True)]
    work = 3 * parameters.total(parameters.derive(build(id))).multiply_adds
    median = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "batch_size": batch,
        "images_per_second": median,
        "rounds": rates,
        "times": statistics.median(pairs),
        "wanted": WANTED[id],
        "limit_images_per_second": fastest / work,
        "part_of_limit": median["ours"] * work / fastest,
    }


def _report(id: str, data: cifarlib.Dataset, settings: dict, batch: int) -> Callable[[], float]:
    """Return what trains an epoch as in the report's listing, and returns its seconds."""
    cifarlib.set_seed(0)
    whole = build(id)
    network = [keras.Input(data.input_shape)]
    network += [x for x in whole.layers if not isinstance(x, keras.layers.Rescaling)]
    sparse = settings["loss"].startswith("sparse")
    labels = data.y_train if sparse else keras.utils.to_categorical(data.y_train)
    model, clock = keras.Sequential(network), Clock()
    model.compile(optimizer(settings), settings["loss"], metrics=["accuracy"])
    images = data.x_train.astype("float32") / 255

    def epoch() -> float:
        model.fit(images, labels, batch_size=batch, callbacks=[clock], verbose=0)
        return clock.seconds

    return epoch


def _ours(id: str, data: cifarlib.Dataset, settings: dict, batch: int) -> Callable[[], float]:
    """Return what trains an epoch by `cifarlib.fit`, and returns its seconds."""
    cifarlib.set_seed(0)
    model, clock = build(id), Clock()
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer(settings), loss, metrics=["accuracy"])

    def epoch() -> float:
        cifarlib.fit(model, data, epochs=1, batch_size=batch, callbacks=[clock])
        return clock.seconds

    return epoch


class Clock(keras.callbacks.Callback):
    """Notes the seconds from an epoch's beginning to its last batch, validation left out."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.seconds = time.perf_counter() - self.started


def optimizer(settings: dict) -> keras.optimizers.Optimizer:
    """Return a report's optimizer with its own learning rate, or Keras's."""
    optimizer = keras.optimizers.get(settings["optimizer"])
    if "learning_rate" in settings:
        optimizer.learning_rate = settings["learning_rate"]
    return optimizer


def _text(id: str, s: dict) -> str:
    rate = s["images_per_second"]
    return (
        f"{id}, batches of {s['batch_size']}: report {rate['report']:,.0f}, ours "
        f"{rate['ours']:,.0f} images/s, {s['times']:.2f} times (wanted: {s['wanted']:.1f}); "
        f"{s['part_of_limit']:.0%} of the machine's limit"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("systems", nargs="*", metavar="ID", default=list(WANTED))
    parser.add_argument("--mirror", help="default: CIFARLIB_MIRROR")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
