"""The tasks of exercise 07: feeding a pretrained network, freezing it, and stopping in time."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifarlib import ledger
from cifarlib.checks import compare_models, compare_pixels, toy_backbone
from cifarlib.checks.compare_calls import same_results
from cifarlib.checks.compare_values import number
from cifarlib.checks.tasks import Assignment
from cifarlib.data import synthetic_data

assignment = Assignment("07_vgg16_frozen")

LEAST_ACCURACY = 0.5
"""The reference solution, with seeds 0 to 4, is right on 61 to 66 % of the embedded test images."""


@assignment.task(
    "Predict what is left of a picture",
    points=1,
    hints=(
        "Halve 100 five times. What does pooling do with an odd row that is left over?",
        "100, 50, 25, 12, 6, 3. Now height times width times channels.",
    ),
)
def numbers_left(numbers_left: Any) -> None:
    mistakes = {
        3 * 3: "These are the places. Each is described by 512 numbers.",
        3: "That is the height. Height times width times channels?",
        4 * 4 * 512: "Pooling leaves an odd row out: 25 rows become 12, not 13.",
        512: "That is right for 32 pixels. Here the picture has 100.",
        7 * 7 * 512: "That is right for 224 pixels. Here the picture has 100.",
        6 * 6 * 512: "These are four halvings. VGG16 has five.",
    }
    number("numbers_left", numbers_left, 3 * 3 * 512, mistakes)


def _pictures(seed: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, (2 + seed % 2, 4, 5, 3)).astype(np.uint8)


@assignment.task(
    "Feed it as it was trained",
    points=3,
    hints=(
        "The order of the colours is the last axis. Turn it round, then subtract; which of the "
        "three means belongs to which colour now?",
        '`images[..., ::-1]` has blue first, and so has `MEAN_BGR`. `.astype("float32")` at the '
        "end.",
    ),
)
def prepare(prepare: Any, *, seeds: Any = (0, 1)) -> None:
    cases = [(_pictures(seed),) for seed in seeds]
    slips = compare_pixels.SLIPS
    same_results("prepare", prepare, compare_pixels.prepared, cases, slips, tolerance=1e-4)


Weights = dict[str, list[np.ndarray]]


def _trained(seed: int) -> tuple[Weights, Weights]:
    """Weights before and after: untouched, all changed, bias only, by a hair, two exchanged."""
    random = np.random.RandomState(seed)
    names = [f"layer_{i}" for i in random.permutation(5)]
    before = {n: [random.randn(3, 2).astype("float32"), np.zeros(2, "float32")] for n in names}
    after = {n: [w.copy() for w in arrays] for n, arrays in before.items()}
    after[names[1]] = [w + np.float32(0.5) for w in after[names[1]]]
    after[names[2]][1][1] = 0.25
    after[names[3]][0][0, 0] = np.nextafter(after[names[3]][0][0, 0], np.float32(9))
    after[names[4]][0] = after[names[4]][0][::-1].copy()
    return before, after


def _differs(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return any(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def _changed(before: Weights, after: Weights) -> list[str]:
    return [name for name in before if _differs(before[name], after[name])]


@assignment.task(
    "Do not believe a flag",
    points=3,
    hints=(
        "A layer has several arrays: kernel and bias. It is unchanged only if every number in each "
        "of them is.",
        "`np.array_equal(old, new)` compares two arrays exactly; `zip` and `any` go through those "
        "of a layer.",
    ),
)
def changed_layers(changed_layers: Any, *, seeds: Any = (0, 1, 2)) -> None:
    def close(before: Weights, after: Weights) -> list[str]:
        pairs = {name: zip(before[name], after[name], strict=True) for name in before}
        return [n for n, both in pairs.items() if not all(np.allclose(a, b) for a, b in both)]

    def by_sum(before: Weights, after: Weights) -> list[str]:
        sums = {n: [sum(float(w.sum()) for w in side[n]) for side in (before, after)]
                for n in before}  # fmt: skip
        return [name for name, (a, b) in sums.items() if not np.isclose(a, b, atol=1e-5)]

    mistakes = [
        ("This takes \"nearly the same\" for the same. A weight that has moved by a hair was not "
         "frozen: compare exactly.", close),
        ("This compares the first array of each layer only. The bias may have changed alone.",
         lambda b, a: [name for name in b if _differs(b[name][:1], a[name][:1])]),
        ("This compares sums. Weights that change places leave the sum as it was.", by_sum),
        ("These are the layers that have not changed.",
         lambda b, a: [name for name in b if name not in _changed(b, a)]),
    ]  # fmt: skip
    cases = [_trained(seed) for seed in seeds]
    same_results("changed_layers", changed_layers, _changed, cases, mistakes)


Stage = tuple[str, bool, bool]
CHAINS: tuple[list[Stage], ...] = (
    [("pixels", False, False), ("base", False, False), ("dropout", False, True),
     ("scale", False, False), ("top", True, False)],
    [("flip", False, True), ("pixels", False, False), ("base", False, False),
     ("top", True, False)],
    [("pixels", False, False), ("blocks 1 to 4", False, False), ("block 5", True, False),
     ("flatten", False, False), ("top", True, False)],
)  # fmt: skip


def _once(chain: list[Stage]) -> list[str]:
    found = []
    for name, learns, random in chain:
        if learns or random:
            break
        found.append(name)
    return found


@assignment.task(
    "What can be computed once",
    points=2,
    hints=(
        "Go along the chain. Does this stage give the same for the same picture, in the first "
        "epoch and in the last? What if something before it does not?",
        "Stop at the first stage that learns or does something at random. All before it can be "
        "computed once, and nothing behind it.",
    ),
)
def computed_once(computed_once: Any, *, chains: Any = CHAINS) -> None:
    mistakes = [
        ("A stage behind one that learns or acts at random gets other numbers in each epoch, so "
         "what it makes of them cannot be kept.",
         lambda chain: [name for name, learns, random in chain if not learns and not random]),
        ("This keeps what comes out of a random stage: one variant of each picture, the same in "
         "every epoch. That is no longer the same training.",
         lambda chain: [c[0] for c in chain[: [c[1] for c in chain].index(True)]]),
        ("Being frozen is not enough. Is the stage, and all before it, free of chance?",
         lambda chain: [name for name, learns, _ in chain if not learns]),
        ("These are the stages that must be computed anew.",
         lambda chain: [c[0] for c in chain if c[0] not in _once(chain)]),
    ]  # fmt: skip
    cases = [(list(chain),) for chain in chains]
    same_results("computed_once", computed_once, _once, cases, mistakes)


CURVES = (
    ([1.5, 1.2, 1.3, 1.25, 1.4, 1.0], 3),
    ([2.0, 1.8, 1.8, 1.7, 1.9, 1.8, 1.75, 1.6], 2),
    ([1.0, 0.9, 0.8], 1),
    ([0.7, 0.8, 0.6, 0.9], 2),
)


def _stopped(losses: list[float], patience: int, *, late: int = 0) -> tuple[int, int]:
    best, best_epoch, epoch = float("inf"), 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience + late:
            break
    return epoch, best_epoch


def _stopped_by_neighbour(losses: list[float], patience: int) -> tuple[int, int]:
    waited = 0
    for epoch in range(2, len(losses) + 1):
        waited = waited + 1 if losses[epoch - 1] >= losses[epoch - 2] else 0
        if waited >= patience:
            return epoch, int(np.argmin(losses[:epoch])) + 1
    return len(losses), int(np.argmin(losses)) + 1


@assignment.task(
    "Stop in time",
    points=3,
    hints=(
        "Remember the best loss so far, and in which epoch it was. How many epochs ago is that?",
        "Stop as soon as `epoch - best_epoch` has reached the patience. A loss that only equals "
        "the best one is no improvement.",
    ),
)
def stopping(stopping: Any, *, cases: Any = CURVES) -> None:
    def as_tuple(losses: list[float], patience: int) -> Any:
        found = stopping(losses, patience)
        return tuple(found) if type(found) is list else found

    mistakes = [
        ("This waits one epoch too long: with patience 3 the third bad epoch is the last.",
         lambda x, p: _stopped(x, p, late=1)),
        ("Compare with the best loss so far, not with the epoch before.", _stopped_by_neighbour),
        ("Epochs are counted from 1.", lambda x, p: tuple(n - 1 for n in _stopped(x, p))),
        ("The weights to go back to are those of the best epoch, not of the last.",
         lambda x, p: (_stopped(x, p)[0],) * 2),
        ("Who stops cannot know what would have come later: look at the losses one by one.",
         lambda x, p: (_stopped(x, p)[0], int(np.argmin(x)) + 1)),
        ("The two are in the wrong order: first when it stops.",
         lambda x, p: _stopped(x, p)[::-1]),
    ]  # fmt: skip
    given = as_tuple if callable(stopping) else stopping
    same_results("stopping", given, _stopped, cases, mistakes)


WAYS = {
    "nothing": "report",
    "pixels": "right-pixels",
    "normalized": "normalized",
    "both": "right-pixels-normalized",
}  # repairs, and the variants of R0.9 in the ledger; the notebook has them too
TABLES = (
    {"nothing": 0.5, "pixels": 0.52, "normalized": 0.49, "both": 0.58},
    {"nothing": 0.3, "pixels": 0.4, "normalized": 0.45, "both": 0.5},
)


def recorded() -> dict[str, float]:
    """Return the mean recorded test accuracy of R0.9 after each repair, over seeds 0 to 2."""
    found: dict[str, list[float]] = {}
    for row in ledger.results("R0.9"):
        if row["profile"] == "quick" and row["seed"] in range(3):
            found.setdefault(row["variant"], []).append(row["metrics"]["test_accuracy"])
    return {way: float(np.mean(found[variant])) for way, variant in WAYS.items()}


def _effects(table: dict[str, float]) -> dict[str, float]:
    gains = {way: 100 * (table[way] - table["nothing"]) for way in ("pixels", "normalized", "both")}
    return gains | {"more than the sum": gains["both"] - gains["pixels"] - gains["normalized"]}


@assignment.task(
    "Two faults that hide each other",
    points=3,
    hints=(
        "Three gains first, each against the network in which nothing was repaired.",
        "What would both repairs give if each kept its own gain? The last figure is how far the "
        "gain of both lies above that.",
    ),
)
def effects(effects: Any, *, tables: Any = TABLES) -> None:
    mistakes = [
        ("These are fractions. A point is one hundredth.",
         lambda t: {k: v / 100 for k, v in _effects(t).items()}),
        ("\"more than the sum\" leaves out one of the two single gains.",
         lambda t: _effects(t) | {"more than the sum": 100 * (t["both"] - t["pixels"])}),
        ("\"more than the sum\" has its sign turned round: positive where both together give more.",
         lambda t: _effects(t) | {"more than the sum": -_effects(t)["more than the sum"]}),
        ("All gains are against the network in which nothing was repaired, that of both too.",
         lambda t: _effects(t) | {"both": 100 * (t["both"] - t["normalized"])}),
    ]  # fmt: skip
    cases = [(recorded(),), *((dict(table),) for table in tables)]
    same_results("effects", effects, _effects, cases, mistakes)


@assignment.task(
    "Borrow a network",
    points=5,
    hints=(
        "Freeze the base before you compile. What does it have to be fed with, and what does a top "
        "need that reads large features?",
        "`keras.Sequential([keras.Input((32, 32, 3)), backbones.CaffeColors(), base, "
        "layers.Flatten(), layers.BatchNormalization(), layers.Dense(32, ...), ...])` with "
        "`base.trainable = False`. Six epochs are enough.",
    ),
)
def frozen_network(frozen_network: Any, frozen_accuracy: Any, *, drawn_with: Any = None) -> None:
    name = "frozen_network"
    model = compare_models.model(name, frozen_network, (32, 32, 3), classes=10)
    toy_backbone.unchanged(name, model, list(toy_backbone.blocks(name, model)))
    x_train, y_train, x_test, y_test = synthetic_data.shapes()
    compare_pixels.fed_right(name, model, "block1_conv", x_test[:8])
    measured = compare_models.accuracy(name, model, x_test, y_test, at_least=LEAST_ACCURACY)
    seen = compare_models.accuracy(name, model, x_train, y_train, at_least=0)
    others = {"its accuracy on training images": seen}
    compare_models.stated("frozen_accuracy", frozen_accuracy, measured, others)
    if drawn_with is not None:
        images, labels = synthetic_data.more_shapes(500, drawn_with)
        compare_models.accuracy(name, model, images, labels, at_least=LEAST_ACCURACY - 0.05)


assignment.add_written("almost_the_same", "Almost the same result", points=3)
