import sys

import keras
import pytest

from cifarlib import CourseError, parameters
from cifarlib._support.tables import Table
from cifarlib.parameters.explorer import convolution

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def explorer(monkeypatch):
    monkeypatch.delenv("CIFARLIB_QUIET", raising=False)
    return parameters.parameter_explorer()


def values(table):
    return dict(table.rows)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"kernel": 5, "filters": 7, "channels": 4, "size": 33, "stride": 2},
        {"kernel": 4, "filters": 8, "channels": 1, "size": 9, "stride": 3, "padding": "same"},
        {"kernel": 1, "filters": 1, "channels": 1, "size": 1},
    ],
)
def test_convolution_says_what_keras_says(settings):
    s = {"kernel": 3, "filters": 32, "channels": 3, "size": 32, "stride": 1, "padding": "valid"}
    s |= settings
    layer = keras.layers.Conv2D(s["filters"], s["kernel"], s["stride"], s["padding"])
    model = keras.Sequential([keras.Input((s["size"], s["size"], s["channels"])), layer])
    shown = values(convolution(**settings))
    assert shown["shape out"] == str(model.output_shape[1:])
    assert shown["shape of the kernels"] == str(tuple(layer.kernel.shape))
    assert shown["parameters"] == f"{model.count_params():,}"


def test_convolution_shows_its_working():
    shown = values(convolution())
    assert shown["formula"] == "k_h·k_w·c_in·c_out + c_out"
    assert shown["calculation"] == "3·3·3·32 + 32"
    assert shown["multiply-adds"] == "900 · 864 = 777,600"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"filters": 0}, "filters=0 is no whole number"),
        ({"size": 2.5}, "size=2.5 is no whole number"),
        ({"padding": "full"}, 'Padding "full" is unknown'),
        ({"kernel": 5, "size": 3}, "does not fit"),
    ],
)
def test_impossible_settings_are_explained(settings, words):
    with pytest.raises(CourseError, match=words):
        parameters.parameter_explorer(**settings)


def test_headless_gives_a_table(monkeypatch):
    monkeypatch.setenv("CIFARLIB_QUIET", "1")
    shown = parameters.parameter_explorer(channels=1)
    assert isinstance(shown, Table)
    assert values(shown)["parameters"] == "320"


def test_without_ipywidgets_gives_a_table(monkeypatch):
    monkeypatch.delenv("CIFARLIB_QUIET", raising=False)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert isinstance(parameters.parameter_explorer(), Table)


def test_a_slider_changes_the_table(explorer):
    assert '<td style="text-align: left">896</td>' in explorer.view.value
    explorer.controls["filters"].value = 64
    assert "1,792" in explorer.view.value
    assert values(explorer.shown())["parameters"] == "1,792"


def test_a_kernel_that_does_not_fit_is_said_and_can_be_mended(explorer):
    explorer.controls["size"].value = 2
    assert "does not fit" in explorer.view.value
    assert "does not fit" in explorer._repr_mimebundle_()[0]["text/plain"]
    explorer.controls["padding"].value = "same"
    assert "(2, 2, 32)" in explorer.view.value


def test_a_static_page_gets_the_first_view(explorer):
    shown, _ = explorer._repr_mimebundle_()
    assert WIDGET_VIEW in shown
    assert "896" in shown["text/plain"]
    assert "<table>" in shown["text/html"]


def test_a_start_beyond_the_slider_is_kept(monkeypatch):
    monkeypatch.delenv("CIFARLIB_QUIET", raising=False)
    explorer = parameters.parameter_explorer(filters=1000)
    assert explorer.controls["filters"].value == 1000
    assert values(explorer.shown())["shape out"] == "(30, 30, 1000)"
