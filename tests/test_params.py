from __future__ import annotations

import dataclasses

import keras
import pytest
from keras import Sequential, layers
from model_facts import BASES, count, facts, image, keras_layers, one

from cifarlib.errors import CourseError
from cifarlib.networks import SYSTEMS
from cifarlib.parameters import derive, latex, table, total

# Whole models ------------------------------------------------------------------------


@pytest.mark.large
@pytest.mark.parametrize("name", [*SYSTEMS, *BASES])
def test_sums_are_those_of_keras(name: str) -> None:
    found = facts(name)
    sums = total(found.rows)
    assert sums.parameters == found.total
    assert sums.trainable == found.trainable
    assert sums.non_trainable == found.non_trainable


@pytest.mark.parametrize("name", [*SYSTEMS, *BASES])
def test_every_layer_is_that_of_keras(name: str) -> None:
    found = facts(name)
    rows = {row.name: (row.parameters, row.shape_in, row.shape_out) for row in found.rows}
    assert len(rows) == len(found.rows)
    assert rows == found.layers


@pytest.mark.parametrize("name", [*SYSTEMS, *BASES])
def test_arithmetic_gives_the_count(name: str) -> None:
    for row in facts(name).rows:
        assert eval(row.arithmetic.replace("·", "*")) == row.parameters
        assert row.formula.count("·") == row.arithmetic.count("·")


@pytest.mark.parametrize(
    ("base", "published"),
    [
        ("VGG16", (14_714_688, 14_714_688)),  # R0.8, R1.5, R2.5, R4.5
        ("VGG19", (20_024_384, 20_024_384)),  # R1.7
        ("ResNet50", (23_587_712, 23_534_592)),  # R2.4
        ("ResNet50V2", (23_564_800, 23_519_360)),  # R1.9
        ("InceptionV3", (21_802_784, 21_768_352)),  # R2.6
        ("MobileNet", (3_228_864, 3_206_976)),  # R4.8, R4.9
    ],
)
def test_bases_have_the_counts_of_the_reports(base: str, published: tuple[int, int]) -> None:
    sums = total(facts(base).rows)
    assert (sums.parameters, sums.trainable) == published


@pytest.mark.parametrize(
    ("system", "layer", "published"),
    [
        ("R1.5", "block1_conv1", 1_792),
        ("R1.5", "block1_conv2", 36_928),
        ("R1.5", "block2_conv1", 73_856),
        ("R1.5", "block2_conv2", 147_584),
        ("R1.5", "block3_conv1", 295_168),
        ("R1.5", "block3_conv3", 590_080),
        ("R1.7", "block4_conv1", 1_180_160),
        ("R1.7", "block5_conv4", 2_359_808),
        ("R1.9", "conv1_conv", 9_472),
        ("R1.9", "conv2_block1_preact_bn", 256),
        ("R1.9", "conv2_block1_1_conv", 4_096),
        ("R1.9", "conv2_block1_2_conv", 36_864),
        ("R1.9", "post_bn", 8_192),
    ],
)
def test_rows_the_reports_print_of_bases(system: str, layer: str, published: int) -> None:
    (row,) = [row for row in facts(system).rows if row.name == layer]
    assert row.parameters == published


def test_multiply_adds_of_mobilenet_are_those_of_its_paper() -> None:
    # Howard et al. 2017, table 4: 569 million multiply-adds, 4.2 million parameters.
    model = keras.applications.MobileNet(weights=None, input_shape=(224, 224, 3))
    sums = total(derive(model))
    assert round(sums.multiply_adds / 1e6) == 569
    assert sums.parameters == model.count_params() == 4_253_864


# Shapes, graphs, nesting, freezing ---------------------------------------------------


def test_unknown_image_size() -> None:
    model = Sequential([image(None, None, 3), layers.Conv2D(2, 3), layers.MaxPooling2D()])
    rows = derive(model)
    assert [row.shape_out for row in rows] == [(None, None, 2)] * 2
    assert rows[0].parameters == 56
    assert rows[0].multiply_adds is None
    assert total(rows).multiply_adds is None


def test_branches_meet() -> None:
    x = image(8, 8, 3)
    left, right = layers.Conv2D(4, 1)(x), layers.Conv2D(4, 3, padding="same")(x)
    both = layers.Concatenate()([layers.Add()([left, right]), left])
    model = keras.Model(x, layers.GlobalAveragePooling2D()(keras.ops.multiply(both, 2.0) + 1.0))
    rows = {row.kind: row for row in derive(model)}
    assert rows["Concatenate"].shape_in == ((8, 8, 4), (8, 8, 4))
    assert rows["Concatenate"].shape_out == (8, 8, 8)
    assert rows["Multiply"].parameters == 0
    assert total(derive(model)).parameters == model.count_params()


def test_several_inputs_and_outputs() -> None:
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    c = layers.Dense(2, name="c")(layers.Concatenate()([a, b]))
    model = keras.Model({"b": b, "a": a}, {"c": c, "d": layers.Dense(5)(b)})
    outer = keras.Model({"a": a, "b": b}, model({"a": a, "b": b}))
    for m in (model, outer):
        assert total(derive(m)).parameters == m.count_params() == 16 + 20


def test_shared_layer_is_counted_once_and_works_twice() -> None:
    x, shared = image(4), layers.Dense(4, name="shared")
    model = keras.Model(x, shared(layers.ReLU()(shared(x))))
    rows = derive(model)
    assert [row.parameters for row in rows if row.name == "shared"] == [20, 0]
    assert [row.name for row in rows][1:] == ["shared", model.layers[2].name, "shared"]
    assert "counted above" in rows[-1].note
    sums = total(rows)
    assert (sums.parameters, sums.multiply_adds) == (model.count_params(), 32)


def test_shared_nested_model_is_counted_once() -> None:
    tower = Sequential([image(6), layers.Dense(3), layers.BatchNormalization()], name="tower")
    a, b = image(6), image(6)
    model = keras.Model([a, b], layers.Add()([tower(a), tower(b)]))
    sums = total(derive(model))
    assert (sums.parameters, sums.trainable) == (33, 27) == (model.count_params(), 27)


def test_nested_model_gets_the_shape_it_is_fed() -> None:
    base = keras.applications.MobileNetV3Small(
        weights=None, include_top=False, input_shape=(None, None, 3)
    )
    model = Sequential([image(64, 64, 3), base, layers.Flatten(), layers.Dense(2)])
    expected = keras.applications.MobileNetV3Small(
        weights=None, include_top=False, input_shape=(64, 64, 3)
    )
    inner = [row for row in derive(model) if "/" in row.name]
    assert inner[0].name.startswith(f"{base.name}/")
    assert [row.shape_out for row in inner] == [row.shape_out for row in derive(expected)]
    assert total(inner).multiply_adds == total(derive(expected)).multiply_adds
    assert total(derive(model)).parameters == model.count_params()


def test_nesting_twice() -> None:
    inner = Sequential([image(4), layers.Dense(3, name="dense")], name="inner")
    middle = Sequential([image(4), inner], name="middle")
    rows = derive(Sequential([image(4), middle]))
    assert [row.name for row in rows] == ["middle/inner/dense"]


def test_model_cut_out_of_another() -> None:
    base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    part = keras.Model(base.get_layer("block4_pool").output, base.get_layer("block5_pool").output)
    assert total(derive(part)).parameters == 3 * 2_359_808


def test_freezing() -> None:
    def parts(model: keras.Model) -> tuple[int, int]:
        sums = total(derive(model))
        assert sums.trainable == count(model.trainable_weights)
        assert sums.non_trainable == count(model.non_trainable_weights)
        return sums.trainable, sums.non_trainable

    frozen = layers.Dense(2, trainable=False)
    base = Sequential([image(3), layers.Dense(3), layers.BatchNormalization()], name="base")
    model = Sequential([base, frozen, layers.Dense(1)])
    assert parts(model) == (12 + 6 + 3, 6 + 8)
    base.trainable = False
    assert parts(model) == (3, 24 + 8)
    assert [row.note.endswith("frozen") for row in derive(model)] == [True, True, True, False]
    base.layers[0].trainable = True  # thawed inside a base that says it is frozen
    assert parts(model) == (12 + 3, 12 + 8)
    model.trainable = False
    assert parts(model) == (0, 35)


def test_layers_agree_with_keras_on_a_mixed_model() -> None:
    x = image(16, 16, 3)
    y = layers.SeparableConv2D(8, 3, strides=2, padding="same")(layers.RandomFlip()(x))
    y = Sequential([layers.Conv2D(4, 1), layers.BatchNormalization()], name="nested")(y)
    y = layers.Dense(2)(layers.Flatten()(layers.DepthwiseConv2D(3)(y)))
    model = keras.Model(x, y)
    rows = {row.name: (row.parameters, row.shape_in, row.shape_out) for row in derive(model)}
    assert rows == keras_layers(model)


# Errors ------------------------------------------------------------------------------


class Doubled(layers.Dense):
    """A subclass with a weight that its parent has not."""

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self.factor = self.add_weight(shape=())


@pytest.mark.parametrize(
    ("layer", "kind"), [(layers.PReLU(name="odd"), "PReLU"), (Doubled(2, name="odd"), "Doubled")]
)
def test_unknown_layer_with_weights(layer: keras.layers.Layer, kind: str) -> None:
    model = Sequential([image(3), Sequential([layer], name="inner")])
    with pytest.raises(CourseError, match=f'"inner/odd" is a {kind}, which has weights'):
        derive(model)


def test_unknown_layer_without_weights_is_fine() -> None:
    class Negate(layers.Layer):
        def call(self, x):
            return -x

    row = one(Negate(), 4, 4, 2)
    assert (row.kind, row.parameters, row.shape_out) == ("Negate", 0, (4, 4, 2))


def test_sequential_without_input_shape() -> None:
    with pytest.raises(CourseError, match=r'"unfed" has no input shape yet.*keras\.Input'):
        derive(Sequential([layers.Dense(2)], name="unfed"))


def test_not_a_graph_of_layers() -> None:
    class Subclassed(keras.Model):
        pass

    for wrong in (Subclassed(), layers.Dense(2), None):
        with pytest.raises(CourseError, match="Sequential or functional model, but got"):
            derive(wrong)


# table, latex ----------------------------------------------------------------------


def test_table_shows_every_layer_and_the_total() -> None:
    rows = facts("R0.4").rows
    shown = table(rows, "R0.4")
    assert len(shown) == len(rows)
    lines = str(shown).splitlines()
    assert lines[0] == "R0.4"
    assert "3·3·64·64 + 64" in str(shown)
    assert lines[-1].split() == ["Total", "122,570", "122,570", "4,548,608"]
    assert "122,570" in shown._repr_html_()


def test_table_has_a_column_for_notes_only_where_there_are_some() -> None:
    rows = facts("R0.4").rows
    assert "Note" not in table(rows).headers
    noted = [dataclasses.replace(row, note="frozen") for row in rows]
    assert table(noted).headers[-1] == "Note"


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (layers.Conv2D(32, 3), (32, 32, 3), r"(3 \cdot 3 \cdot 3 + 1) \cdot 32 = 896"),
        (layers.Conv2D(8, 3, use_bias=False), (9, 9, 2), r"3 \cdot 3 \cdot 2 \cdot 8 = 144"),
        (layers.Dense(64), (3872,), r"(3872 + 1) \cdot 64 = 247{,}872"),
        (layers.BatchNormalization(), (32,), r"(2 + 2) \cdot 32 = 128"),
        (layers.BatchNormalization(scale=False), (32,), r"(1 + 2) \cdot 32 = 96"),
        (layers.SeparableConv2D(8, 3), (9, 9, 4), r"3 \cdot 3 \cdot 4 + 4 \cdot 8 + 8 = 76"),
        (layers.Dropout(0.5), (4,), "0"),
    ],
)
def test_latex(layer: keras.layers.Layer, shape: tuple, expected: str) -> None:
    assert latex(one(layer, *shape)) == expected
