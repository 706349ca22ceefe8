"""Look through the images of a test set by what a model says of them.

    image_browser(data.x_test, result, data.class_names)

The picture is an ordinary output of the cell, so it stays where nobody can move a slider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cifarlib._support import interactive
from cifarlib.errors import CourseError
from cifarlib.plots import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cifarlib.evaluation import Evaluation

PER_PAGE, COLUMNS = 18, 6
RIGHT, WRONG = "right", "wrong"
ORDERS = ("least sure first", "surest first", "as stored")


def select(
    evaluation: Evaluation,
    *,
    true: int | None = None,
    predicted: int | str | None = None,
    confidence: tuple[float, float] = (0.0, 1.0),
    order: str = ORDERS[0],
) -> np.ndarray:
    """Return the indices of the images that fit, shape (n,).

    Args:
        true: the true class; None for any.
        predicted: the predicted class, "right", "wrong", or None for any.
        confidence: least and greatest probability of the predicted class, ends included.
        order: one of `ORDERS`.
    """
    low, high = confidence
    # A slider's 1.00 must not lose an image because of the last bit of a sum of probabilities.
    fits = (evaluation.confidence >= low - 1e-9) & (evaluation.confidence <= high + 1e-9)
    if true is not None:
        fits &= evaluation.labels == true
    if predicted in (RIGHT, WRONG):
        fits &= (evaluation.predicted == evaluation.labels) == (predicted == RIGHT)
    elif predicted is not None:
        fits &= evaluation.predicted == predicted
    chosen = np.flatnonzero(fits)
    if order == ORDERS[2]:
        return chosen
    sign = 1 if order == ORDERS[0] else -1
    return chosen[np.argsort(sign * evaluation.confidence[chosen], kind="stable")]


def page_figure(
    images: np.ndarray,
    evaluation: Evaluation,
    class_names: Sequence[str],
    chosen: np.ndarray,
    page: int = 1,
) -> Figure:
    """Draw one page of the chosen images: what each is, what the model says, how sure it is.

    Args:
        images: uint8, shape (n, height, width, channels).
        chosen: indices into `images`, as from `select`.
        page: counts from 1; a page holds `PER_PAGE` images.
    """
    shown = chosen[(page - 1) * PER_PAGE : page * PER_PAGE]
    heading = f"{len(chosen):,} of {len(images):,} images, page {page} of {_pages(chosen):,}"
    if not len(shown):
        figure, axes = figures.canvas(height=1.2)
        axes[0, 0].axis("off")
        axes[0, 0].text(0.5, 0.5, "No image fits. Widen a filter.", ha="center", va="center")
        return figures.describe(figure, "No image fits these filters.")
    says = evaluation.predicted
    titles = [
        f"is {class_names[evaluation.labels[i]]}\n"
        f"says {class_names[says[i]]}\nconfidence {evaluation.confidence[i]:.2f}"
        for i in shown
    ]
    alt = f"{heading}: " + "; ".join(title.replace("\n", ", ") for title in titles) + "."
    figure = figures.image_grid(images[shown], titles, columns=COLUMNS, alt=alt)
    for axis, i in zip(figure.axes, shown, strict=False):
        if says[i] != evaluation.labels[i]:
            axis.title.set_color(figures.COLOURS[1])
    figure.suptitle(heading, fontsize=10)
    return figure


def image_browser(images: np.ndarray, evaluation: Evaluation, class_names: Sequence[str]) -> None:
    """Show images with menus for true class, predicted class, confidence and order.

    The images appear as a picture, which the menus redraw. In a headless run
    (CIFARLIB_QUIET=1), outside a notebook, or without ipywidgets, only the first view is shown:
    the images of which the model is least sure.

    Args:
        images: uint8, shape (n, height, width, channels).
        evaluation: the model's predictions for these images.
        class_names: one name for each class, in the order of the labels.

    Raises:
        CourseError: the three arguments do not belong together.
    """
    _must_fit(images, evaluation, class_names)
    from IPython.display import display

    first = page_figure(images, evaluation, class_names, select(evaluation))
    if not _someone_can_click():
        display(first)
        return
    from ipywidgets import HBox

    controls = _controls(class_names)
    filters = {name: control for name, control in controls.items() if name != "page"}
    page = controls["page"]
    page.max = _pages(select(evaluation))

    def chosen() -> np.ndarray:
        return select(evaluation, **{name: control.value for name, control in filters.items()})

    def turn(change: object = None) -> None:
        picture.update(page_figure(images, evaluation, class_names, chosen(), page.value))

    def refilter(change: object = None) -> None:
        page.value = 1
        page.max = _pages(chosen())
        turn()

    display(HBox(list(controls.values()), layout={"flex_flow": "row wrap"}))
    picture = display(first, display_id=True)
    page.observe(turn, names="value")
    for control in filters.values():
        control.observe(refilter, names="value")


def _controls(class_names: Sequence[str]) -> dict[str, Any]:
    """Return the widgets by the name of the argument of `select` they set, and "page"."""
    from ipywidgets import Dropdown, FloatRangeSlider, IntSlider

    look = interactive.look(28)
    still = {"continuous_update": False, **look}
    classes = [(name, i) for i, name in enumerate(class_names)]
    marks = [("any", None), ("the true class (right)", RIGHT), ("another class (wrong)", WRONG)]
    return {
        "true": Dropdown(options=[("any", None), *classes], description="true class", **look),
        "predicted": Dropdown(options=[*marks, *classes], description="predicted class", **look),
        "confidence": FloatRangeSlider(
            value=(0.0, 1.0), min=0.0, max=1.0, step=0.01, description="confidence", **still
        ),
        "order": Dropdown(options=ORDERS, description="order", **look),
        "page": IntSlider(value=1, min=1, max=1, description="page", **still),
    }


def _pages(chosen: np.ndarray) -> int:
    return max(1, -(-len(chosen) // PER_PAGE))


def _someone_can_click() -> bool:
    """Say whether a notebook front end may be listening and can draw widgets."""
    from IPython import get_ipython

    return interactive.can_be_moved() and getattr(get_ipython(), "kernel", None) is not None


def _must_fit(images: np.ndarray, evaluation: Evaluation, class_names: Sequence[str]) -> None:
    n, n_classes = evaluation.probabilities.shape
    if len(images) != n:
        raise CourseError(
            f"There are {len(images):,} images but predictions for {n:,}. Give the images that "
            "were evaluated: image_browser(data.x_test, evaluate(model, data.x_test, ...), ...)."
        )
    if len(class_names) != n_classes:
        raise CourseError(
            f"There are {len(class_names)} class names but probabilities for {n_classes} classes. "
            "Give one name per class, such as data.class_names."
        )
