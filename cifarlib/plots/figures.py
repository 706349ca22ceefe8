"""The figures of the course: labelled, readable by colour-blind people, with alternative text.

Every function returns a Matplotlib figure that shows itself when it is the last line of a
cell. Its alternative text travels with the picture into the notebook and the web page.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib
import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from cifarlib.evaluation import Evaluation
    from cifarlib.training import Run

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
"""The Okabe-Ito palette, which people with the common kinds of colour blindness tell apart."""

matplotlib.rcParams.update(
    {
        "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
        "font.size": 11,
        "figure.facecolor": "white",
    }
)


def describe(figure: Figure, text: str) -> Figure:
    """Give a figure its alternative text: what a person who cannot see it needs to know."""
    figure.set_gid(text)
    return figure


def canvas(
    columns: int = 1, *, rows: int = 1, width: float = 8.0, height: float = 3.4
) -> tuple[Figure, np.ndarray]:
    """Return an empty figure and its axes, shape (rows, columns); sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def image_grid(
    images: np.ndarray,
    titles: Sequence[str],
    *,
    columns: int = 6,
    alt: str = "",
) -> Figure:
    """Show images, shape (n, height, width, channels), in rows, each with a title."""
    rows = -(-len(images) // columns)
    figure, axes = canvas(columns, rows=rows, width=1.45 * columns, height=1.75 * rows)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        grey = image.shape[-1] == 1
        axis.imshow(image[..., 0] if grey else image, cmap="gray" if grey else None)
        axis.set_title(title, fontsize=9)
    return describe(figure, alt or f"{len(images)} images: " + ", ".join(titles) + ".")


def learning_curves(runs: Mapping[str, Run], *, title: str = "") -> Figure:
    """Draw accuracy and loss over the epochs: training dashed, validation solid.

    Args:
        runs: what each training is called, and its record.
    """
    figure, axes = canvas(2, height=3.6)
    for axis, metric in zip(axes[0], ("accuracy", "loss"), strict=True):
        for (name, run), colour in zip(runs.items(), COLOURS * len(runs), strict=False):
            epochs = range(1, run.epochs + 1)
            axis.plot(epochs, run.history[metric], "--", color=colour, label=f"{name}, training")
            axis.plot(
                epochs,
                run.history[f"val_{metric}"],
                "-o",
                ms=4,
                color=colour,
                label=f"{name}, validation",
            )
        axis.set(xlabel="epoch", ylabel=metric if metric == "accuracy" else "loss (nats)")
        axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    axes[0, 0].legend(fontsize=8)
    figure.suptitle(title)
    ends = "; ".join(
        f"{name}: training accuracy {run.last('accuracy'):.2f}, "
        f"validation accuracy {run.last('val_accuracy'):.2f} after {run.epochs} epochs"
        for name, run in runs.items()
    )
    return describe(figure, f"Learning curves, accuracy on the left and loss on the right. {ends}.")


def confusion(
    counts: np.ndarray,
    class_names: Sequence[str],
    ax: Axes | None = None,
    *,
    shares: bool = False,
) -> Figure:
    """Draw a confusion matrix, shape (c, c): rows are true classes, columns predictions.

    Args:
        shares: write each cell as a per cent share of its row instead of a count.
    """
    if ax is None:
        size = 1.8 + 0.55 * len(class_names)
        _, axes = canvas(width=size + 0.9, height=size)
        ax = axes[0, 0]
    import seaborn

    of_row = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    seaborn.heatmap(
        of_row,
        annot=of_row if shares else counts,
        fmt=".0%" if shares else ",d",
        cmap="Blues",
        vmin=0,
        vmax=1,
        xticklabels=class_names,
        yticklabels=class_names,
        cbar_kws={"label": "share of the true class"},
        annot_kws={"fontsize": 8},
        ax=ax,
    )
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.grid(False)
    shown = of_row if shares else counts
    off = shown - np.diag(np.diag(shown))
    row, column = np.unravel_index(off.argmax(), off.shape)
    worst = f"{off[row, column]:.0%}" if shares else f"{off[row, column]:,}"
    return describe(
        ax.figure,
        f"Confusion matrix of {counts.sum():,} images. The commonest mistake: "
        f"{worst} of class {class_names[row]} taken for {class_names[column]}.",
    )


def calibration(evaluations: Mapping[str, Evaluation], *, bins: int = 10) -> Figure:
    """Draw how often a model is right against how sure it says it is, and how often it is so sure.

    Args:
        evaluations: what each model is called, and its predictions.
        bins: equal steps of confidence, within each of which the images are averaged.
    """
    from sklearn.calibration import calibration_curve

    figure, axes = canvas(2, height=3.9)
    left, right = axes[0]
    left.plot([0, 1], [0, 1], "--", color="#777777", label="perfectly calibrated")
    for (name, e), colour in zip(evaluations.items(), COLOURS, strict=False):
        hit = e.predicted == e.labels
        share, said = calibration_curve(hit, e.confidence, n_bins=bins)
        left.plot(said, share, "-o", ms=5, color=colour, label=name)
        each = np.full(len(hit), 1 / len(hit))
        steps = np.linspace(0, 1, bins + 1)
        right.hist(e.confidence, steps, weights=each, histtype="step", lw=2, color=colour)
    left.set(xlabel="confidence (mean of the bin)", ylabel="share that is right", ylim=(0, 1.02))
    right.set(xlabel="confidence", ylabel="share of all images", xlim=(-0.02, 1.02))
    left.legend(fontsize=8, loc="upper left")
    parts = [
        f"{name}: mean confidence {e.confidence.mean():.2f}, accuracy {e.accuracy:.2f}, "
        f"expected calibration error {e.calibration_error():.2f}"
        for name, e in evaluations.items()
    ]
    return describe(
        figure,
        "Calibration curve on the left, how often each confidence occurs on the right. "
        + "; ".join(parts)
        + ".",
    )


def seeds(
    groups: Mapping[str, Sequence[float]],
    *,
    claims: Mapping[str, float] | None = None,
    label: str = "test accuracy",
    ax: Axes | None = None,
) -> Figure:
    """Draw one dot per seed for each group, the mean as a bar, and a report's claim as a cross.

    Args:
        groups: what was trained, and the figure of each seed, fractions between 0 and 1.
        claims: the claimed figure of some of the groups.
    """
    if ax is None:
        _, axes = canvas(height=0.9 + 0.55 * len(groups))
        ax = axes[0, 0]
    for row, values in enumerate(groups.values()):
        ax.plot(values, [row] * len(values), "o", color=COLOURS[0], alpha=0.6)
        ax.plot([np.mean(values)] * 2, [row - 0.25, row + 0.25], color=COLOURS[0], lw=2)
    for name, value in (claims or {}).items():
        ax.plot(value, list(groups).index(name), "X", color=COLOURS[1], ms=10)
    ax.plot([], [], "o", color=COLOURS[0], label="one seed (bar: mean)")
    if claims:
        ax.plot([], [], "X", color=COLOURS[1], ms=10, ls="", label="claimed in the report")
    ax.set(xlabel=f"{label} (fraction)", ylim=(len(groups) - 0.5, -0.5))
    ax.set_yticks(range(len(groups)), list(groups))
    ax.legend(fontsize=8, loc="best")
    parts = [f"{name}: mean {np.mean(v):.3f} over {len(v)} seeds" for name, v in groups.items()]
    parts += [f"claimed for {name}: {value:.3f}" for name, value in (claims or {}).items()]
    return describe(ax.figure, f"Dots of {label} by seed. " + "; ".join(parts) + ".")


def mimebundle(figure: Figure, include: object = None, exclude: object = None) -> tuple[dict, dict]:
    """Return how a figure shows itself in a notebook: a picture with its alternative text."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    text = figure.get_gid() or "Figure without a description."
    data = {"image/png": buffer.getvalue(), "text/plain": text}
    return data, {"image/png": {"alt": text}}


def _register() -> None:
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.display_formatter.mimebundle_formatter.for_type(Figure, mimebundle)


_register()
