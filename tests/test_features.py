"""Features: the same as `predict`, computed once, and safe against crashes and damage."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from keras import layers

import cifarlib
from cifarlib import backbones
from cifarlib.backbones import feature_cache, features
from cifarlib.errors import CourseError

SHAPE = (32, 32, 3)
IMAGES = np.random.RandomState(0).randint(0, 256, (60, *SHAPE)).astype(np.uint8)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFARLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def base():
    return backbones.load("VGG16", SHAPE, weights="random", until="block1_pool", pooling="avg")


class Counting:
    """Stands before a base's `predict_on_batch` and counts images; may fail after some."""

    def __init__(self, base, monkeypatch, fail_after=None):
        self.images, self._fail, self._predict = 0, fail_after, base.predict_on_batch
        monkeypatch.setattr(base, "predict_on_batch", self)

    def __call__(self, batch):
        if self._fail is not None and self.images >= self._fail:
            raise KeyboardInterrupt
        self.images += len(batch)
        return self._predict(batch)


def chunks(cache):
    return sorted(cache.glob("features/*/*.npy"))


def save_every_batch(monkeypatch):
    monkeypatch.setattr(features, "SAVE_BYTES", 1)


def test_features_are_what_predict_gives_and_are_mapped(base):
    rows = features.extract(base, IMAGES)
    assert isinstance(rows, np.memmap)
    assert (rows.shape, rows.dtype) == ((60, 64), np.float32)
    np.testing.assert_allclose(rows, base.predict(IMAGES, verbose=0), rtol=1e-5)


def test_the_second_time_nothing_is_computed(base, monkeypatch):
    first = features.extract(base, IMAGES)
    counting = Counting(base, monkeypatch)
    np.testing.assert_array_equal(features.extract(base, IMAGES), first)
    assert counting.images == 0


def test_each_image_is_computed_once_whatever_set_it_is_in(base, monkeypatch):
    counting = Counting(base, monkeypatch)
    first = features.extract(base, IMAGES[:40])
    mixed = np.array([50, 3, 3, 41, 20, 50])
    rows = features.extract(base, IMAGES[mixed])
    assert counting.images == 40 + 2
    np.testing.assert_array_equal(rows[[1, 2, 4]], first[[3, 3, 20]])
    np.testing.assert_array_equal(rows[0], rows[5])


def test_a_caller_who_changes_the_array_changes_nothing_on_disk(base):
    rows = features.extract(base, IMAGES)
    before = rows[0].copy()
    rows[:] = 0
    np.testing.assert_array_equal(features.extract(base, IMAGES)[0], before)


def test_other_weights_cut_size_or_number_type_are_computed_anew(base, monkeypatch, cache):
    features.extract(base, IMAGES)
    bare = backbones.network("VGG16", SHAPE, weights="random", until="block1_pool", pooling="avg")
    bare.set_weights(base.get_weights())
    later = backbones.load("VGG16", SHAPE, weights="random", until="block2_pool", pooling="avg")
    larger = backbones.load(
        "VGG16", SHAPE, weights="random", until="block1_pool", pooling="avg", upscale_to=40
    )
    larger.set_weights(base.get_weights())
    for other in (bare, later, larger):
        features.extract(other, IMAGES)
    features.extract(base, IMAGES.astype("float32"))
    with monkeypatch.context() as patch:
        patch.setattr(features, "versions", lambda: {"keras": "9.9"})
        features.extract(base, IMAGES)
    assert len(list(cache.glob("features/*"))) == 6


def test_weights_that_were_trained_since_are_never_mixed_up():
    base = backbones.load("VGG16", SHAPE, weights="random", until="block1_pool", pooling="avg")
    before = np.array(features.extract(base, IMAGES))
    base.set_weights([weight * 1.5 for weight in base.get_weights()])
    assert not np.allclose(features.extract(base, IMAGES), before)


@pytest.mark.parametrize("name", ["InceptionV3", "MobileNet"])
def test_the_same_network_built_again_is_the_same(name, cache, monkeypatch):
    """Keras numbers its layers on; a session that builds another network first finds the cache."""
    settings = {"weights": "random", "upscale_to": 75, "pooling": "avg"}
    first, second = (
        keras.Sequential([keras.Input(SHAPE), backbones.load(name, SHAPE, **settings)])
        for _ in range(2)
    )
    second.set_weights(first.get_weights())
    second.trainable = False
    assert first.name != second.name
    features.extract(first, IMAGES[:3])
    counting = Counting(second, monkeypatch)
    features.extract(second, IMAGES[:3])
    assert counting.images == 0


def test_finished_chunks_survive_an_interruption(base, monkeypatch):
    save_every_batch(monkeypatch)
    with monkeypatch.context() as patch:
        Counting(base, patch, fail_after=30)
        with pytest.raises(KeyboardInterrupt):
            features.extract(base, IMAGES, batch_size=10)
    counting = Counting(base, monkeypatch)
    rows = features.extract(base, IMAGES, batch_size=10)
    assert counting.images == 30
    np.testing.assert_allclose(rows, base.predict(IMAGES, verbose=0), rtol=1e-5)


SLOW = """
import os, time, numpy as np
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import cifarlib
from cifarlib import backbones, features
features.SAVE_BYTES = 1
cifarlib.set_seed(0)
base = backbones.load("VGG16", (32, 32, 3), weights="random", until="block1_pool", pooling="avg")
images = np.random.RandomState(0).randint(0, 256, (60, 32, 32, 3)).astype(np.uint8)
predict = base.predict_on_batch
base.predict_on_batch = lambda batch: (time.sleep(PAUSE), predict(batch))[1]
print(len(features.extract(base, images, batch_size=5)), flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_a_killed_process_loses_at_most_one_chunk(cache):
    code = [sys.executable, "-c", SLOW.replace("PAUSE", "0.3")]
    process = subprocess.Popen(code, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(chunks(cache)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(chunks(cache))
    assert 3 <= kept < 12
    again = [sys.executable, "-c", SLOW.replace("PAUSE", "0")]
    done = subprocess.run(again, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["60"]
    assert len(chunks(cache)) == 12  # the first ones were found: five images each


@pytest.mark.parametrize("damage", ["flip a bit", "cut short", "empty"])
def test_damage_is_noticed_and_only_that_is_computed_again(
    base, monkeypatch, cache, capsys, damage
):
    save_every_batch(monkeypatch)
    right = np.array(features.extract(base, IMAGES, batch_size=10))
    path = chunks(cache)[2]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    whole = {"flip a bit": content, "cut short": content[:500], "empty": b""}[damage]
    path.write_bytes(whole)
    counting = Counting(base, monkeypatch)
    np.testing.assert_allclose(features.extract(base, IMAGES), right, rtol=1e-5)
    assert counting.images == 10
    said = capsys.readouterr().out
    assert said == "Cached features: 1 file damaged; what was in there is computed again.\n"


def test_a_half_written_file_is_passed_over(base, cache, capsys):
    features.extract(base, IMAGES)
    path = chunks(cache)[0]
    (path.parent / f".{path.name}.abc.part").write_bytes(path.read_bytes()[:100])
    features.extract(base, IMAGES)
    assert capsys.readouterr().out == ""


def test_a_full_disk_is_explained_and_loses_nothing(base, monkeypatch, cache):
    save_every_batch(monkeypatch)
    real, calls = feature_cache.write_atomic, []

    def write(path, content):
        calls.append(path)
        if len(calls) > 3:
            raise CourseError(f"Could not write {path}: No space left on device.")
        real(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(feature_cache, "write_atomic", write)
        with pytest.raises(CourseError, match=r"No space left.* kept, and work goes on") as caught:
            features.extract(base, IMAGES, batch_size=10)
    assert "CIFARLIB_CACHE" in str(caught.value)
    assert len(chunks(cache)) == 2
    counting = Counting(base, monkeypatch)
    features.extract(base, IMAGES)
    assert counting.images == 40


def test_a_cache_that_cannot_be_made_is_explained(base, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match=r"Could not write .*file.*CIFARLIB_CACHE"):
        features.extract(base, IMAGES, cache=tmp_path / "file")


def test_a_read_only_cache_that_holds_everything_is_enough(base, monkeypatch):
    first = features.extract(base, IMAGES)
    monkeypatch.setattr(feature_cache.os, "access", lambda path, mode: False)
    monkeypatch.setattr(feature_cache, "write_atomic", None)
    np.testing.assert_array_equal(features.extract(base, IMAGES), first)


def test_no_room_for_the_answer_is_explained(base, monkeypatch):
    features.extract(base, IMAGES)

    def refuse(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(feature_cache.tempfile, "TemporaryFile", refuse)
    with pytest.raises(CourseError, match=r"No room for 0 MB of features .*No space left"):
        features.extract(base, IMAGES)


def test_where_the_cache_is(monkeypatch, tmp_path, cache):
    assert feature_cache.cache_folder() == cache
    assert feature_cache.cache_folder(tmp_path) == tmp_path
    monkeypatch.delenv("CIFARLIB_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(feature_cache.sys, "platform", "linux")
    assert feature_cache.cache_folder() == tmp_path / "xdg" / "cifarlib"


@pytest.fixture(scope="module")
def data():
    full = cifarlib.load("cifar10", source="embedded", n_train=200)
    cut = {name: getattr(full, name)[:60] for name in ("x_val", "y_val", "x_test", "y_test")}
    return dataclasses.replace(full, **cut)


def test_a_data_set_of_features_trains_evaluates_and_knows_its_origin(base, data, tmp_path):
    small = features.dataset(base, data)
    assert small.x_train.shape == (200, 64)
    assert small.input_shape == (64,)
    np.testing.assert_array_equal(small.y_test, data.y_test)
    cifarlib.set_seed(0)
    head = keras.Sequential([keras.Input((64,)), layers.Dense(10, activation="softmax")])
    head.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    run = cifarlib.fit(head, small, epochs=2)
    assert run.n_train == 200
    assert cifarlib.evaluate(head, small.x_test, small.y_test).labels.shape == (60,)
    facts = small.as_dict()
    assert facts["provenance"]["digest"] == data.provenance.digest
    assert facts["base"]["network"] == "VGG16"
    assert facts["base"]["weights"]["source"] == "random"
    assert facts["title"].endswith("through VGG16 WITH RANDOM WEIGHTS")
    assert "200 train, 60 val, 60 test images as features of 64" in repr(small)


def test_training_on_features_is_training_with_the_frozen_base(data):
    """The same head, seed and order of images: the same losses, with the base run or not."""
    cifarlib.set_seed(0)
    base = backbones.load("VGG16", SHAPE, weights="random", until="block2_pool")
    backbones.freeze(base)

    def train(dataset, body):
        cifarlib.set_seed(1)
        tail = [layers.Flatten(), layers.Dense(16, activation="relu")]
        model = keras.Sequential([*body, *tail, layers.Dense(10, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return cifarlib.fit(model, dataset, epochs=2).history

    small = features.dataset(base, data)
    through = train(small, [keras.Input(small.input_shape)])
    whole = train(data, [base])
    for metric, values in whole.items():
        np.testing.assert_allclose(through[metric], values, rtol=1e-3, err_msg=metric)


def test_progress_is_quiet_on_request(base, monkeypatch, capfd):
    monkeypatch.setattr("cifarlib._support.progress.PATIENCE", 0)
    monkeypatch.setenv("CIFARLIB_QUIET", "1")
    features.extract(base, IMAGES)
    assert capfd.readouterr().err == ""
    monkeypatch.delenv("CIFARLIB_QUIET")
    features.extract(base, IMAGES[::-1] // 2)
    assert "features" in capfd.readouterr().err


def test_no_images_give_no_rows(base):
    assert features.extract(base, IMAGES[:0]).shape == (0, 64)


def test_images_of_another_size_are_refused(base):
    with pytest.raises(CourseError, match=r"takes images of 32x32x3, but these have the shape"):
        features.extract(base, np.zeros((5, 28, 28, 1), np.uint8))


def test_a_model_of_another_kind_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    two = keras.Input((4,)), keras.Input((4,))
    for model in (Own(), keras.Model(two, layers.Add()(two))):
        with pytest.raises(CourseError, match="needs a functional or Sequential model with one"):
            features.extract(model, IMAGES)


def test_networks_and_features_work_on_jax(cache):
    preprocessing = """
from keras.applications.vgg16 import preprocess_input
ready = base.get_layer("preprocess")(images.astype("float32"))
np.testing.assert_allclose(ready, preprocess_input(images.astype("float32")), atol=1e-5)
backbones.freeze(base)
assert not base.trainable_weights
"""
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    code = [sys.executable, "-c", SLOW.replace("PAUSE", "0") + preprocessing]
    done = subprocess.run(code, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["60"]
    (facts,) = cache.glob("features/*/facts.json")
    assert '"backend": "jax' in facts.read_text()
