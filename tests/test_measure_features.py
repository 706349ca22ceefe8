"""Measuring a report's head on the features of its frozen base."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from conftest import make_cifar10
from test_backbones import packed, save_in_the_old_format  # noqa: F401

from cifarlib import backbones, ledger, networks
from cifarlib.backbones import features
from cifarlib.errors import CourseError
from cifarlib.runner import measure, measure_features

IMAGES = np.random.RandomState(0).randint(0, 256, (6, 32, 32, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("id", "takes", "parameters"),
    [
        ("R0.9", (1, 1, 512), 33_482),
        ("R1.5", (4, 4, 256), 2_826_378 - 1_735_488),
        ("R1.7", (1, 1, 512), 20_197_770 - 20_024_384),
        ("R4.4", (512,), 268_042),
    ],
)
def test_heads_are_those_of_the_reports(id, takes, parameters):
    head = measure_features.head_of(networks.build(measure_features.NETWORK_OF.get(id, id)))
    assert head.input_shape[1:] == takes
    assert head.count_params() == parameters


@pytest.mark.large
def test_base_and_head_together_are_the_reports_network():
    whole = networks.build("R1.5")
    network = backbones.network("VGG16", (32, 32, 3), weights="random", until="block3_pool")
    network.set_weights(whole.get_weights()[: len(network.weights)])
    maps = network.predict(IMAGES / 255, verbose=0)
    np.testing.assert_allclose(
        measure_features.head_of(whole).predict(maps, verbose=0),
        whole.predict(IMAGES / 255, verbose=0),
        rtol=1e-4,
        atol=1e-6,
    )


def test_a_recipe_on_a_frozen_base_is_taken_and_others_are_not():
    assert measure.recipe("R1.5")["cut"] == "block3_pool"
    assert measure.recipe("R0.9")["batch_size"] == 16
    for id, reason in (("R0.10", "a base that learns"), ("R4.5", "augmentation")):
        with pytest.raises(CourseError, match=reason):
            measure.recipe(id)


@pytest.mark.training
def test_a_measurement_names_the_base_and_its_weights(packed, tiny, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("CIFARLIB_CACHE", str(tmp_path / "features"))
    monkeypatch.setenv("CIFARLIB_RECORDS", "")  # put back after the test
    make_cifar10(packed[0])
    settings = ledger.system("R4.7").settings | {"loss": "sparse_categorical_crossentropy"}
    monkeypatch.setattr(measure, "recipe", lambda *_: settings | {"epochs": 2})
    entry = measure.measure("R4.7", 3, tmp_path / "out", mirror=packed[0])
    assert entry["metrics"]["parameters"] == 399_114
    assert entry["training"]["epochs"] == 2
    assert entry["data"]["n_train"] == 160
    assert entry["data"]["input_shape"] == [1024]
    assert entry["data"]["base"]["weights"]["network"] == "MobileNet"
    assert entry["data"]["base"]["weights"]["source"] == "mirror"
    assert "exact" in entry["note"]
    assert (tmp_path / "out" / "results.jsonl").is_file()


@pytest.mark.large
def test_the_features_are_those_of_scaled_pixels(packed, tmp_path):  # noqa: F811
    settings = ledger.system("R4.7").settings
    base = measure_features.base_of(settings, (32, 32, 3), packed[0])
    right = backbones.network("MobileNet", (32, 32, 3), mirror=packed[0])
    rows = features.extract(base, IMAGES, cache=tmp_path)
    np.testing.assert_allclose(
        rows, right.predict((IMAGES / 255).astype("float32"), verbose=0), rtol=1e-4, atol=1e-6
    )
    assert isinstance(base, keras.Sequential)
