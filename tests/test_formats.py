"""Reading of files that may be damaged or malicious."""

from __future__ import annotations

import builtins
import os
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from conftest import N_BATCH, make_cifar10, make_mnist

from cifarlib._support.digests import array_digest
from cifarlib.data import readers
from cifarlib.errors import CourseError


def batch(**changes) -> dict:
    content = {b"data": np.zeros((N_BATCH, 3072), np.uint8), b"labels": [0] * N_BATCH}
    return content | {key.encode(): value for key, value in changes.items()}


def python2_batch(data: np.ndarray, labels: list[int]) -> bytes:
    """Pickle a batch as Python 2 and its NumPy did, which is how the official files are made."""
    raw = data.tobytes()
    return b"".join(
        [
            b"\x80\x02}(U\x04data",
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R",
            b"(K\x01M" + struct.pack("<H", data.shape[0]) + b"M" + struct.pack("<H", data.shape[1]),
            b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff",
            b"\xffK\x00tb\x89T" + struct.pack("<I", len(raw)) + raw + b"tb",
            b"U\x06labels](" + b"".join(b"K" + bytes([n]) for n in labels) + b"eu.",
        ]
    )


def test_a_batch_in_the_official_python_2_form_is_read():
    data = np.arange(N_BATCH * 3072, dtype=np.int64).reshape(N_BATCH, 3072).astype(np.uint8)
    labels = [n % 10 for n in range(N_BATCH)]
    content = python2_batch(data, labels)
    np.testing.assert_array_equal(pickle.loads(content, encoding="bytes")[b"data"], data)

    pixels, numbers = readers.parse_batch(content, Path("here"), N_BATCH)

    np.testing.assert_array_equal(pixels.reshape(N_BATCH, 3072), data)
    assert numbers == labels


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_batch_written_by_python_3_is_read(protocol):
    data = np.arange(N_BATCH * 3072, dtype=np.int64).reshape(N_BATCH, 3072).astype(np.uint8)
    content = pickle.dumps(batch(data=data), protocol=protocol)
    pixels, _ = readers.parse_batch(content, Path("here"), N_BATCH)
    np.testing.assert_array_equal(pixels.reshape(N_BATCH, 3072), data)


def test_rows_become_images_with_the_channels_last(tmp_path):
    folder = make_cifar10(tmp_path)
    arrays, exact = readers.read_cifar10(folder, N_BATCH)
    second = pickle.loads((folder / "data_batch_2").read_bytes(), encoding="bytes")
    expected = second[b"data"].reshape(N_BATCH, 3, 32, 32).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(arrays.x_train[N_BATCH : 2 * N_BATCH], expected)
    assert arrays.x_train.shape == (5 * N_BATCH, 32, 32, 3)
    assert (arrays.x_test.dtype, arrays.y_test.dtype) == (np.uint8, np.int32)
    assert list(arrays.y_test[:11]) == [*range(10), 0]
    assert exact is False


class Attack:
    """A pickle of it calls `function(argument)` when it is loaded carelessly."""

    def __init__(self, function, argument):
        self.call = function, (argument,)

    def __reduce__(self):
        return self.call


@pytest.mark.process
@pytest.mark.parametrize(
    ("function", "refused"),
    [(os.system, "system"), (builtins.exec, "builtins.exec"), (np.load, "numpy.load")],
)
@pytest.mark.parametrize("place", ["whole", "data", "labels"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_malicious_batch_is_refused_and_not_executed(
    tmp_path, function, refused, place, protocol
):
    folder = make_cifar10(tmp_path)
    marker = tmp_path / "executed"
    command = f"open({str(marker)!r}, 'w')" if function is builtins.exec else f"touch '{marker}'"
    attack = Attack(function, command)
    content = pickle.dumps(attack if place == "whole" else batch(**{place: attack}), protocol)
    (folder / "data_batch_4").write_bytes(content)

    with pytest.raises(
        CourseError, match=r"data_batch_4 was refused: .*nothing in it was exec"
    ) as e:
        readers.read_cifar10(folder, N_BATCH)

    assert refused in str(e.value) or refused.replace("builtins", "__builtin__") in str(e.value)
    assert not marker.exists()
    if function is not np.load:  # the attack is a real one
        pickle.loads(pickle.dumps(attack))
        assert marker.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged or cut short: its 0 bytes"),
        (pickle.dumps(batch())[:-900], "damaged or cut short"),
        (b"<html>not found</html>", "damaged or cut short"),
        (pickle.dumps([1, 2]), "is no CIFAR-10 batch: it holds list"),
        (pickle.dumps({b"data": [1]}), "is no CIFAR-10 batch"),
        (pickle.dumps(batch(data=np.zeros((9, 3072), np.uint8))), r"u1 of shape \(9, 3072\)"),
        (pickle.dumps(batch(data=np.zeros((N_BATCH, 3072), np.int16))), "i2 of shape"),
        (pickle.dumps(batch(data=np.array([object]))), "refused|O8 of shape"),
        (pickle.dumps(batch(labels=[0])), "has 1 entries; expected 40 integers from 0 to 9"),
        (pickle.dumps(batch(labels=[10] * N_BATCH)), "integers from 0 to 9"),
        (pickle.dumps(batch(labels=["0"] * N_BATCH)), "integers from 0 to 9"),
    ],
)
def test_a_bad_batch_is_named_with_what_was_expected_and_what_to_do(tmp_path, content, message):
    folder = make_cifar10(tmp_path)
    (folder / "data_batch_3").write_bytes(content)
    with pytest.raises(CourseError, match=message) as caught:
        readers.read_cifar10(folder, N_BATCH)
    assert str(folder / "data_batch_3") in str(caught.value)
    assert f"Delete {folder}, then type `cifarlib data fetch`" in str(caught.value)


def test_a_missing_batch_is_named(tmp_path):
    folder = make_cifar10(tmp_path)
    (folder / "test_batch").unlink()
    with pytest.raises(CourseError, match="test_batch cannot be read"):
        readers.read_cifar10(folder, N_BATCH)


def make_tar(tmp_path, leave_out: str = ""):
    folder = make_cifar10(tmp_path)
    (folder / leave_out).unlink() if leave_out else None
    path = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "cifar-10-batches-py")
    return folder, path


def test_an_archive_is_read_like_its_folder(tmp_path):
    folder, archive = make_tar(tmp_path)
    from_tar, _ = readers.read_cifar10(archive, N_BATCH)
    from_folder, _ = readers.read_cifar10(folder, N_BATCH)
    assert array_digest(from_tar) == array_digest(from_folder)


def test_an_archive_cut_short_is_named(tmp_path):
    _, archive = make_tar(tmp_path)
    archive.write_bytes(archive.read_bytes()[:-5000])
    with pytest.raises(CourseError, match=r"cifar-10-python.tar.gz is a damaged archive"):
        readers.read_cifar10(archive, N_BATCH)


def test_an_archive_that_lacks_a_batch_is_named(tmp_path):
    _, archive = make_tar(tmp_path, leave_out="data_batch_5")
    with pytest.raises(CourseError, match=r"tar.gz lacks data_batch_5"):
        readers.read_cifar10(archive, N_BATCH)


def test_mnist_gets_one_channel(tmp_path):
    arrays, exact = readers.read_mnist(make_mnist(tmp_path), 60, 20)
    assert arrays.x_train.shape == (60, 28, 28, 1)
    assert arrays.y_train.dtype == np.int32
    assert exact is False


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"x_train": np.zeros((60, 32, 32), np.uint8)},
            r"x_train is uint8 of shape \(60, 32, 32\)",
        ),
        ({"x_test": np.zeros((20, 28, 28))}, r"x_test is float64 .* uint8 of shape \(20, 28, 28\)"),
        ({"y_train": np.zeros((60, 1), np.uint8)}, "y_train is uint8 of shape"),
        ({"y_test": None}, "lacks the array y_test"),
        ({"y_test": np.full(20, 12, np.uint8)}, "y_test holds the label 12"),
        ({"x_train": np.array([{}] * 60)}, "allow_pickle=False"),
    ],
)
def test_wrong_mnist_arrays_are_named(tmp_path, changes, message):
    path = make_mnist(tmp_path, **changes)
    with pytest.raises(CourseError, match=message) as caught:
        readers.read_mnist(path, 60, 20)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"junk", "half", "npy"])
def test_a_damaged_mnist_file_is_named(tmp_path, content):
    path = make_mnist(tmp_path)
    if content == "half":
        content = path.read_bytes()[: path.stat().st_size // 2]
    if content == "npy":
        np.save(tmp_path / "one.npy", np.zeros(3))
        content = (tmp_path / "one.npy").read_bytes()
    path.write_bytes(content)
    with pytest.raises(CourseError, match=r"mnist.npz cannot be read as an .npz archive"):
        readers.read_mnist(path, 60, 20)
