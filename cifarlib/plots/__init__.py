"""Plots: figures, tables and interactive views, labelled and with alternative text.

In: trainings, evaluations, seeds, the ledger. Out: a Matplotlib figure or a `Table`.
Read first: `figures` (colours, canvas, the commonest figures).

| module | holds |
|---|---|
| `figures` | `canvas`, `describe`, learning curves, confusion, calibration, one dot a seed |
| `seed_plots` | several seeds as a line with a band: over epochs, over a size |
| `ledger_plots` | all claims against all measurements |
| `browser` | `image_browser`: a test set by what a model says of it |

Importing this room loads Matplotlib. `Table` itself lies in `cifarlib._support.tables`, which
every room may use.
"""

from cifarlib._support.tables import Table
from cifarlib.plots.figures import (
    COLOURS,
    calibration,
    canvas,
    confusion,
    describe,
    image_grid,
    learning_curves,
    seeds,
)
from cifarlib.plots.seed_plots import over_epochs, over_size

__all__ = [
    "COLOURS",
    "Table",
    "calibration",
    "canvas",
    "confusion",
    "describe",
    "image_grid",
    "learning_curves",
    "over_epochs",
    "over_size",
    "seeds",
]
