"""Features: the same as `predict`, computed once, and safe against crashes and damage."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import cifarlib
from cifarlib import backbones
from cifarlib.backbones import feature_cache, features, layer_code
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


@pytest.mark.large
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


ALONE = """
import os, signal, numpy as np
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import cifarlib
from cifarlib import backbones
from cifarlib.backbones import features
features.SAVE_BYTES = 1
cifarlib.set_seed(0)
base = backbones.load("VGG16", (32, 32, 3), weights="random", until="block1_pool", pooling="avg")
images = np.random.RandomState(0).randint(0, 256, (60, 32, 32, 3)).astype(np.uint8)
predict, batches = base.predict_on_batch, []
def counting(batch):
    batches.append(1)
    if len(batches) == KILLED_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    return predict(batch)
base.predict_on_batch = counting
print(len(features.extract(base, images, batch_size=5)), flush=True)
"""


@pytest.mark.process
@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_a_killed_process_loses_at_most_one_chunk(cache):
    code = [sys.executable, "-c", ALONE.replace("KILLED_AT", "7")]
    killed = subprocess.run(code, capture_output=True, text=True)
    assert (killed.returncode, killed.stdout) == (-9, ""), killed.stderr
    assert len(chunks(cache)) == 6  # each that was computed; the seventh was begun
    again = [sys.executable, "-c", ALONE.replace("KILLED_AT", "0")]
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


def model(*first, activation=None):
    """A small model, the same each time but for the layers it begins with."""
    same = keras.initializers.GlorotUniform(seed=1)
    last = layers.Conv2D(4, 3, activation=activation, kernel_initializer=same)
    return keras.Sequential([keras.Input((8, 8, 3)), *first, last])


def scaling_layer(by):
    """A custom layer as a notebook defines it: with another `by` it is code that was edited."""

    @keras.saving.register_keras_serializable("notebook")
    class Scaling(layers.Layer):
        def call(self, images):
            return keras.ops.cast(images, "float32") * by

        def compute_output_shape(self, input_shape):
            return input_shape

    return Scaling(name="scaling")


def nested_model(by):
    class Nested(keras.Model):
        def call(self, images):
            return keras.ops.cast(images, "float32") * by

    return Nested(name="nested")


def times(by):
    def activation(x):
        return x * by

    return activation


def relu(x):
    """Not Keras's: in a configuration both are called "relu"."""
    return x * 7


class CaffeColors(backbones.CaffeColors):
    """Not the course's."""

    def call(self, images):
        return images * 3


def same_name(by):
    return CaffeColors(name="p") if by == 1 else backbones.CaffeColors(name="p")


FOREIGN = {
    "a custom layer": (lambda by: model(scaling_layer(by)), "scaling"),
    "a layer inside another": (
        lambda by: model(
            layers.Reshape((8, 8, 3, 1)),
            layers.TimeDistributed(scaling_layer(by), name="each"),
            layers.Reshape((8, 8, 3)),
        ),
        "scaling",
    ),
    "a subclassed model": (lambda by: model(nested_model(by)), "nested"),
    "a Lambda": (lambda by: model(layers.Lambda(lambda x: x * by, name="times")), "times"),
    "a Lambda in a model in a model": (
        lambda by: keras.Sequential(
            [keras.Input((8, 8, 3)), model(layers.Lambda(lambda x: x * by, name="times"))]
        ),
        "times",
    ),
    "a custom activation": (lambda by: model(layers.Activation(times(by), name="a")), "a"),
    "one with a name that Keras has": (
        lambda by: model(layers.Activation(relu if by == 1 else "relu", name="a")),
        "a",
    ),
}


@pytest.mark.parametrize("which", FOREIGN)
def test_features_of_code_that_is_not_kerass_are_never_old_ones(which, cache, capsys):
    build, layer = FOREIGN[which]
    images = IMAGES[:5, :8, :8]
    for by in (1, 2):
        base = build(by)
        rows = features.extract(base, images)
        said = capsys.readouterr().out
        if which != "one with a name that Keras has" or by == 1:
            assert said.count("\n") == 1
            assert f'not kept: its layer "{layer}" ' in said
            assert not list(cache.rglob("*.npy"))
        np.testing.assert_allclose(rows, base.predict(images, verbose=0), rtol=1e-5)


def test_a_global_that_a_lambda_reads_may_change_between_two_calls(cache, monkeypatch):
    monkeypatch.setitem(globals(), "by", 1.0)
    base = model(layers.Lambda(lambda x: x * by))  # noqa: F821
    images = IMAGES[:5, :8, :8]
    first = features.extract(base, images)
    monkeypatch.setitem(globals(), "by", 2.0)
    np.testing.assert_allclose(features.extract(base, images), 2 * first, rtol=1e-5)


def test_what_was_gathered_outlives_its_temporary_store(cache):
    rows = features.extract(model(scaling_layer(1)), IMAGES[:5, :8, :8])
    assert isinstance(rows, np.memmap)
    assert list(cache.iterdir()) == []
    assert np.isfinite(rows).all()
    assert rows.any()


def test_a_layer_that_takes_the_name_of_one_of_the_course_is_not_believed():
    assert "CaffeColors of test_features" in layer_code.foreign_code(model(CaffeColors()))
    assert layer_code.foreign_code(model(backbones.CaffeColors())) is None


def test_a_model_of_keras_layers_and_functions_is_kept(cache, capsys):
    x = images = keras.Input((8, 8, 3))
    x = layers.TimeDistributed(layers.Conv1D(4, 3, activation="gelu"))(x)
    x = layers.Dense(3, activation=keras.activations.tanh, kernel_regularizer="l2")(x)
    x = layers.PReLU()(keras.ops.sqrt(keras.ops.abs(x) + 1.0))
    base = keras.Model(images, layers.Activation(layers.LeakyReLU(0.1))(x))
    base.compile("sgd", loss=lambda y, p: keras.ops.mean(p))  # not part of what it predicts
    outer = keras.Sequential([keras.Input((8, 8, 3)), base, layers.GlobalMaxPooling2D()])
    features.extract(outer, IMAGES[:5, :8, :8])
    assert len(chunks(cache)) == 1
    outer.compile("adam", "mse")
    base.compile("adam", "mse")
    features.extract(outer, IMAGES[:5, :8, :8])
    assert capsys.readouterr().out == ""
    assert len(chunks(cache)) == 1


def test_the_source_of_the_courses_own_layers_is_in_the_key(base, tmp_path, cache):
    features.extract(base, IMAGES)
    (facts,) = cache.glob("features/*/facts.json")
    digest = layer_code.source_digest(backbones.CaffeColors)
    assert json.loads(facts.read_text())["code"] == {"cifarlib.backbones.preprocessing": digest}

    copy = tmp_path / "copied_preprocessing.py"
    copy.write_bytes(Path(inspect.getfile(backbones.CaffeColors)).read_bytes())
    spec = importlib.util.spec_from_file_location("copied_preprocessing", copy)
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    keras.saving.register_keras_serializable("cifarlib")(backbones.CaffeColors)
    assert layer_code.source_digest(module.CaffeColors) == digest
    copy.write_text(copy.read_text().replace("103.939", "103.9"))
    assert layer_code.source_digest(module.CaffeColors) != digest
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def data():
    full = cifarlib.load("cifar10", source="embedded", n_train=200)
    cut = {name: getattr(full, name)[:60] for name in ("x_val", "y_val", "x_test", "y_test")}
    return dataclasses.replace(full, **cut)


@pytest.mark.training
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


@pytest.mark.training
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


@pytest.mark.process
@pytest.mark.slow
def test_networks_and_features_work_on_jax(cache):
    preprocessing = """
from keras.applications.vgg16 import preprocess_input
ready = base.get_layer("preprocess")(images.astype("float32"))
np.testing.assert_allclose(ready, preprocess_input(images.astype("float32")), atol=1e-5)
backbones.freeze(base)
assert not base.trainable_weights
"""
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    code = [sys.executable, "-c", ALONE.replace("KILLED_AT", "0") + preprocessing]
    done = subprocess.run(code, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["60"]
    (facts,) = cache.glob("features/*/facts.json")
    assert '"backend": "jax' in facts.read_text()
