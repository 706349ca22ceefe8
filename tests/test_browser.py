import sys

import IPython.display
import numpy as np
import pytest
from matplotlib.figure import Figure

from cifarlib.errors import CourseError
from cifarlib.evaluation import Evaluation
from cifarlib.plots import browser
from cifarlib.plots.browser import image_browser, page_figure, select

NAMES = ("cat", "dog", "ship")
# image:          0     1     2     3     4
# true class:    cat   cat   dog   dog   ship
# says:          cat   dog   dog   cat   ship
# confidence:    0.9   0.6   0.5   0.99  1.0
PROBABILITIES = np.array(
    [[0.9, 0.1, 0.0], [0.2, 0.6, 0.2], [0.3, 0.5, 0.2], [0.99, 0.01, 0.0], [0.0, 0.0, 1.0]]
)
FIVE = Evaluation(PROBABILITIES, np.array([0, 0, 1, 1, 2]))
IMAGES = np.zeros((5, 8, 8, 3), "uint8")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [2, 1, 0, 3, 4]),
        ({"order": "surest first"}, [4, 3, 0, 1, 2]),
        ({"order": "as stored"}, [0, 1, 2, 3, 4]),
        ({"true": 0}, [1, 0]),
        ({"predicted": 1}, [2, 1]),
        ({"true": 1, "predicted": 0}, [3]),
        ({"predicted": "right"}, [2, 0, 4]),
        ({"predicted": "wrong"}, [1, 3]),
        ({"confidence": (0.55, 0.95)}, [1, 0]),
        ({"confidence": (0.5, 0.6)}, [2, 1]),
        ({"true": 2, "predicted": 0}, []),
    ],
)
def test_select(filters, expected):
    assert select(FIVE, **filters).tolist() == expected


def test_a_confidence_of_one_and_a_bit_is_still_within_the_slider():
    sure = Evaluation(np.array([[1.0 + 2e-16, 0.0]]), np.array([0]))
    assert select(sure).tolist() == [0]


def titles(figure):
    return [a.get_title() for a in figure.axes if a.get_title()]


def test_a_page_says_what_each_image_is_and_what_the_model_says():
    figure = page_figure(IMAGES, FIVE, NAMES, np.array([0, 3]))
    assert titles(figure) == [
        "is cat\nsays cat\nconfidence 0.90",
        "is dog\nsays cat\nconfidence 0.99",
    ]
    assert figure.get_suptitle() == "2 of 5 images, page 1 of 1"
    assert "is dog, says cat, confidence 0.99" in figure.get_gid()
    right, wrong = (a.title.get_color() for a in figure.axes[:2])
    assert right != wrong


def test_pages_follow_one_another():
    many = Evaluation(np.tile([0.7, 0.3], (40, 1)), np.arange(40) % 2)
    images = np.zeros((40, 8, 8, 3), "uint8")
    sizes = [
        len(titles(page_figure(images, many, ("a", "b"), np.arange(40), page)))
        for page in (1, 2, 3)
    ]
    assert sizes == [18, 18, 4]


def test_nothing_found_is_said_in_words():
    figure = page_figure(IMAGES, FIVE, NAMES, np.array([], int))
    assert figure.axes[0].texts[0].get_text() == "No image fits. Widen a filter."
    assert "No image fits" in figure.get_gid()


class Handle:
    """Stands for the place on the page where a picture can be replaced."""

    def __init__(self, first):
        self.pictures = [first]

    def update(self, figure):
        self.pictures.append(figure)

    @property
    def heading(self):
        return self.pictures[-1].get_suptitle()


@pytest.fixture
def shown(monkeypatch):
    """What the browser puts on the page, in order."""
    things = []

    def display(thing, display_id=False):
        things.append(Handle(thing) if display_id else thing)
        return things[-1]

    monkeypatch.setattr(IPython.display, "display", display)
    return things


@pytest.fixture
def live(shown, monkeypatch):
    """A browser as in JupyterLab: its controls by label, and its picture."""
    monkeypatch.setattr(browser, "_someone_can_click", lambda: True)

    def start(images=IMAGES, evaluation=FIVE, names=NAMES):
        assert image_browser(images, evaluation, names) is None
        box, picture = shown
        return {c.description: c for c in box.children}, picture

    return start


def test_the_first_view_is_a_picture_even_before_anybody_clicks(live):
    _, picture = live()
    assert isinstance(picture.pictures[0], Figure)
    assert picture.heading == "5 of 5 images, page 1 of 1"


def test_every_filter_redraws_the_picture(live):
    controls, picture = live()
    controls["true class"].value = 1
    assert picture.heading == "2 of 5 images, page 1 of 1"
    controls["predicted class"].value = "wrong"
    assert titles(picture.pictures[-1]) == ["is dog\nsays cat\nconfidence 0.99"]
    controls["confidence"].value = (0.0, 0.5)
    assert "No image fits" in picture.pictures[-1].get_gid()
    controls["confidence"].value = (0.0, 1.0)
    controls["true class"].value = None
    controls["order"].value = "surest first"
    assert titles(picture.pictures[-1])[0].startswith("is dog")
    assert picture.heading == "2 of 5 images, page 1 of 1"


def test_the_menus_offer_every_class(live):
    controls, _ = live()
    assert [label for label, _ in controls["true class"].options] == ["any", *NAMES]
    assert [label for label, _ in controls["predicted class"].options][3:] == list(NAMES)


def test_pages_are_turned_and_a_filter_goes_back_to_the_first(live):
    labels = np.repeat([0, 1], 20)
    many = Evaluation(np.tile([0.7, 0.3], (40, 1)), labels)
    controls, picture = live(np.zeros((40, 8, 8, 3), "uint8"), many, ("a", "b"))
    assert controls["page"].max == 3
    controls["page"].value = 3
    assert picture.heading == "40 of 40 images, page 3 of 3"
    assert len(titles(picture.pictures[-1])) == 4
    controls["true class"].value = 0
    assert controls["page"].value == 1
    assert controls["page"].max == 2
    assert picture.heading == "20 of 40 images, page 1 of 2"


def only_the_picture(shown):
    (figure,) = shown
    return isinstance(figure, Figure) and figure.get_suptitle() == "5 of 5 images, page 1 of 1"


class Kernel:
    kernel = "something that runs cells"


def test_a_headless_run_shows_only_the_picture(shown, monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", Kernel)
    monkeypatch.setenv("CIFARLIB_QUIET", "1")
    image_browser(IMAGES, FIVE, NAMES)
    assert only_the_picture(shown)


def test_without_ipywidgets_there_is_only_the_picture(shown, monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", Kernel)
    monkeypatch.delenv("CIFARLIB_QUIET", raising=False)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    image_browser(IMAGES, FIVE, NAMES)
    assert only_the_picture(shown)


def test_outside_a_notebook_there_is_only_the_picture(shown, monkeypatch):
    monkeypatch.delenv("CIFARLIB_QUIET", raising=False)
    image_browser(IMAGES, FIVE, NAMES)
    assert only_the_picture(shown)


def test_in_a_notebook_there_are_controls(shown, monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", Kernel)
    monkeypatch.delenv("CIFARLIB_QUIET", raising=False)
    image_browser(IMAGES, FIVE, NAMES)
    box, picture = shown
    assert len(box.children) == 5
    assert isinstance(picture, Handle)


def test_arguments_that_do_not_belong_together_are_refused():
    with pytest.raises(CourseError, match="4 images but predictions for 5"):
        image_browser(IMAGES[:4], FIVE, NAMES)
    with pytest.raises(CourseError, match="2 class names but probabilities for 3 classes"):
        image_browser(IMAGES, FIVE, NAMES[:2])
