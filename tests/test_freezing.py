"""Freezing, unfreezing from a block, and the proof that frozen weights did not change."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from cifarlib import backbones
from cifarlib._support.keras_layers import leaf_layers
from cifarlib.errors import CourseError

SHAPE = (32, 32, 3)
RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.randint(0, 256, (16, *SHAPE)).astype(np.uint8)
LABELS = RANDOM.randint(0, 10, 16)


def base(name="VGG16", **settings):
    return backbones.load(name, SHAPE, weights="random", **settings)


def nested(inner):
    return keras.Sequential([inner, layers.Flatten(), layers.Dense(10, activation="softmax")])


def inlined(inner):
    x = layers.Flatten()(inner.output)
    return keras.Model(inner.input, layers.Dense(10, activation="softmax")(x))


def train(model):
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    before = backbones.fingerprint(model)
    model.fit(IMAGES, LABELS, batch_size=8, verbose=0)
    return backbones.changed(before, backbones.fingerprint(model))


def learning(model):
    return [name for name, layer in leaf_layers(model) if layer.trainable_weights]


@pytest.mark.training
@pytest.mark.parametrize("combine", [nested, inlined])
def test_a_frozen_base_does_not_change_and_its_head_does(combine):
    model = combine(base(until="block2_pool"))
    backbones.freeze(model)
    assert [name.split("/")[-1][:5] for name in train(model)] == ["dense"]


@pytest.mark.training
@pytest.mark.parametrize("combine", [nested, inlined])
def test_unfreezing_from_a_block_lets_that_and_all_later_ones_change(combine):
    model = combine(base(until="block3_pool"))
    backbones.unfreeze(model, "block3")
    changed = [name.split("/")[-1] for name in train(model)]
    assert changed[:3] == ["block3_conv1", "block3_conv2", "block3_conv3"]
    assert len(changed) == 4
    backbones.unfreeze(model, "block3_conv3")
    assert [name.split("/")[-1] for name in learning(model)] == ["block3_conv3", changed[3]]


def test_unfreezing_undoes_freezing_at_every_level():
    inner = base(until="block2_pool")
    model = keras.Sequential([nested(inner), layers.Dense(5)])
    all_of_it = learning(model)
    backbones.freeze(model)
    assert (inner.trainable, len(learning(model))) == (False, 2)
    backbones.unfreeze(model)
    assert inner.trainable
    assert learning(model) == all_of_it


def test_a_head_that_was_frozen_stays_frozen():
    model = nested(base(until="block1_pool"))
    model.layers[-1].trainable = False
    backbones.unfreeze(model)
    assert [name.split("/")[-1] for name in learning(model)] == ["block1_conv1", "block1_conv2"]
    backbones.freeze(model)
    assert learning(model) == []


def test_a_bare_network_can_be_frozen_too():
    model = nested(backbones.network("VGG16", SHAPE, weights="random", until="block1_pool"))
    backbones.freeze(model)
    assert len(learning(model)) == 1


@pytest.mark.training
def test_batch_normalization_keeps_its_statistics_when_the_rest_learns():
    model = nested(base("MobileNet", until="conv_pw_2_relu"))
    backbones.unfreeze(model)
    changed = train(model)
    assert any("conv_pw_2" in name for name in changed)
    assert not [name for name in changed if name.endswith("_bn")]
    norm = model.layers[0].get_layer("conv1_bn")
    x = RANDOM.normal(5, 3, (8, 16, 16, 32)).astype("float32")
    np.testing.assert_array_equal(norm(x, training=True), norm(x, training=False))


@pytest.mark.large
@pytest.mark.parametrize(
    ("name", "block", "first"),
    [
        ("ResNet50", "conv5", "conv5_block1_1_conv"),
        ("ResNet50V2", "post", None),
        ("MobileNet", "block13", "conv_dw_13"),
        ("EfficientNetV2B0", "top", "top_conv"),
    ],
)
def test_blocks_of_other_networks(name, block, first):
    model = base(name)
    backbones.unfreeze(model, block)
    assert (learning(model) or [None])[0] == first


@pytest.mark.large
def test_blocks_of_inception_end_with_the_layer_of_their_name():
    model = backbones.load("InceptionV3", SHAPE, weights="random", upscale_to=75)
    groups = backbones.blocks(model)
    assert list(groups) == ["stem", *(f"mixed{i}" for i in range(11))]
    assert all(groups[name][-1] == name for name in groups if name != "stem")
    backbones.unfreeze(model, "mixed10")
    deepest = {name for name in learning(model)}
    assert deepest == {n for n in groups["mixed10"] if n.startswith("conv2d")}


def test_an_unknown_block_lists_the_blocks():
    with pytest.raises(CourseError, match=r'no block "block6". Choose one of: block1, .*block5'):
        backbones.unfreeze(base(), "block6")


@pytest.mark.parametrize("function", [backbones.freeze, backbones.unfreeze, backbones.blocks])
def test_a_model_without_a_base_is_refused(function):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="plain")
    with pytest.raises(CourseError, match='No layer of the model "plain" comes from'):
        function(model)


def test_layer_table_counts_what_may_change():
    model = nested(base(name="VGG16"))
    backbones.freeze(model)
    table = backbones.layer_table(model)
    flags = {row[0].split("/")[-1]: row[4] for row in table.rows}
    assert (flags["block1_conv1"], flags["block1_pool"], flags["preprocess"]) == ("no", "", "")
    assert list(flags.values())[-1] == "yes"
    assert table.footer == ("Total", "", "", 14_719_818, "", 5_130, 14_714_688)
    backbones.unfreeze(model, "block5")
    assert backbones.layer_table(model).footer[5] == 3 * 2_359_808 + 5_130


def test_layer_table_agrees_with_keras_on_batch_normalization():
    model = base("MobileNet")
    assert backbones.layer_table(model).footer[3:] == (3_228_864, "", 3_206_976, 21_888)


def test_fingerprints_of_different_models_are_not_compared():
    one, other = (backbones.fingerprint(base(until=f"block{n}_pool")) for n in (1, 2))
    with pytest.raises(CourseError, match="two different models: only one of them has block2"):
        backbones.changed(one, other)
