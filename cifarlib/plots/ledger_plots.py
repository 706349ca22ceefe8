"""The ledger as pictures: claims beside measurements, and what accuracy costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from cifarlib import ledger
from cifarlib.ledger.comparison import interval, number
from cifarlib.ledger.costs import Cost, cost
from cifarlib.ledger.reproduction_status import headline, runs
from cifarlib.plots import figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cifarlib.ledger.bands import Band

CLAIMED, MEASURED = figures.COLOURS[1], figures.COLOURS[0]
KINDS = {None: ("o", "from scratch"), True: ("s", "base frozen"), False: ("^", "base trained too")}
HATCHES = ["", "///", "...", "xx", "\\\\\\"]
SLOTS = [(side, up) for up in (2, -9, 13, -20, 24, -31) for side in (7, -7)]
"""Where a name may stand, in points from its mark, the best first."""


def claims(report: str) -> Figure:
    """Draw every accuracy of one report: what is claimed, and what runs here gave.

    Args:
        report: such as "R0". Its systems without any accuracy are left out.
    """
    rows = {id: found for id in _of(report) if (found := headline(id))}
    figure, axes = figures.canvas(height=1.3 + 0.42 * max(len(rows), 1))
    axis, parts = axes[0, 0], []
    for place, (id, (metric, claimed, band)) in enumerate(rows.items()):
        said = []
        if band:
            _interval(axis, place, band)
            said.append(f"{runs(band)} gave {interval(band.values, 'fraction')}")
        if claimed is not None:
            axis.plot(claimed, place - 0.22, "X", color=CLAIMED, ms=8, zorder=3)
            said.insert(0, f"{number(claimed, 'fraction')} claimed")
        short = None if band else ledger.band(id, metric, "short")
        if short:
            places = [place + 0.12] * len(short.values)
            axis.plot(short.values, places, "D", color="#555555", mfc="none", ms=5)
            said.append(f"shortened {interval(short.values, 'fraction')}")
        parts.append(f"{id}: {', '.join(said)}{'' if band else ', not measured'}")
    axis.plot([], [], "X", ls="", color=CLAIMED, ms=9, label="claimed")
    axis.plot([], [], "o", ls="", color=MEASURED, ms=6, label="measured, one dot a run")
    axis.plot([], [], "-", color=MEASURED, lw=2, label="where one more run would fall (95 %)")
    axis.plot([], [], "D", ls="", color="#555555", mfc="none", ms=5, label="only shortened")
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    labels = [f"{id}  {_short(metric)}" for id, (metric, _, _) in rows.items()]
    axis.set_yticks(range(len(rows)), labels)
    axis.set(xlim=(0, 1.02), ylim=(len(rows) - 0.4, -0.6), xlabel="accuracy (fraction)")
    axis.set_title(f"Report {report}", loc="left")
    return figures.describe(figure, f"Accuracies of report {report}. " + "; ".join(parts) + ".")


def accuracy_against(what: str, ids: Iterable[str] | None = None) -> Figure:
    """Draw accuracy against "parameters" or "minutes" of training, claimed and measured.

    A line joins claim and measurement of one system. The shape of the marks says what became of
    a pretrained base.

    Args:
        ids: the systems to draw; default every training.
    """
    figure, axes = figures.canvas(height=5.2)
    axis, parts, marks = axes[0, 0], [], []
    for id in ids or [s.id for s in ledger.systems().values() if s.kind == "training"]:
        points = _points(cost(id), what)
        shape = KINDS[cost(id).frozen][0]
        for colour, (x, y) in points.items():
            face = colour if colour == MEASURED else "none"
            axis.plot(x, y, shape, color=colour, mfc=face, ms=7, alpha=0.85)
        if points:
            x, y = zip(*points.values(), strict=True)
            axis.plot(x, y, "-", color="#999999", lw=0.8, zorder=0)
            marks.append((id, list(points.values())))
            parts.append(f"{id} {_said(points)}")
    _legend(axis)
    label = {"parameters": "parameters of the whole network", "minutes": "minutes of training"}
    axis.set(xscale="log", ylim=(0, 1.03), xlabel=f"{label[what]} (logarithmic)")
    axis.margins(x=0.09)
    axis.set_ylabel("accuracy (fraction)")
    _label(figure, axis, marks)
    return figures.describe(figure, f"Accuracy against {label[what]}: " + "; ".join(parts) + ".")


def stacked(groups: Mapping[str, Mapping[str, int]], *, label: str) -> Figure:
    """Draw counts as horizontal bars in parts that differ in colour and hatching.

    Args:
        groups: what each bar is called, and the size of each of its parts by name.
        label: of the axis.
    """
    parts = list(dict.fromkeys(part for group in groups.values() for part in group))
    figure, axes = figures.canvas(height=1.3 + 0.42 * max(len(groups), 1))
    axis, start = axes[0, 0], np.zeros(len(groups))
    for part, colour, hatch in zip(parts, figures.COLOURS, HATCHES, strict=False):
        sizes = np.array([group.get(part, 0) for group in groups.values()])
        style = {"color": colour, "hatch": hatch, "edgecolor": "white", "label": part}
        axis.barh(range(len(groups)), sizes, left=start, **style)
        start += sizes
    axis.set_yticks(range(len(groups)), [fill(name, 34) for name in groups])
    axis.tick_params(axis="y", labelsize=9)
    axis.invert_yaxis()
    axis.set(xlabel=label)
    axis.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside lower center", ncols=len(parts), fontsize=8)
    said = [
        f"{name}: " + ", ".join(f"{size} {part}" for part, size in group.items() if size)
        for name, group in groups.items()
    ]
    return figures.describe(figure, f"Bars of {label}. " + "; ".join(said) + ".")


def _of(report: str) -> list[str]:
    return [id for id in ledger.systems() if id.split(".")[0] == report]


def _interval(axis: Axes, place: int, band: Band) -> None:
    low, high = np.clip(band.interval, 0, 1)
    if len(band.values) > 1:
        axis.plot([low, high], [place + 0.12] * 2, color=MEASURED, lw=2, marker="|", ms=9)
    axis.plot(band.values, [place + 0.12] * len(band.values), "o", color=MEASURED, ms=5, alpha=0.6)


def _short(metric: str) -> str:
    return {"test_accuracy": "test", "val_accuracy": "validation"}[metric]


def _points(costs: Cost, what: str) -> dict[str, tuple[float, float]]:
    """Return place across and accuracy by colour: claimed, measured."""
    found, (_, claimed, band) = {}, headline(costs.id) or (None, None, None)
    seconds = {CLAIMED: costs.claimed_seconds, MEASURED: costs.time and costs.time.seconds}
    for colour, value in ((CLAIMED, claimed), (MEASURED, band and band.mean)):
        x = costs.parameters if what == "parameters" else seconds[colour] and seconds[colour] / 60
        if x and value is not None:
            found[colour] = (x, value)
    return found


def _said(points: dict[str, tuple[float, float]]) -> str:
    words = {CLAIMED: "claimed", MEASURED: "measured"}
    return " and ".join(f"{words[c]} {y:.2f} at {x:,.3g}" for c, (x, y) in points.items())


def _legend(axis: Axes) -> None:
    for shape, name in KINDS.values():
        axis.plot([], [], shape, ls="", color="#555555", mfc="none", label=name)
    axis.plot([], [], "o", ls="", color=CLAIMED, mfc="none", label="claimed (hollow)")
    axis.plot([], [], "o", ls="", color=MEASURED, label="measured, mean (filled)")
    axis.figure.legend(loc="outside lower center", ncols=5, fontsize=8)


def _label(figure: Figure, axis: Axes, marks: list[tuple[str, list]]) -> None:
    """Write each name beside its first mark, in the first slot that covers nothing."""
    figure.draw_without_rendering()

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x, y = axis.transData.transform(point) * 72 / figure.dpi
        return float(x), float(y)

    every = [place(point) for _, points in marks for point in points]
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in every]
    for name, points in sorted(marks, key=lambda mark: mark[1]):
        x, y = place(points[0])
        boxes = [_box(x + right, y + up, name, right > 0) for right, up in SLOTS]
        slot = next((i for i, box in enumerate(boxes) if not _covers(box, taken)), 0)
        taken.append(boxes[slot])
        side = "left" if SLOTS[slot][0] > 0 else "right"
        where = {"xytext": SLOTS[slot], "textcoords": "offset points", "ha": side}
        if abs(SLOTS[slot][1]) > 9:
            where["arrowprops"] = {"arrowstyle": "-", "lw": 0.6, "color": "#777777"}
        axis.annotate(name, points[0], fontsize=8, **where)


def _box(x: float, y: float, name: str, rightwards: bool) -> tuple[float, float, float, float]:
    width, left = 5 * len(name), x if rightwards else x - 5 * len(name)
    return left, y - 2, left + width, y + 8


def _covers(box: tuple, taken: list[tuple]) -> bool:
    left, low, right, high = box
    return any(left < r and begin < right and low < t and b < high for begin, b, r, t in taken)
