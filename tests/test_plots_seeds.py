import numpy as np
import pytest

from cifarlib import CourseError
from cifarlib.plots.seed_plots import over_epochs, over_size
from cifarlib.training import Run


def run(*accuracies):
    history = {"val_accuracy": list(accuracies), "val_loss": [1 - a for a in accuracies]}
    return Run(history, [1.0] * len(accuracies), 32, 100)


def test_over_epochs_draws_mean_and_range():
    figure = over_epochs({"a": [run(0.2, 0.4), run(0.4, 0.8)]}, "val_accuracy", "val_loss")
    left, right = figure.axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), [0.3, 0.6])
    np.testing.assert_allclose(left.lines[0].get_xdata(), [1, 2])
    corners = left.collections[0].get_paths()[0].vertices
    assert {tuple(np.round(c, 6)) for c in corners} >= {(1, 0.2), (1, 0.4), (2, 0.4), (2, 0.8)}
    np.testing.assert_allclose(right.lines[0].get_ydata(), [0.7, 0.4])
    assert "a: accuracy on validation images 0.60" in figure.get_gid()
    assert left.get_xlabel() == "epoch"


def test_over_size_sorts_sizes_and_tells_lines_apart_without_colour():
    groups = {"without": {2000: [0.5, 0.6], 500: [0.3]}, "with": {500: [0.4], 2000: [0.7]}}
    figure = over_size(groups)
    (axis,) = figure.axes
    first, second = axis.lines
    assert list(first.get_xdata()) == [500, 2000]
    np.testing.assert_allclose(first.get_ydata(), [0.3, 0.55])
    assert first.get_linestyle() != second.get_linestyle()
    assert [t.get_text() for t in axis.get_xticklabels()] == ["500", "2,000"]
    assert "without: 0.300 with 500, 0.550 with 2,000" in figure.get_gid()


@pytest.mark.parametrize("runs", [[run(0.1), run(0.1, 0.2)], [Run({}, [1.0], 32, 10)]])
def test_runs_that_do_not_fit_are_explained(runs):
    with pytest.raises(CourseError, match='runs of "a" cannot be averaged'):
        over_epochs({"a": runs}, "val_accuracy")
