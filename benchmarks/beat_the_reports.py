"""The course's own network against the reports' best from nothing: accuracy and time, in one run.

    python benchmarks/beat_the_reports.py --mirror DIR    # R1.4's 15 epochs: a quarter of an hour

All are judged on the 10,000 test images. The reports' networks are trained as in their listings,
with plain `model.fit` and validation after each epoch: R1.4 to its end, and R1.2 and R4.1, which
learn faster and never reach 70 %, until they reach 60 %. Ours is trained once on a third, on half
and on all of the training images, and twice on all, each time with a learning rate that falls to
zero, by the cells of notebook 13 that carry the tag `recipe`, so there is no second copy of it.
Seconds are those of the training calls. The building of the graphs is in them, and in ours what
the first layer is worked out from and the changed images; what the test images take is left out.
Results go to `benchmarks/results/beat_the_reports.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CIFARLIB_QUIET"] = "1"

import keras
from epochs import optimizer

import cifarlib
from cifarlib import ledger
from cifarlib._support.environment import environment
from cifarlib._support.files import write_atomic
from cifarlib.networks import build

HERE = Path(__file__).parent
NOTEBOOK = HERE.parent / "notebooks" / "13_beat_the_reports.ipynb"
RESULTS = HERE / "results" / "beat_the_reports.json"
BEST, FAST = "R1.4", ("R1.2", "R4.1")
WIDTHS = (32, 64, 128)
OURS = {
    "ours (a third of an epoch)": (1 / 3, 1),
    "ours (half an epoch)": (1 / 2, 1),
    "ours (1 epoch)": (1, 1),
    "ours (2 epochs)": (1, 2),
}
"""Our trainings: the share of the training images, and how often each is seen."""
MARKS = (0.6, 0.7)
MOST_EPOCHS = 30  # of R4.1, whose report names no number; it is stopped long before
WANTED = 5.0
"""Times faster than the reports' fastest, to the accuracy that R1.4 has at its end."""


def main() -> None:
    args = _arguments()
    splits = {id: ledger.system(id).settings["split"] for id in (BEST, *FAST)}
    data = {s: cifarlib.load("cifar10", split=s, mirror=args.mirror) for s in splits.values()}
    started = time.perf_counter()
    own = data[splits[BEST]]
    train = recipe(own)
    prepared = time.perf_counter() - started
    rounds = []
    for seed in range(args.rounds):
        ways = [lambda s, name=name: _ours(name, train, prepared, own, s) for name in OURS]
        ways += [lambda s, id=id: _report(id, data[splits[id]], s) for id in (BEST, *FAST)]
        taken = {}
        for way in ways if seed % 2 == 0 else reversed(ways):
            name, points = way(seed)
            taken[name] = points
            last = points[-1]
            print(f"{name}: {last[1]:.4f} after {last[0]:.0f} s", flush=True)
        rounds.append(_compared(taken))
    content = {
        "rounds": rounds,
        "wanted": WANTED,
        "data": data[splits[BEST]].as_dict(),
        "environment": environment(),
    }
    write_atomic(args.out, json.dumps(content, indent=1) + "\n")
    print(json.dumps(rounds, indent=1), f"written: {args.out}", sep="\n")


def _compared(taken: dict[str, list]) -> dict:
    """Return the time to R1.4's last accuracy and to each mark, the reports' and ours."""
    marks = {"whole": taken[BEST][-1][1]} | {f"{mark:.0%}": mark for mark in MARKS}
    found: dict = {"curves": taken}
    for name, mark in marks.items():
        reports = {id: _seconds_to(mark, taken[id]) for id in (BEST, *FAST)}
        own = {n: _seconds_to(mark, points) for n, points in taken.items() if n not in reports}
        found[name] = {"accuracy": mark, "reports": _fastest(reports), "ours": _fastest(own)}
    return found


def _seconds_to(accuracy: float, points: list) -> float | None:
    return next((seconds for seconds, reached in points if reached >= accuracy), None)


def _fastest(seconds: dict[str, float | None]) -> list | None:
    """Return name and seconds of the fastest that got there."""
    there = [(s, name) for name, s in seconds.items() if s is not None]
    return [min(there)[1], min(there)[0]] if there else None


def recipe(data: cifarlib.Dataset) -> Callable:
    """Return the function `train` of notebook 13, made by its cells with the tag `recipe`."""
    names = {
        "data": data,
        "profile": cifarlib.profile("quick"),
        "keras": keras,
        "cifarlib": cifarlib,
    }
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if "recipe" in cell["metadata"].get("tags", []):
            exec("".join(cell["source"]), names)
    return names["train"]


def _report(id: str, data: cifarlib.Dataset, seed: int) -> tuple[str, list]:
    """Train as in the report's listing; return seconds and test accuracy after each epoch."""
    settings = ledger.system(id).settings
    cifarlib.set_seed(seed)
    model = build(id)
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer(settings), loss, metrics=["accuracy"])
    watch = Watch(data, stop_at=None if id == BEST else MARKS[0])
    model.fit(
        data.x_train,
        data.y_train,
        epochs=settings.get("epochs", MOST_EPOCHS),
        batch_size=settings.get("batch_size", 32),
        validation_data=(data.x_val, data.y_val),
        callbacks=[watch],
        verbose=0,
    )
    return id, watch.points


def _ours(
    name: str, train: Callable, prepared: float, data: cifarlib.Dataset, seed: int
) -> tuple[str, list]:
    """Train our network; return seconds, those of the preparation included, and test accuracy."""
    part, epochs = OURS[name]
    n_train = round(part * len(data.x_train))
    seen = replace(data, x_train=data.x_train[:n_train], y_train=data.y_train[:n_train])
    started = time.perf_counter()
    model, _ = train(seen, WIDTHS, epochs, seed)
    seconds = round(prepared + time.perf_counter() - started, 2)
    return name, [[seconds, _accuracy(model, data)]]


class Watch(keras.callbacks.Callback):
    """Notes seconds and test accuracy after each epoch, the seconds of the test images left out."""

    def __init__(self, data: cifarlib.Dataset, stop_at: float | None) -> None:
        super().__init__()
        self.points: list = []
        self._data, self._stop_at, self._aside = data, stop_at, 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        now = time.perf_counter()
        accuracy = _accuracy(self.model, self._data)
        self.points.append([round(now - self._started - self._aside, 2), accuracy])
        self._aside += time.perf_counter() - now
        if self._stop_at is not None and accuracy >= self._stop_at:
            self.model.stop_training = True


def _accuracy(model: keras.Model, data: cifarlib.Dataset) -> float:
    return cifarlib.evaluate(model, data.x_test, data.y_test).accuracy


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mirror", help="default: CIFARLIB_MIRROR")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
