"""Verifying, fetching and bundling."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from conftest import make_cifar10, make_mnist

from cifarlib._support.digests import file_digest
from cifarlib.data import mirror, readers, sources
from cifarlib.errors import CourseError

BATCHES = "datasets/cifar-10-batches-py/"
WEIGHTS = sources.LAYOUTS["vgg16"][0]


def make_weights(root, n_values=14_714_688):
    path = root / WEIGHTS
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.create_dataset("a/kernel", (n_values - 64,), np.float32)  # unwritten, so not stored
        file.create_dataset("a/bias", (64,), np.float32)
    return path


def statuses(rows) -> dict[str, str]:
    return {row.file: row.status for row in rows}


def test_verify_gives_every_file_a_row(tiny):
    make_mnist(tiny)
    make_cifar10(tiny)
    make_weights(tiny)
    rows = mirror.verify(tiny)
    assert len(rows) == 1 + 7 + 1
    assert set(statuses(rows).values()) == {"not official"}
    assert all(row.ok for row in rows)


def test_verify_recognizes_official_content(tiny, monkeypatch):
    folder = make_cifar10(tiny)
    for name in readers.CIFAR10_MD5:
        monkeypatch.setitem(readers.CIFAR10_MD5, name, file_digest(folder / name, "md5"))
        monkeypatch.setitem(mirror._CIFAR10_MD5, name, readers.CIFAR10_MD5[name])
    rows = statuses(mirror.verify(tiny))
    assert rows[BATCHES + "test_batch"] == "official"
    assert sources.arrays("cifar10", mirror=tiny).provenance.exact is True
    assert sources.arrays("cifar10", mirror=tiny).provenance.note == ""


def test_verify_finds_damage_and_gaps(tiny):
    folder = make_cifar10(tiny)
    (folder / "data_batch_3").write_bytes(b"")
    (folder / "test_batch").unlink()
    make_weights(tiny, 1000)
    rows = {row.file: row for row in mirror.verify(tiny)}
    assert rows["datasets/mnist.npz"].status == "missing"
    assert rows[BATCHES + "data_batch_3"].status == "damaged"
    assert "data_batch_3 is damaged or cut short" in rows[BATCHES + "data_batch_3"].detail
    assert rows[BATCHES + "test_batch"].status == "missing"
    assert "1,000 values" in rows[WEIGHTS].detail
    assert not any(rows[BATCHES + name].ok for name in ("data_batch_3", "test_batch"))


def test_verify_names_weights_that_are_no_hdf5(tiny):
    make_weights(tiny).write_bytes(b"<html>")
    assert statuses(mirror.verify(tiny))[WEIGHTS] == "damaged"


def test_verify_refuses_a_mirror_that_does_not_exist(tiny):
    with pytest.raises(CourseError, match="is not a folder here"):
        mirror.verify(tiny / "nowhere")


def test_fetch_goes_on_after_a_failure(tiny):
    make_mnist(tiny)
    rows = statuses(mirror.fetch(["cifar10", "mnist"], tiny))
    assert rows == {"cifar10": "failed", "mnist": "not official"}


def test_fetch_reports_damage(tiny):
    make_mnist(tiny).write_bytes(b"")
    (row,) = mirror.fetch(["mnist"], tiny)
    assert row.status == "damaged"
    assert "then type `cifarlib data fetch`" in row.detail


def test_cats_vs_dogs_needs_cifar10(tiny):
    make_cifar10(tiny)
    assert statuses(mirror.fetch(["cats_vs_dogs", "cifar10"], tiny)) == {"cifar10": "not official"}


def test_a_bundle_is_a_mirror_with_the_same_content(tiny, tmp_path):
    cache = sources.keras_home()
    make_mnist(cache)
    make_cifar10(cache, "datasets/cifar-10-batches-py-target/cifar-10-batches-py")
    make_weights(cache)

    rows = mirror.bundle(tmp_path / "bundle")

    assert set(statuses(rows).values()) == {"copied"}
    assert len(rows) == 9
    for name in sources.DATASETS:
        copy = sources.arrays(name, "mirror", tmp_path / "bundle").provenance
        assert copy.digest == sources.arrays(name, "cache").provenance.digest
    again = mirror.bundle(tmp_path / "bundle")
    assert set(statuses(again).values()) == {"already there"}
    assert not [p for p in (tmp_path / "bundle").rglob("*") if p.name.startswith(".")]


def test_a_bundle_repairs_a_bad_copy(tiny, tmp_path):
    make_mnist(sources.keras_home())
    bad = tmp_path / "bundle/datasets/mnist.npz"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"half")
    assert statuses(mirror.bundle(tmp_path / "bundle", ["mnist"])) == {
        "datasets/mnist.npz": "copied"
    }
    assert bad.stat().st_size > 1000


def test_damaged_data_is_not_bundled(tiny, tmp_path):
    make_mnist(sources.keras_home()).write_bytes(b"half")
    with pytest.raises(CourseError, match=r"mnist was not bundled.*cannot be read as an .npz"):
        mirror.bundle(tmp_path / "bundle", ["mnist"])
    assert not (tmp_path / "bundle").exists()


def test_a_bundle_of_nothing_explains_itself(tiny, tmp_path):
    with pytest.raises(CourseError, match="No MNIST found"):
        mirror.bundle(tmp_path / "bundle")


def test_unknown_items_list_the_choices(tiny):
    with pytest.raises(
        CourseError, match=r"no 'resnet' to get\. Choose from: mnist, cifar10, vgg16"
    ):
        mirror.fetch(["resnet"])


def test_the_real_mirror_is_whole(mirror_rows):
    assert all(row.ok for row in mirror_rows)
    assert statuses(mirror_rows)["datasets/mnist.npz"] == "official"


@pytest.fixture
def mirror_rows(request):
    return mirror.verify(request.getfixturevalue("mirror"))
