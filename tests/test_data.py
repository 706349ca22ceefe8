"""Data sets as notebooks get them: splits, subsets, labels, origin."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from conftest import make_cifar10, make_mnist
from work import calls, files_opened

from cifarlib.data.loading import DATASETS, load
from cifarlib.data.splits import SPLITS, split_indices, stratified_sample
from cifarlib.errors import CourseError

LABELS = np.random.RandomState(1).randint(0, 10, 1_000)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("split", SPLITS)
def test_every_split_of_every_data_set(name, split):
    data = load(name, source="embedded", split=split)
    assert data.split == split
    for x, y in (
        (data.x_train, data.y_train),
        (data.x_val, data.y_val),
        (data.x_test, data.y_test),
    ):
        assert (x.dtype, y.dtype) == (np.uint8, np.int32)
        assert x.shape == (len(y), *data.input_shape)
        assert set(np.unique(y)) == set(range(data.n_classes))
    assert "stand-in" in data.title
    assert "stand-in" in repr(data)


@pytest.mark.parametrize("split", SPLITS)
def test_training_and_validation_images_are_disjoint(split):
    train, val = split_indices(split, LABELS)
    assert not set(train) & set(val)
    expected = 600 if split == "R0-slice" else 1_000
    assert len(train) + len(val) == len(set(train) | set(val)) == expected


@pytest.mark.parametrize(
    ("split", "n_train", "n_val"),
    [
        ("stratified", 45_000, 5_000),
        ("R0-slice", 15_000, 15_000),
        ("R0-repaired", 35_000, 15_000),
        ("R1-last-10", 45_000, 5_000),
        ("R2-last-20", 40_000, 10_000),
        ("R4-80-20", 40_000, 10_000),
    ],
)
def test_sizes_are_the_reports(split, n_train, n_val):
    train, val = split_indices(split, np.arange(50_000) % 10)
    assert (len(train), len(val)) == (n_train, n_val)


def test_r0_repaired_keeps_the_validation_images_and_gives_back_the_rest():
    slip_train, slip_val = split_indices("R0-slice", LABELS, seed=3)
    train, val = split_indices("R0-repaired", LABELS, seed=3)
    np.testing.assert_array_equal(val, slip_val)
    np.testing.assert_array_equal(train[: len(slip_train)], slip_train)


def test_r1_and_r2_take_the_last_images_as_keras_does():
    for split, first in (("R1-last-10", 900), ("R2-last-20", 800)):
        train, val = split_indices(split, LABELS, seed=5)
        np.testing.assert_array_equal(train, np.arange(first))
        np.testing.assert_array_equal(val, np.arange(first, 1_000))


@pytest.mark.parametrize("n", [1_000, 1_003])
def test_r4_is_scikit_learns_train_test_split(n):
    from sklearn.model_selection import train_test_split

    expected = train_test_split(np.arange(n), test_size=0.2, random_state=7)
    for ours, theirs in zip(split_indices("R4-80-20", np.zeros(n), 7), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_stratified_samples_keep_each_class_in_its_share():
    counts = np.bincount(LABELS)
    drawn = stratified_sample(LABELS, 333, np.random.RandomState(0))
    assert len(set(drawn)) == 333
    assert np.abs(np.bincount(LABELS[drawn]) - counts * 0.333).max() < 1


def test_the_seed_decides_and_nothing_else():
    first, again, other = (load("mnist", source="embedded", seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.x_val, again.x_val)
    assert not np.array_equal(first.x_val, other.x_val)
    np.testing.assert_array_equal(first.x_test, other.x_test)


def test_n_train_takes_training_images_only():
    full = load("cifar10", source="embedded")
    part = load("cifar10", source="embedded", n_train=500)
    np.testing.assert_array_equal(part.x_val, full.x_val)
    np.testing.assert_array_equal(part.x_test, full.x_test)
    assert np.bincount(part.y_train).tolist() == [50] * 10
    known = {image.tobytes() for image in full.x_train}
    assert all(image.tobytes() in known for image in part.x_train)
    assert len(load("cifar10", source="embedded", n_train=10**6).x_train) == 2_250


@pytest.mark.parametrize(
    ("n_train", "message"),
    [(9, "at least 10, one image for each class"), (0, "at least 10"), (0.5, "a whole number")],
)
def test_a_useless_n_train_is_refused(n_train, message):
    with pytest.raises(CourseError, match=message):
        load("mnist", source="embedded", n_train=n_train)


def test_unknown_names_list_the_choices():
    with pytest.raises(CourseError, match=r"no data set 'cifar'.*mnist, cifar10, cats_vs_dogs"):
        load("cifar")
    with pytest.raises(CourseError, match=r"no split 'random'.*stratified, R0-slice"):
        load("mnist", split="random")


def test_cats_and_dogs_come_out_of_cifar10(tiny):
    make_cifar10(tiny)
    everything = load("cifar10", mirror=tiny)
    data = load("cats_vs_dogs", mirror=tiny)
    assert data.class_names == ("cat", "dog")
    assert data.title == "CIFAR-10: cats and dogs"
    np.testing.assert_array_equal(
        data.x_test[data.y_test == 1], everything.x_test[everything.y_test == 5]
    )
    assert len(data.x_val) == 8  # a fifth of 40
    assert data.provenance.digest == everything.provenance.digest


def test_a_data_set_describes_itself(tiny):
    make_mnist(tiny)
    data = load("mnist", mirror=tiny)
    assert repr(data) == (
        "MNIST: 54 train, 6 val, 20 test images of 28x28x1, 10 classes, "
        "split 'stratified', from mirror (not bit-exact)"
    )
    record = json.loads(json.dumps(data.as_dict()))
    assert (record["n_train"], record["input_shape"]) == (54, [28, 28, 1])
    assert record["provenance"]["exact"] is False
    assert str(tiny) not in json.dumps(record)
    assert data.provenance.location == str(tiny / "datasets/mnist.npz")


def test_a_data_set_is_frozen():
    data = load("mnist", source="embedded")
    with pytest.raises(AttributeError):
        data.x_train = data.x_test


@pytest.mark.large
def test_the_real_cifar10(mirror):
    data = load("cifar10", mirror=mirror)
    assert data.provenance.exact is not None
    assert (data.provenance.note == "") == data.provenance.exact
    assert np.bincount(data.y_train).tolist() == [4_500] * 10
    assert np.bincount(data.y_test).tolist() == [1_000] * 10
    assert data.class_names[data.y_test[0]] == "cat"
    first = load("cifar10", mirror=mirror, split="R1-last-10").x_train[0, 0, 0]
    assert first.tolist() == [59, 62, 63]  # as report R1 prints it


@pytest.mark.large
def test_the_real_cats_and_dogs_have_the_reports_sizes(mirror):
    data = load("cats_vs_dogs", mirror=mirror)
    for labels, each in ((data.y_train, 4_000), (data.y_val, 1_000), (data.y_test, 1_000)):
        assert np.bincount(labels).tolist() == [each, each]


@pytest.mark.large
def test_cifar10_loads_quickly_and_in_little_memory(mirror):
    """Each file is read once, and of an image's data nothing but its label is looked at alone."""
    load("mnist", mirror=mirror)  # what is read once in a process is read here
    with files_opened() as opened, calls() as called:
        load("cifar10", mirror=mirror)

    tracemalloc.start()
    load("cifar10", mirror=mirror)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert set(opened.values()) == {1}
    assert len(opened) <= 7
    assert called.total() < 60_000 + 5_000
    assert peak < 600e6


@pytest.mark.process
def test_loading_imports_no_framework(mirror):
    script = (
        "import sys, cifarlib; cifarlib.load('mnist', mirror=sys.argv[1]); "
        "heavy = {'keras', 'tensorflow', 'sklearn', 'matplotlib', 'PIL'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(mirror)], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
