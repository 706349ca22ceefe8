import numpy as np
import pytest
from matplotlib.figure import Figure

from cifarlib import plots
from cifarlib.plots.figures import mimebundle
from cifarlib.training import Run

RUN = Run(
    {
        "accuracy": [0.5, 0.6],
        "val_accuracy": [0.4, 0.5],
        "loss": [1.5, 1.2],
        "val_loss": [1.6, 1.4],
    },
    [1.0, 1.0],
    16,
    100,
)


def figures():
    grey = np.zeros((3, 8, 8, 1), "uint8")
    yield plots.image_grid(grey, ["a", "b", "c"], columns=2)
    yield plots.image_grid(np.zeros((2, 8, 8, 3), "uint8"), ["a", "b"])
    yield plots.learning_curves({"first": RUN, "second": RUN}, title="Both")
    yield plots.confusion(np.array([[5, 1], [3, 4]]), ["cat", "dog"])
    yield plots.seeds({"slice": [0.5, 0.6], "all": [0.7]}, claims={"slice": 0.565})


@pytest.mark.parametrize("figure", list(figures()))
def test_every_figure_shows_itself_with_alternative_text(figure):
    bundle, metadata = mimebundle(figure)
    assert bundle["image/png"].startswith(b"\x89PNG")
    text = metadata["image/png"]["alt"]
    assert bundle["text/plain"] == text
    assert len(text) > 10
    assert "without a description" not in text


def test_alternative_text_says_what_the_picture_says():
    assert (
        "3 of class dog taken for cat"
        in plots.confusion(np.array([[5, 1], [3, 4]]), ["cat", "dog"]).get_gid()
    )
    assert "validation accuracy 0.50 after 2 epochs" in plots.learning_curves({"x": RUN}).get_gid()
    assert "slice: mean 0.550 over 2 seeds" in plots.seeds({"slice": [0.5, 0.6]}).get_gid()


def test_axes_are_labelled():
    for figure in figures():
        drawn = [a for a in figure.axes if a.axison and a.get_label() != "<colorbar>"]
        assert all(a.get_xlabel() for a in drawn)


def test_a_figure_in_a_kernel_carries_its_text():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.display_formatter.mimebundle_formatter.for_type(Figure, mimebundle)
    figure, _ = plots.canvas()
    data, metadata = shell.display_formatter.format(plots.describe(figure, "An empty frame."))
    assert metadata["image/png"]["alt"] == "An empty frame."
    assert len(data["image/png"]) > 100
