import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from cifarlib import CourseError, augmentation
from cifarlib.augmentation.explorer import augmentation_explorer, compared

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def image():
    return np.random.RandomState(0).randint(0, 256, (32, 32, 3)).astype("uint8")


@pytest.fixture
def explorer(monkeypatch, image):
    monkeypatch.delenv("CIFARLIB_QUIET", raising=False)
    return augmentation_explorer(image)


def shown(figure):
    return [np.asarray(axis.images[0].get_array()) for axis in figure.axes]


def test_the_picture_shows_the_image_before_and_after(image):
    before, after = shown(compared(image, rotation=0, width_shift=0.25, flip=True))
    np.testing.assert_array_equal(before, image)
    wanted = augmentation.moved(image[np.newaxis], width_shift=0.25, flip=True)[0]
    np.testing.assert_array_equal(after, np.round(wanted).astype("uint8"))


def test_a_grey_image_will_do():
    figure = compared(np.arange(64, dtype="uint8").reshape(8, 8, 1), rotation=90)
    np.testing.assert_array_equal(shown(figure)[1], np.rot90(np.arange(64).reshape(8, 8)))


def test_headless_gives_a_figure_that_says_what_it_shows(monkeypatch, image):
    monkeypatch.setenv("CIFARLIB_QUIET", "1")
    figure = augmentation_explorer(image, rotation=30)
    assert isinstance(figure, Figure)
    assert "rotation 30, width shift 0.2" in figure.get_gid()


def test_without_ipywidgets_gives_a_figure(monkeypatch, image):
    monkeypatch.delenv("CIFARLIB_QUIET", raising=False)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert isinstance(augmentation_explorer(image), Figure)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("rotation", -90, "rotation -90"),
        ("flip", True, "flip: True"),
        ("fill", "wrap", "fill: wrap"),
    ],
)
def test_a_control_changes_the_picture(explorer, name, value, words):
    before = explorer.view.value
    explorer.controls[name].value = value
    assert explorer.view.value != before
    assert words in explorer.view.value


def test_a_static_page_gets_the_first_view(explorer):
    data, metadata = explorer._repr_mimebundle_()
    assert WIDGET_VIEW in data
    assert data["image/png"].startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == data["text/plain"]
    assert "rotation 20" in data["text/plain"]


def test_a_start_beyond_the_slider_is_kept(monkeypatch, image):
    monkeypatch.delenv("CIFARLIB_QUIET", raising=False)
    assert augmentation_explorer(image, zoom=3.0).controls["zoom"].value == 3.0


@pytest.mark.parametrize(
    ("array", "settings", "words"),
    [
        (np.zeros((4, 32, 32, 3)), {}, "Expected one image"),
        (np.zeros((32, 32)), {}, "Expected one image"),
        (np.zeros((8, 8, 3)), {"brightness": 2}, "No slider is called 'brightness'"),
        (np.zeros((8, 8, 3)), {"fill": "white"}, "There is no fill 'white'"),
        (np.zeros((8, 8, 3)), {"zoom": 0}, "zoom=0"),
    ],
)
def test_bad_input_is_explained(array, settings, words):
    with pytest.raises(CourseError, match=words):
        augmentation_explorer(array, **settings)
