"""Figures of several seeds as a line with a band: over the epochs, or over a size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.ticker
import numpy as np

from cifarlib.errors import CourseError
from cifarlib.plots import figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cifarlib.training import Run

LABELS = {
    "accuracy": "accuracy in training",
    "val_accuracy": "accuracy on validation images",
    "categorical_accuracy": "accuracy in training",
    "val_categorical_accuracy": "accuracy on validation images",
    "loss": "loss in training (nats)",
    "val_loss": "loss on validation images (nats)",
}


def over_epochs(groups: Mapping[str, Sequence[Run]], *metrics: str) -> Figure:
    """Draw metrics over the epochs, each in its own axes: mean of the seeds, and their range.

    Args:
        groups: what was trained, and the records of its seeds, all of the same length.
        metrics: names in a run's history, such as "val_accuracy" and "val_loss".

    Raises:
        CourseError: runs of one group have different lengths, or lack a metric.
    """
    figure, axes = figures.canvas(len(metrics), width=8.4, height=3.8)
    ends = []
    for axis, metric in zip(axes[0], metrics, strict=True):
        for (name, runs), style in zip(groups.items(), _styles(), strict=False):
            if len({run.epochs for run in runs}) != 1 or any(metric not in r.history for r in runs):
                raise CourseError(
                    f'The runs of "{name}" cannot be averaged: they need "{metric}" and as many '
                    f"epochs each; they have {', '.join(str(run.epochs) for run in runs)} epochs."
                )
            values = np.array([run.history[metric] for run in runs])
            _band(axis, np.arange(1, values.shape[1] + 1), list(values.T), name, style)
            ends.append(f"{name}: {LABELS.get(metric, metric)} {values[:, -1].mean():.2f}")
        axis.set(xlabel="epoch", ylabel=LABELS.get(metric, metric))
        axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    axes[0, 0].legend(fontsize=8)
    return figures.describe(
        figure,
        "Mean over the seeds and their range, by epoch. At the end, " + "; ".join(ends) + ".",
    )


def over_size(
    groups: Mapping[str, Mapping[int, Sequence[float]]],
    *,
    xlabel: str = "training images",
    ylabel: str = "test accuracy (fraction)",
) -> Figure:
    """Draw a figure against a size on a logarithmic axis: mean of the seeds, and their range.

    Args:
        groups: what was trained, then for each size one number per seed.
    """
    figure, axes = figures.canvas(width=6.4, height=3.8)
    axis, parts = axes[0, 0], []
    for (name, by_size), style in zip(groups.items(), _styles(), strict=False):
        sizes = sorted(by_size)
        _band(axis, sizes, [by_size[n] for n in sizes], name, style)
        parts.append(
            f"{name}: " + ", ".join(f"{np.mean(by_size[n]):.3f} with {n:,}" for n in sizes)
        )
    every = sorted({n for by_size in groups.values() for n in by_size})
    axis.set_xscale("log")
    axis.set_xticks(every, [f"{n:,}" for n in every])
    axis.minorticks_off()
    axis.set(xlabel=f"{xlabel} (logarithmic)", ylabel=ylabel)
    axis.legend(fontsize=9)
    return figures.describe(figure, f"{ylabel} by {xlabel}. " + "; ".join(parts) + ".")


def _styles() -> list[tuple[str, str]]:
    """Return colour and line, so that neither is needed to tell lines apart."""
    lines = ["-", "--", "-.", ":", "-", "--", "-."]
    return list(zip(figures.COLOURS, lines, strict=True))


def _band(
    axis: Axes, x: Sequence[float], values: Sequence[Sequence[float]], name: str, style: tuple
) -> None:
    colour, line = style
    marker = "o" if len(x) < 12 else None
    axis.plot(x, [np.mean(v) for v in values], line, color=colour, label=name, marker=marker, ms=4)
    low, high = [min(v) for v in values], [max(v) for v in values]
    axis.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    if marker:
        axis.vlines(x, low, high, color=colour, alpha=0.5)
