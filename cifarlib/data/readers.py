"""Reading the published files of MNIST and CIFAR-10 without trusting them."""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import struct
import tarfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from cifarlib.data.dataset import Arrays
from cifarlib.errors import CourseError

# MD5 of the four raw IDX files, as published with MNIST.
MNIST_MD5 = {
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}
# MD5 of the files inside the official cifar-10-python.tar.gz.
CIFAR10_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
CIFAR10_META_MD5 = "5ff9c542aee3614f3951f8cda6e48888"  # batches.meta, which holds only names


def _repair(path: Path) -> str:
    return (
        f"Delete {path}, then type `cifarlib data fetch`, "
        "or copy it again from a mirror that `cifarlib data verify` accepts."
    )


def read_mnist(path: Path, n_train: int = 60_000, n_test: int = 10_000) -> tuple[Arrays, bool]:
    """Read Keras's `mnist.npz`; also say whether its content is the official MNIST.

    Raises:
        CourseError: the file cannot be read, or an array is missing or of the wrong form.
    """
    shapes = {
        "x_train": (n_train, 28, 28),
        "y_train": (n_train,),
        "x_test": (n_test, 28, 28),
        "y_test": (n_test,),
    }
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in shapes if name in file}
    except Exception as error:  # a damaged archive can raise nearly anything
        raise CourseError(
            f"{path} cannot be read as an .npz archive ({_reason(error)}). Expected the arrays "
            f"{', '.join(shapes)}. {_repair(path)}"
        ) from error
    for name, shape in shapes.items():
        if name not in found:
            raise CourseError(
                f"{path} lacks the array {name}. It must hold {', '.join(shapes)}. {_repair(path)}"
            )
        array = found[name]
        if array.shape != shape or array.dtype != np.uint8:
            raise CourseError(
                f"{path}: {name} is {array.dtype} of shape {array.shape}; "
                f"MNIST's is uint8 of shape {shape}. {_repair(path)}"
            )
        if name.startswith("y") and array.max() > 9:
            raise CourseError(
                f"{path}: {name} holds the label {array.max()}; expected 0 to 9. {_repair(path)}"
            )
    exact = all(_idx_md5(found[name]) == md5 for name, md5 in MNIST_MD5.items())
    return Arrays(
        found["x_train"][..., np.newaxis],
        found["y_train"].astype(np.int32),
        found["x_test"][..., np.newaxis],
        found["y_test"].astype(np.int32),
    ), exact


def _idx_md5(array: np.ndarray) -> str:
    """Return the MD5 of the raw IDX file that holds this uint8 array."""
    header = struct.pack(f">{array.ndim + 1}I", 0x800 + array.ndim, *array.shape)
    total = hashlib.md5(header, usedforsecurity=False)
    total.update(np.ascontiguousarray(array))
    return total.hexdigest()


def read_cifar10(path: Path, n_batch: int = 10_000) -> tuple[Arrays, bool]:
    """Read CIFAR-10's six Python batch files; also say whether they are the official ones.

    Args:
        path: the folder that holds the files, or the `.tar.gz` in which they are published.
        n_batch: images in each file.

    Raises:
        CourseError: a file is missing, cut short, of the wrong form, or a pickle that asks
            for more than arrays. Nothing in a file is ever executed.
    """
    x_train = np.empty((5 * n_batch, 32, 32, 3), dtype=np.uint8)
    y_train = np.empty(5 * n_batch, dtype=np.int32)
    x_test = np.empty((n_batch, 32, 32, 3), dtype=np.uint8)
    y_test = np.empty(n_batch, dtype=np.int32)
    images = dict(zip(CIFAR10_MD5, [*np.split(x_train, 5), x_test], strict=True))  # views
    labels = dict(zip(CIFAR10_MD5, [*np.split(y_train, 5), y_test], strict=True))

    def fill(name: str, content: bytes) -> bool:
        pixels, numbers = parse_batch(content, path / name, n_batch=n_batch)
        for channel in range(3):  # one channel at a time is much faster than a transpose
            images[name][..., channel] = pixels[:, channel]
        labels[name][:] = numbers
        return hashlib.md5(content, usedforsecurity=False).hexdigest() == CIFAR10_MD5[name]

    if path.is_dir():
        with ThreadPoolExecutor(2) as pool:
            read = pool.map(lambda name: fill(name, file_content(path / name)), CIFAR10_MD5)
            official = list(read)
    else:
        official = [fill(name, content) for name, content in tar_members(path, list(CIFAR10_MD5))]
    return Arrays(x_train, y_train, x_test, y_test), all(official)


def parse_batch(content: bytes, where: Path, n_batch: int = 10_000) -> tuple[np.ndarray, list[int]]:
    """Return a batch file's images, uint8 `(n, 3, 32, 32)`, and labels; see `read_cifar10`."""
    try:
        batch = _BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
    except _RefusedError as error:
        raise CourseError(
            f"{where} was refused: the pickle asks for `{error}`, which is no part of a NumPy "
            f"array. It may be malicious; nothing in it was executed. {_repair(where.parent)}"
        ) from error
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise CourseError(
            f"{where} is damaged or cut short: its {len(content):,} bytes are not a whole pickle "
            f"({_reason(error)}). A CIFAR-10 batch has about 31 MB. {_repair(where.parent)}"
        ) from error
    data = batch.get(b"data") if isinstance(batch, dict) else None
    labels = batch.get(b"labels") if isinstance(batch, dict) else None
    if not isinstance(data, _PickledArray) or not isinstance(labels, list):
        keys = sorted(map(str, batch)) if isinstance(batch, dict) else type(batch).__name__
        raise CourseError(
            f"{where} is no CIFAR-10 batch: it holds {keys}. "
            f"Expected an array b'data' and a list b'labels'. {_repair(where.parent)}"
        )
    pixels = data.as_uint8()
    if pixels is None or pixels.shape != (n_batch, 3072):
        raise CourseError(
            f"{where}: b'data' is {data}; expected uint8 of shape ({n_batch}, 3072). "
            f"{_repair(where.parent)}"
        )
    if len(labels) != n_batch or any(type(n) is not int or not 0 <= n <= 9 for n in labels):
        raise CourseError(
            f"{where}: b'labels' has {len(labels):,} entries; "
            f"expected {n_batch:,} integers from 0 to 9. {_repair(where.parent)}"
        )
    return pixels.reshape(n_batch, 3, 32, 32), labels


def tar_members(path: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the named files of a tar archive, in the archive's order.

    Raises:
        CourseError: the archive is damaged or lacks one of the files.
    """
    missing = set(names)
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = Path(member.name).name
                if name in missing and member.isfile() and member.size < 2**26:
                    missing.remove(name)
                    yield name, archive.extractfile(member).read()
                if not missing:
                    return
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        raise CourseError(
            f"{path} is a damaged archive ({_reason(error)}). "
            f"The official one has 170,498,071 bytes. {_repair(path)}"
        ) from error
    raise CourseError(f"{path} lacks {', '.join(sorted(missing))}. {_repair(path)}")


def file_content(path: Path) -> bytes:
    """Return a CIFAR-10 file's bytes.

    Raises:
        CourseError: it is not there or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CourseError(
            f"{path} cannot be read ({error.strerror}). CIFAR-10's folder must hold "
            f"{', '.join(CIFAR10_MD5)}. {_repair(path.parent)}"
        ) from error


class _RefusedError(Exception):
    """A pickle asked for something that is no part of an array."""


class _PickledType:
    """What `numpy.dtype(code, ...)` is read as."""

    def __init__(self, code: str | bytes, *_: Any) -> None:
        self.code = code.decode("latin1") if isinstance(code, bytes) else code

    def __setstate__(self, state: object) -> None:
        """Byte order and the like, without meaning for single bytes."""


class _PickledArray:
    """What a `numpy.ndarray` is read as, so that a pickle never makes NumPy do anything."""

    state: tuple = ()

    def __setstate__(self, state: tuple) -> None:
        self.state = state

    def __str__(self) -> str:
        if len(self.state) != 5:
            return "no array"
        return f"{getattr(self.state[2], 'code', '?')} of shape {self.state[1]}"

    def as_uint8(self) -> np.ndarray | None:
        """Return the array, or None if it is not a whole uint8 array in C order."""
        if len(self.state) != 5:
            return None
        _, shape, kind, fortran, content = self.state
        whole = isinstance(kind, _PickledType) and kind.code in ("u1", "|u1") and not fortran
        if not (whole and isinstance(shape, tuple) and isinstance(content, bytes)):
            return None
        if any(type(n) is not int or n < 0 for n in shape) or math.prod(shape) != len(content):
            return None
        return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    """Stand for `_codecs.encode`, with which Python 3 writes bytes for Python 2 readers."""
    if encoding != "latin1":
        raise _RefusedError(f"_codecs.encode to {encoding}")
    return text.encode("latin1")


_ADMITTED = {
    ("numpy", "ndarray"): _PickledArray,
    ("numpy", "dtype"): _PickledType,
    ("numpy.core.multiarray", "_reconstruct"): lambda *_: _PickledArray(),
    ("numpy._core.multiarray", "_reconstruct"): lambda *_: _PickledArray(),
    ("_codecs", "encode"): _latin1,
}


class _BatchUnpickler(pickle.Unpickler):
    """Admits the few names that a pickled array needs, each replaced by harmless code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise _RefusedError(f"{module}.{name}")
        return _ADMITTED[module, name]


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip() or 'no details'}"[:200]
