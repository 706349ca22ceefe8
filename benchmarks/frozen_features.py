"""A frozen VGG16 in every training step, as the reports do it, against its features made once.

    python benchmarks/frozen_features.py --mirror DIR            # a sample, scaled up: minutes
    python benchmarks/frozen_features.py R0.9 R1.5 --mirror DIR --full   # whole, with accuracies

Both ways train the same head, from the same seed, on the same images, in the same precision:
R0.9 (5 epochs, batches of 16, 15,000 images), R1.5 (10 epochs, batches of 250, 45,000 images) and
R4.4 (100 epochs, batches of 30, 40,000 images), with validation after each epoch. They take turns,
and medians are compared. The reports' way is written as in their listings: pixels divided by 255
beforehand, the base inside the model, plain `model.fit`. The limit is the time that the
multiply-adds of the features would take at the rate of a large matrix product. Whole trainings, a
quarter of an hour for R0.9 and R1.5 together, hours for R4.4, also show that both ways end at the
same test accuracy. Results go to `benchmarks/results/frozen_features.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CIFARLIB_QUIET"] = "1"

import keras
import numpy as np
from limits import multiply_adds_per_second

import cifarlib
from cifarlib import backbones, ledger, parameters
from cifarlib._support.environment import environment
from cifarlib._support.files import write_atomic
from cifarlib.backbones import features
from cifarlib.networks import build
from cifarlib.runner.measure_features import NETWORK_OF, base_of, fitting, head_of

RESULTS = Path(__file__).parent / "results" / "frozen_features.json"
SYSTEMS = {"R0.9": 4.0, "R1.5": 8.0, "R4.4": 8.0}
"""The systems, and how many times faster training on cached features has to be."""
SAMPLE = 4_000  # training images of one round without --full


def main() -> None:
    args = _arguments()
    rounds = args.rounds or (1 if args.full else 3)
    found, fastest = _before(args), multiply_adds_per_second()
    for id in args.systems:
        data = cifarlib.load(
            "cifar10", split=ledger.system(id).settings["split"], mirror=args.mirror
        )
        taken = [_round(id, data, number, args) for number in range(rounds)]
        found[id] = _summary(id, taken, args.full, fastest)
        print(_text(id, found[id]), flush=True)
    content = {"systems": found, "environment": environment()}
    write_atomic(args.out, json.dumps(content, indent=1) + "\n")
    print(f"written: {args.out}")


def _before(args: argparse.Namespace) -> dict:
    """Return what was measured before; what is asked for replaces it."""
    return json.loads(args.out.read_text("utf-8"))["systems"] if args.out.exists() else {}


def _round(id: str, data: cifarlib.Dataset, seed: int, args: argparse.Namespace) -> dict:
    """Train both ways once; who goes first changes from round to round."""
    if not args.full:
        data = _sample(data, seed)
    ways = [_report, _features]
    taken: dict = {}
    for way in ways if seed % 2 == 0 else reversed(ways):
        taken |= way(id, data, seed, args)
    return taken


def _report(id: str, data: cifarlib.Dataset, seed: int, args: argparse.Namespace) -> dict:
    """The report's way: seconds of the training, and the test accuracy where it is whole."""
    settings = ledger.system(id).settings
    base = backbones.network(
        "VGG16", data.input_shape, until=settings.get("cut"), mirror=args.mirror
    )
    keras.utils.set_random_seed(seed)
    head = head_of(build(NETWORK_OF.get(id, id)))
    base.trainable = False
    model = keras.Sequential([fitting(base, head), head])
    _compile(model, settings)
    x_train, x_val, x_test = (
        x.astype("float32") / 255 for x in (data.x_train, data.x_val, data.x_test)
    )
    batch = settings["batch_size"]
    epochs = settings["epochs"] if args.full else 1
    if not args.full:  # the first call builds the graph, which a long training hardly notices
        model.fit(x_train[: 2 * batch], data.y_train[: 2 * batch], batch_size=batch, verbose=0)
    started = time.perf_counter()
    model.fit(
        x_train,
        data.y_train,
        batch_size=batch,
        epochs=epochs,
        validation_data=(x_val, data.y_val),
        verbose=0,
    )
    seconds = time.perf_counter() - started
    if not args.full:
        return {"report": seconds * settings["epochs"] * _scale(id, data)}
    return {
        "report": seconds,
        "report_accuracy": cifarlib.evaluate(model, x_test, data.y_test).accuracy,
    }


def _features(id: str, data: cifarlib.Dataset, seed: int, args: argparse.Namespace) -> dict:
    """Our way: seconds to make the features, to read them again, and to train the head."""
    settings = ledger.system(id).settings
    base = base_of(settings, data.input_shape, args.mirror)
    base = fitting(base, head_of(build(NETWORK_OF.get(id, id))))
    without_test = replace(data, x_test=data.x_test[:1], y_test=data.y_test[:1])
    images = len(data.x_train) + len(data.x_val)
    work = images * parameters.total(parameters.derive(base)).multiply_adds
    with tempfile.TemporaryDirectory() as cache:
        if not args.full:
            features.extract(base, data.x_train[:1], cache=cache)  # builds the graph
        seconds = []
        for _ in ("made", "read"):
            started = time.perf_counter()
            made = features.dataset(base, without_test, cache=cache)
            seconds.append(time.perf_counter() - started)
        if not args.full:
            made = _repeated(made, round(_scale(id, data)))
        keras.utils.set_random_seed(seed)
        head = head_of(build(NETWORK_OF.get(id, id)))
        _compile(head, settings)
        epochs = settings["epochs"] if args.full else 3
        started = time.perf_counter()
        run = cifarlib.fit(head, made, epochs=epochs, batch_size=settings["batch_size"])
        trained = time.perf_counter() - started
        if not args.full:  # the first epoch also builds the graph
            first, *later = run.epoch_seconds
            trained = first + statistics.median(later) * (settings["epochs"] - 1)
            scale = _scale(id, data)
            times = {"made": seconds[0] * scale, "read": seconds[1] * scale, "head": trained}
            return times | {"multiply_adds": work * scale}
        test = features.extract(base, data.x_test, cache=cache)
        accuracy = cifarlib.evaluate(head, test, data.y_test).accuracy
    return dict(zip(("made", "read", "head"), (*seconds, trained), strict=True)) | {
        "multiply_adds": work,
        "features_accuracy": accuracy,
    }


def _scale(id: str, data: cifarlib.Dataset) -> float:
    """How many times more training images the report has than the sample."""
    return ledger.system(id).settings["n_train"] / len(data.x_train)


def _repeated(data: features.FeatureDataset, times: int) -> features.FeatureDataset:
    """Repeat the sample's features until there are as many as the report has images."""
    arrays = ("x_train", "y_train", "x_val", "y_val")
    return replace(data, **{a: np.concatenate([getattr(data, a)] * times) for a in arrays})


def _sample(data: cifarlib.Dataset, seed: int) -> cifarlib.Dataset:
    """Take the same share of training and validation images, other ones in each round."""
    share = SAMPLE / len(data.x_train)
    n_val = round(share * len(data.x_val))
    train, val = slice(seed * SAMPLE, (seed + 1) * SAMPLE), slice(seed * n_val, (seed + 1) * n_val)
    return replace(
        data,
        x_train=data.x_train[train],
        y_train=data.y_train[train],
        x_val=data.x_val[val],
        y_val=data.y_val[val],
    )


def _compile(model: keras.Model, settings: dict) -> None:
    optimizer = keras.optimizers.get(settings["optimizer"])
    if "learning_rate" in settings:
        optimizer.learning_rate = settings["learning_rate"]
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])


def _summary(id: str, taken: list[dict], full: bool, fastest: float) -> dict:
    median = {key: statistics.median(t[key] for t in taken) for key in taken[0]}
    limit = median.pop("multiply_adds") / fastest
    first = [t["report"] / (t["made"] + t["head"]) for t in taken]
    cached = [t["report"] / (t["read"] + t["head"]) for t in taken]
    return {
        "rounds": taken,
        "median_seconds": {k: v for k, v in median.items() if not k.endswith("accuracy")},
        "median_accuracy": {k: v for k, v in median.items() if k.endswith("accuracy")},
        "times_faster_first_time": statistics.median(first),
        "times_faster_cached": statistics.median(cached),
        "limit_seconds": limit,
        "part_of_limit": limit / median["made"],
        "wanted": SYSTEMS[id],
        "measured": "whole trainings"
        if full
        else f"extrapolated: base on {SAMPLE:,} images a round, head on as many as the report's",
    }


def _text(id: str, s: dict) -> str:
    seconds = s["median_seconds"]
    lines = [
        f"{id}, medians of {len(s['rounds'])} rounds ({s['measured']}):",
        f"  base in every step     {seconds['report']:8.1f} s",
        f"  features made once     {seconds['made']:8.1f} s, {s['part_of_limit']:.0%} of the "
        "machine's limit",
        f"  features read again    {seconds['read']:8.1f} s",
        f"  head trained on them   {seconds['head']:8.1f} s",
        f"  times faster: {s['times_faster_first_time']:.1f} when the features are made first, "
        f"{s['times_faster_cached']:.1f} when they are there (wanted: {s['wanted']:.0f})",
    ]
    if s["median_accuracy"]:
        both = (f"{k.split('_')[0]} {v:.4f}" for k, v in s["median_accuracy"].items())
        lines.append(f"  test accuracy: {', '.join(both)}")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("systems", nargs="*", metavar="ID", default=list(SYSTEMS))
    parser.add_argument("--mirror", help="default: CIFARLIB_MIRROR")
    parser.add_argument("--full", action="store_true", help="whole trainings instead of a sample")
    parser.add_argument("--rounds", type=int, help="default: 3, or 1 with --full")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
