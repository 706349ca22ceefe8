"""ImageNet networks: sizes, preprocessing, weights and their origin."""

from __future__ import annotations

import shutil

import keras
import numpy as np
import pytest
from keras import layers

from cifarlib import backbones
from cifarlib.backbones.preprocessing import preprocessing
from cifarlib.data import mirror, sources
from cifarlib.data.imagenet import NETWORKS
from cifarlib.errors import CourseError

SHAPE = (32, 32, 3)
IMAGES = np.random.RandomState(0).randint(0, 256, (4, *SHAPE)).astype(np.uint8)
MODULES = {
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "ResNet50": "resnet50",
    "ResNet50V2": "resnet_v2",
    "InceptionV3": "inception_v3",
    "MobileNet": "mobilenet",
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def random_base(name="MobileNet", shape=SHAPE, **settings):
    return backbones.load(name, shape, weights="random", **settings)


def save_in_the_old_format(model, path):
    from h5py import File
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    path.parent.mkdir(parents=True, exist_ok=True)
    with File(path, "w") as file:
        save_weights_to_hdf5_group(file, model)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A mirror with MobileNet's file, random but whole, and the network it was packed from."""
    root = tmp_path_factory.mktemp("mirror")
    network = backbones.network("MobileNet", SHAPE, weights="random")
    save_in_the_old_format(network, root / sources.LAYOUTS["mobilenet"][0])
    return root, network


@pytest.fixture
def folder(packed, tiny):
    """A copy of that mirror which may be spoiled; there is no network and an empty cache."""
    shutil.copytree(packed[0], tiny, dirs_exist_ok=True)
    return tiny


@pytest.mark.large
@every_network
@pytest.mark.filterwarnings("ignore:.*input_shape.*is undefined")
def test_facts_are_those_of_keras(name, monkeypatch):
    """Build with Keras's own download patched: file, address, hash, and number of weights."""
    asked = {}

    def get_file(fname, origin, cache_subdir=None, file_hash=None):
        asked.update(fname=fname, origin=origin, file_hash=file_hash, cache_subdir=cache_subdir)
        raise FileNotFoundError

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    facts = NETWORKS[name]
    with pytest.raises(FileNotFoundError):
        getattr(keras.applications, name)(include_top=False, input_shape=(96, 96, 3))
    assert asked == sources._DOWNLOADS[facts.item]
    too_small = (facts.minimum - 1, facts.minimum, 3)
    with pytest.raises(ValueError, match=f"at least {facts.minimum}x{facts.minimum}"):
        getattr(keras.applications, name)(weights=None, include_top=False, input_shape=too_small)


@pytest.mark.large
@every_network
def test_count_blocks_and_smallest_size(name):
    side = NETWORKS[name].minimum
    base = random_base(name, (side, side, 3))
    assert base.count_params() == NETWORKS[name].values
    assert base.output_shape[1] >= 1
    groups = backbones.blocks(base)
    assert "" not in groups
    together = [layer for group in groups.values() for layer in group]
    own = [layer.name for layer in base.layers if layer.name not in ("images", "preprocess")]
    assert together == [layer for layer in own if layer != "scale"]


@pytest.mark.parametrize("name", MODULES)
def test_preprocessing_is_the_networks_own(name):
    model = keras.Sequential([keras.Input(SHAPE), *preprocessing(name)])
    right = getattr(keras.applications, MODULES[name]).preprocess_input(IMAGES.astype("float32"))
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), right, atol=1e-6)


def test_preprocessing_of_efficientnet_is_the_one_it_can_bring_along():
    whole = keras.applications.EfficientNetV2B0(
        weights=None, include_top=False, input_shape=SHAPE, include_preprocessing=True
    )
    theirs = next(layer for layer in whole.layers if isinstance(layer, layers.Normalization))
    theirs = keras.Model(whole.input, theirs.output)
    ours = keras.Sequential([keras.Input(SHAPE), *preprocessing("EfficientNetV2B0")])
    np.testing.assert_allclose(
        ours.predict(IMAGES, verbose=0), theirs.predict(IMAGES, verbose=0), atol=1e-6
    )


def test_colors_come_out_blue_first_and_around_zero():
    image = np.array([[[255, 0, 10]]], np.uint8)[np.newaxis]
    out = np.asarray(backbones.CaffeColors()(image.astype("float32")))[0, 0, 0]
    np.testing.assert_allclose(out, [10 - 103.939, 0 - 116.779, 255 - 123.68], rtol=1e-6)


def test_uint8_and_float_images_give_the_same():
    base = random_base(until="conv_pw_1_relu")
    whole, decimal = (base.predict(x, verbose=0) for x in (IMAGES, IMAGES.astype("float32")))
    np.testing.assert_array_equal(whole, decimal)


@pytest.mark.large
def test_bare_network_is_the_same_without_the_preprocessing(packed):
    root, _ = packed
    base = backbones.load("MobileNet", SHAPE, mirror=root)
    bare = backbones.network("MobileNet", SHAPE, mirror=root)
    prepared = IMAGES.astype("float32") / 127.5 - 1
    np.testing.assert_allclose(
        base.predict(IMAGES, verbose=0), bare.predict(prepared, verbose=0), rtol=1e-4, atol=1e-5
    )


def test_cut_pooled_and_enlarged():
    assert random_base("VGG16").output_shape == (None, 1, 1, 512)
    assert random_base("VGG16", until="block3_pool").output_shape == (None, 4, 4, 256)
    pooled = random_base("VGG16", until="block3_pool", pooling="max")
    assert (pooled.output_shape, pooled.name) == ((None, 256), "vgg16_block3_pool_max")
    assert random_base(upscale_to=96).output_shape == (None, 3, 3, 1024)


def test_pooling_is_over_all_places():
    base = random_base(until="conv_pw_5_relu", pooling="avg")
    maps = keras.Model(base.input, base.layers[-2].output).predict(IMAGES, verbose=0)
    np.testing.assert_allclose(base.predict(IMAGES, verbose=0), maps.mean((1, 2)), rtol=1e-5)


def test_a_saved_model_keeps_its_preprocessing(tmp_path):
    base = random_base("VGG16", until="block1_pool", upscale_to=40)
    base.save(tmp_path / "base.keras")
    again = keras.saving.load_model(tmp_path / "base.keras")
    np.testing.assert_array_equal(again.predict(IMAGES, verbose=0), base.predict(IMAGES, verbose=0))
    with pytest.raises(CourseError, match="saved and loaded again has forgotten"):
        backbones.provenance(again)


def test_random_weights_say_so_everywhere():
    model = keras.Sequential([random_base(), layers.Flatten(), layers.Dense(10)])
    for text in (str(backbones.provenance(model)), str(backbones.provenance(model.layers[0]))):
        assert text.startswith("RANDOM WEIGHTS: this MobileNet has learned nothing")
    facts = backbones.provenance(model).as_dict()
    assert (facts["source"], facts["file"], facts["exact"]) == ("random", "", None)


def test_provenance_of_weights_from_a_mirror(packed):
    root, network = packed
    base = backbones.load("MobileNet", SHAPE, until="conv_pw_3_relu", mirror=root)
    origin = backbones.provenance(base)
    assert (origin.source, origin.file) == ("mirror", "mobilenet_1_0_224_tf_no_top.h5")
    assert origin.digest == backbones.provenance(network).digest
    assert origin.exact is None
    assert "Keras publishes no checksum for it" in str(origin)
    assert "RANDOM" not in str(origin)


def test_provenance_from_the_cache_says_that_the_mirror_was_of_no_use(folder, monkeypatch):
    shutil.copytree(folder, sources.keras_home())
    shutil.rmtree(folder / "models")
    origin = backbones.provenance(backbones.load("MobileNet", SHAPE, mirror=folder))
    assert origin.source == "keras cache"
    assert "The mirror holds no MobileNet weights" in str(origin)


def test_an_official_file_is_recognized_by_its_md5(packed, monkeypatch):
    from dataclasses import replace

    from cifarlib._support.digests import file_digest

    root, _ = packed
    md5 = file_digest(root / sources.LAYOUTS["mobilenet"][0], "md5")
    for known, exact in ((md5, True), ("0" * 32, False)):
        monkeypatch.setitem(NETWORKS, "MobileNet", replace(NETWORKS["MobileNet"], md5=known))
        base = backbones.load("MobileNet", SHAPE, mirror=root)
        assert backbones.provenance(base).exact is exact


def test_available_looks_and_downloads_nothing(folder):
    assert backbones.available("MobileNet", folder)
    assert not backbones.available("VGG19", folder)


def test_weights_that_are_nowhere_name_the_places_and_the_way_out(tiny):
    with pytest.raises(CourseError, match="No ResNet50V2 weights found") as caught:
        backbones.load("ResNet50V2", SHAPE, mirror=tiny)
    for part in (f"mirror {tiny}: no models/resnet50v2_weights", "cifarlib data fetch resnet50v2"):
        assert part in str(caught.value)
    rows = mirror.fetch(["resnet50v2"])
    assert [row.status for row in rows] == ["failed"]


def test_a_file_cut_short(folder):
    path = folder / sources.LAYOUTS["mobilenet"][0]
    path.write_bytes(path.read_bytes()[:1_000_000])
    with pytest.raises(CourseError, match=r"cannot be read .*truncated") as caught:
        backbones.load("MobileNet", SHAPE, mirror=folder)
    assert f"The file {path} does not hold the weights of MobileNet" in str(caught.value)
    assert "cifarlib data bundle FOLDER" in str(caught.value)


def test_the_file_of_another_network(folder):
    path = folder / sources.LAYOUTS["vgg16"][0]
    shutil.copyfile(folder / sources.LAYOUTS["mobilenet"][0], path)
    with pytest.raises(CourseError, match="does not hold the weights of VGG16") as caught:
        backbones.load("VGG16", SHAPE, mirror=folder)
    assert "belongs to another network" in str(caught.value)


def test_a_page_of_text_instead_of_weights_in_the_cache(folder):
    path = sources.keras_home() / sources.LAYOUTS["mobilenet"][0]
    path.parent.mkdir(parents=True)
    path.write_text("<html>Please log in to this network</html>")
    with pytest.raises(CourseError, match="type `cifarlib data fetch mobilenet`"):
        backbones.load("MobileNet", SHAPE)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_file_that_was_filled_up_with_zeros_or_nans(folder, value):
    import h5py

    with h5py.File(folder / sources.LAYOUTS["mobilenet"][0], "r+") as file:
        found = []
        file.visit(lambda name: found.append(name) if "conv_pw_13/" in name else None)
        kernel = next(name for name in found if isinstance(file[name], h5py.Dataset))
        file[kernel][...] = value
    with pytest.raises(CourseError, match='"conv_pw_13" holds only zeros, or values that are no'):
        backbones.load("MobileNet", SHAPE, mirror=folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("VGG", SHAPE), "There is no network 'VGG'. Choose one of: VGG16, VGG19"),
        (("InceptionV3", SHAPE), r"at least 75x75 pixels, but these are 32x32.*upscale_to=75"),
        (("VGG16", (28, 28, 1)), "trained on colour images with 3 channels.* has 1"),
        (("VGG16", (32, 32)), r"image_shape is \(32, 32\); expected the height, width"),
        (("VGG16", 32), "image_shape is 32; expected the height"),
    ],
)
def test_a_wrong_request_is_explained(arguments, message):
    with pytest.raises(CourseError, match=message):
        backbones.load(*arguments, weights="random")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"until": "block3_pol"}, r'no layer "block3_pol". Did you mean block3_pool.* end with:'),
        ({"until": "block6_pool"}, "Its blocks end with: block1_pool, .*, block5_pool"),
        ({"pooling": "mean"}, "no pooling 'mean'. Choose 'avg', 'max' or None"),
        ({"weights": "cifar"}, "no weights 'cifar'. Choose 'imagenet' or 'random'"),
        ({"upscale_to": "96"}, "upscale_to is '96'; expected a number of pixels"),
        ({"upscale_to": 16}, "at least 32x32 pixels, but these are 16x16"),
    ],
)
def test_a_wrong_setting_is_explained(settings, message):
    with pytest.raises(CourseError, match=message):
        backbones.load("VGG16", SHAPE, **{"weights": "random"} | settings)


def test_provenance_needs_a_base():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    with pytest.raises(CourseError, match=r"No layer of the model .* comes from backbones.load"):
        backbones.provenance(model)


def test_the_real_vgg16_is_what_keras_makes_of_the_same_file(mirror):
    path = sources.find("vgg16", mirror=mirror)[0]
    theirs = keras.applications.VGG16(weights=str(path), include_top=False, input_shape=SHAPE)
    prepared = keras.applications.vgg16.preprocess_input(IMAGES.astype("float32"))
    base = backbones.load("VGG16", SHAPE, mirror=mirror)
    np.testing.assert_array_equal(
        base.predict(IMAGES, verbose=0), theirs.predict(prepared, verbose=0)
    )
    assert backbones.provenance(base).digest.startswith("99b32de5670d4dc2")
