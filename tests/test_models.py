from __future__ import annotations

import keras
import numpy as np
import pytest
from model_facts import facts

from cifarlib.errors import CourseError
from cifarlib.networks import SYSTEMS, build
from cifarlib.networks.r4 import model_cnn

# The counts the reports print, or that follow from their listings where they print none:
# total, and what is trainable of it.
COUNTS = {
    "R0.1": (258_090, 258_090),
    "R0.4": (122_570, 122_570),
    "R0.6a": (36_138, 36_138),
    "R0.6b": (36_138, 36_138),
    "R0.6c": (430_538, 430_538),
    "R0.7": (324_138, 323_370),
    "R0.8": (14_748_170, 14_748_170),
    "R1.2": (2_105_066, 2_105_066),
    "R1.3": (2_105_066, 2_105_066),
    "R1.4": (1_084_234, 1_084_234),
    "R1.5": (2_826_378, 1_090_762),
    "R1.7": (20_024_384 + 173_386, 173_386 - 128),
    "R1.9": (23_564_800 + 566_602, 566_602 - 128),
    "R2.2": (940_458, 940_074),
    "R2.3": (2_379_818, 2_379_434),
    "R2.4": (40_899_018, 40_583_370),
    "R2.5": (19_049_866, 18_983_946),
    "R2.6": (31_544_682, 31_362_410),
    "R2.8": (45_738, 45_738),
    "R2.9": (31_544_682, 31_362_410),
    "R3.1": (45_153, 45_153),
    "R3.3": (3_275_162, 3_275_162),
    "R3.4": (24_112_004, 524_292),
    "R4.1": (442_026, 442_026),
    "R4.2": (1_981_066, 1_981_066),
    "R4.4": (268_042, 268_042),
    "R4.5": (14_982_730, 268_042),
    "R4.6": (14_982_730, 14_982_730),
    "R4.7": (399_114, 399_114),
    "R4.8": (3_627_978, 399_114),
    "R4.9": (3_627_978, 3_606_090),
}
SCALED = ["R0.1", "R0.4", "R0.6a", "R0.6b", "R0.6c", "R0.7", "R1.2", "R1.3", "R1.4"]
SCALED += ["R2.2", "R2.3", "R2.8", "R3.1", "R3.3", "R4.1", "R4.2"]


def test_every_system_has_an_expected_count() -> None:
    assert set(SYSTEMS) == set(COUNTS)


@pytest.mark.large
@pytest.mark.parametrize("system", SYSTEMS)
def test_counts_of_keras_are_those_of_the_reports(system: str) -> None:
    found = facts(system)
    total, trainable = COUNTS[system]
    assert (found.total, found.trainable) == (total, trainable)
    assert found.non_trainable == total - trainable


@pytest.mark.parametrize("system", SYSTEMS)
def test_name_output_and_state(system: str) -> None:
    found = facts(system)
    classes = {"R3.1": 1, "R3.3": 4, "R3.4": 4}.get(system, 10)
    assert found.name == system.replace(".", "_")
    assert found.output_shape == (None, classes)
    assert not found.is_compiled


# Layer tables printed in the reports, without the rows that have no parameters.
PRINTED = {
    "R0.1": [320, 9_248, 247_872, 650],
    "R0.4": [896, 18_496, 36_928, 65_600, 650],
    "R1.2": [448, 4_640, 2_097_408, 2_570],
    "R1.4": [448, 4_640, 9_248, 18_496, 1_048_832, 2_570],
    # The scan has 6,888, 96,848 and 978; these are the values that add up to the printed total.
    "R2.2": [6_080, 96_048, 192, *[57_648, 192] * 3, 663_648, 970],
    "R2.3": [3_136, 179_264, 256, *[102_464, 256] * 2, 1_990_752, 970],
    "R4.1": [896, 9_248, 295_168, 131_584, 5_130],
    "R4.2": [896, 1_843_456, 131_584, 5_130],
    "R4.4": [131_328, 131_584, 5_130],
    "R4.7": [262_400, 131_584, 5_130],
}


@pytest.mark.parametrize("system", PRINTED)
def test_layers_are_those_of_the_printed_tables(system: str) -> None:
    assert [n for n, _, _ in facts(system).layers.values() if n] == PRINTED[system]


@pytest.mark.parametrize("system", SCALED)
def test_networks_from_nothing_begin_by_scaling_pixels_to_one(system: str) -> None:
    rows = [row for row in facts(system).rows if row.kind != "InputLayer"]
    assert rows[0].kind == "Rescaling"


def test_pixels_are_scaled_inside_the_model() -> None:
    model = build("R0.1")
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), dtype=np.uint8)
    scaled = images.astype("float32") / 255
    unscaled = keras.Sequential([keras.Input((28, 28, 1)), *model.layers[1:]])
    expected = keras.ops.convert_to_numpy(unscaled(scaled))
    assert not np.allclose(expected[0], expected[1], atol=1e-4)
    for given in (images, images.astype("float32")):
        assert np.allclose(model.predict(given, verbose=0), expected, atol=1e-5)


def test_unknown_system_lists_the_known_ones() -> None:
    with pytest.raises(CourseError, match=r'"R9\.9".*R0\.1, R0\.4.*R4\.9'):
        build("R9.9")


def test_settings_are_passed_on() -> None:
    assert build("R3.1", input_shape=(150, 150, 3)).input_shape == (None, 150, 150, 3)
    assert len([layer for layer in build("R4.1", n=3).layers if "conv" in layer.name]) == 3


@pytest.mark.parametrize("n", [0, 4, "2"])
def test_model_cnn_refuses_what_does_not_fit(n: object) -> None:
    with pytest.raises(CourseError, match="n=1, 2 or 3"):
        model_cnn(n)


def test_every_call_builds_a_new_model() -> None:
    first, second = build("R2.8"), build("R2.8")
    kernels = [keras.ops.convert_to_numpy(m.get_weights()[0]) for m in (first, second)]
    assert not np.array_equal(*kernels)
