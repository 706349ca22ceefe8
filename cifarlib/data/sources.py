"""Where the bytes come from: a mirror, Keras's cache, a download, or embedded data on request."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cifarlib._support.digests import array_digest
from cifarlib._support.environment import keras_home
from cifarlib.data import readers, synthetic_data
from cifarlib.data.dataset import Arrays, Provenance
from cifarlib.data.imagenet import NETWORKS
from cifarlib.errors import CourseError

DATASETS = ("mnist", "cifar10")
# Each choice of `source`, and the places it looks in, in their order.
SOURCES = {
    "auto": ("mirror", "cache", "download"),
    "mirror": ("mirror",),
    "cache": ("cache",),
    "download": ("download",),
    "embedded": (),
}

CIFAR10_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

WEIGHTS = {network.item: network for network in NETWORKS.values()}

# Where each data set may lie below a mirror or Keras's cache, the best choice first.
LAYOUTS = {
    "mnist": ("datasets/mnist.npz",),
    "cifar10": (
        "datasets/cifar-10-batches-py",
        "datasets/cifar-10-batches-py-target/cifar-10-batches-py",  # as Keras 3 leaves it
        "datasets/cifar-10-python.tar.gz",
        "datasets/cifar-10-batches-py.tar.gz",
        "datasets/cifar-10-batches-py-target_archive",
    ),
    **{name: (f"models/{network.file}",) for name, network in WEIGHTS.items()},
}
_TITLES = {
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    **{name: f"{network.name} weights" for name, network in WEIGHTS.items()},
}
_GOOGLE = "https://storage.googleapis.com/tensorflow/"
# The arguments that Keras itself gives to `keras.utils.get_file`.
_DOWNLOADS = {
    "mnist": {
        "fname": "mnist.npz",
        "origin": _GOOGLE + "tf-keras-datasets/mnist.npz",
        "file_hash": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    },
    "cifar10": {
        "fname": "cifar-10-batches-py-target",
        "origin": "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "file_hash": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        "extract": True,
    },
    **{
        name: {
            "fname": network.file,
            "origin": f"{_GOOGLE}keras-applications/{network.folder}/{network.file}",
            "file_hash": network.md5,
            "cache_subdir": "models",
        }
        for name, network in WEIGHTS.items()
    },
}
_PATIENCE = 20  # seconds without a byte after which a download is given up


class Raw(NamedTuple):
    """A data set as published: no validation part yet."""

    title: str
    class_names: tuple[str, ...]
    arrays: Arrays
    provenance: Provenance


def arrays(name: str, source: str = "auto", mirror: str | os.PathLike | None = None) -> Raw:
    """Read the data set `name`, "mnist" or "cifar10".

    Args:
        source: "auto" looks in the mirror, then in Keras's cache, then downloads. "mirror",
            "cache" and "download" use one place. Only "embedded" gives a stand-in.
        mirror: a folder in Keras's cache layout; without it, the variable CIFARLIB_MIRROR.

    Raises:
        CourseError: unknown name or source; a mirror that does not exist; a damaged file;
            or the data is nowhere to be had (the message lists where it was looked for).
    """
    if name not in DATASETS:
        raise CourseError(f"There is no data set {name!r} to read. Choose {_either(DATASETS)}.")
    if source not in SOURCES:
        raise CourseError(f"There is no data source {source!r}. Choose {_either(SOURCES)}.")
    if source == "embedded":
        return _embedded(name)
    path, place, note = find(name, SOURCES[source], mirror)
    return _read(name, path, place, note)


def find(
    name: str,
    places: tuple[str, ...] = SOURCES["auto"],
    mirror: str | os.PathLike | None = None,
) -> tuple[Path, str, str]:
    """Return path, place and a note for a data set or one of `WEIGHTS`; download if need be.

    The place is "mirror", "keras cache" or "download"; the note says if the mirror was of no use.

    Raises:
        CourseError: see `arrays`.
    """
    title, looked, note = _TITLES[name], [], ""
    if "mirror" in places:
        root = mirror_folder(mirror)
        if root is None:
            looked.append("mirror: none is named (CIFARLIB_MIRROR or the argument `mirror`)")
        elif path := locate(name, root):
            return path, "mirror", ""
        else:
            looked.append(f"mirror {root}: no {LAYOUTS[name][0]} in it")
            note = f"The mirror holds no {title}, so the next source was used. "
    if "cache" in places:
        if path := locate(name, keras_home()):
            return path, "keras cache", note
        looked.append(f"Keras cache {keras_home()}: no {LAYOUTS[name][0]} in it")
    if "download" in places:
        try:
            return _download(name), "download", note
        except Exception as error:  # get_file raises bare Exceptions, and a mirror is a way out
            looked.append(f"download: {error}")
    raise CourseError(
        f"No {title} found. Looked in:\n"
        + "".join(f"  - {line}\n" for line in looked)
        + "Ways out:\n"
        f"  - with internet: type `cifarlib data fetch {name}`\n"
        "  - without: type `cifarlib data bundle FOLDER` on a connected machine, copy FOLDER "
        "here and set CIFARLIB_MIRROR=FOLDER\n"
        + (
            ""
            if name in WEIGHTS
            else "  - or practise on built-in stand-in data: source='embedded', or the smoke "
            "profile (CIFARLIB_PROFILE=smoke)\n"
        )
        + "`cifarlib doctor` shows what this machine has."
    )


def found(name: str, mirror: str | os.PathLike | None = None) -> Path | None:
    """Return where a data set or one of `WEIGHTS` lies on this machine, or None; see `arrays`."""
    root = mirror_folder(mirror)
    return (locate(name, root) if root else None) or locate(name, keras_home())


def mirror_folder(mirror: str | os.PathLike | None = None) -> Path | None:
    """Return the mirror that is named by the argument or CIFARLIB_MIRROR; None if none is.

    Raises:
        CourseError: the named folder does not exist.
    """
    named = os.fspath(mirror) if mirror is not None else os.environ.get("CIFARLIB_MIRROR", "")
    if not named:
        return None
    root = Path(named).expanduser()
    if not os.path.isdir(root):
        said = "The argument `mirror`" if mirror is not None else "CIFARLIB_MIRROR"
        raise CourseError(
            f"{said} names {root}, which is not a folder here. It must be an existing folder "
            "that holds datasets/ and models/ as Keras's cache does. Correct the path, unset it "
            "to do without a mirror, or make one with `cifarlib data bundle FOLDER`."
        )
    return root


def locate(name: str, root: Path) -> Path | None:
    """Return where `name` lies below a mirror or cache folder, or None."""
    for layout in LAYOUTS[name]:
        if os.path.exists(root / layout):
            return root / layout
    return None


def _read(name: str, path: Path, place: str, note: str) -> Raw:
    if name == "mnist":
        class_names = synthetic_data.DIGIT_NAMES
        data, exact = readers.read_mnist(path)
    else:
        class_names = CIFAR10_NAMES
        data, exact = readers.read_cifar10(path)
    if not exact:
        owner = "a mirror" if place == "mirror" else "the Keras cache"
        note += (
            f"{_TITLES[name]} read from {owner} whose files are not the official ones (MD5 "
            "differs): this copy is not bit-exact, so accuracies are close to, not equal to, "
            "those on the original."
        )
    origin = Provenance(name, place, str(path), array_digest(data), exact, note.strip())
    return Raw(_TITLES[name], class_names, data, origin)


def _embedded(name: str) -> Raw:
    if name == "mnist":
        title, class_names = synthetic_data.DIGITS_TITLE, synthetic_data.DIGIT_NAMES
        data = synthetic_data.digits()
    else:
        title, class_names = synthetic_data.SHAPES_TITLE, synthetic_data.SHAPE_NAMES
        data = synthetic_data.shapes()
    note = f"{title}: figures from it prove that the code runs and are compared with no claim."
    origin = Provenance(name, "embedded", "built in", array_digest(data), None, note)
    return Raw(title, class_names, Arrays(*data), origin)


def _download(name: str) -> Path:
    """Download into Keras's cache, checked against the official hash; return the path there.

    The files appear in the cache in one step, so that two downloads at a time or an
    interrupted one leave nothing half-written there.
    """
    home = keras_home()
    home.mkdir(parents=True, exist_ok=True)
    import keras  # slow to import, needed only here

    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        with (
            tempfile.TemporaryDirectory(dir=home, prefix=".cifarlib-") as temporary,
            _quiet_if_asked(),
        ):
            keras.utils.get_file(**_DOWNLOADS[name], cache_dir=temporary)
            for arrived in sorted(Path(temporary).glob("*/*")):
                target = home / arrived.relative_to(temporary)
                target.parent.mkdir(exist_ok=True)
                if target.is_dir():
                    shutil.rmtree(target)
                os.replace(arrived, target)
    finally:
        socket.setdefaulttimeout(patience)
    arrived = [layout for layout in LAYOUTS[name] if _DOWNLOADS[name]["fname"] in layout]
    return home / arrived[0]


def _quiet_if_asked() -> contextlib.AbstractContextManager:
    if os.environ.get("CIFARLIB_QUIET") == "1":
        return contextlib.redirect_stdout(io.StringIO())
    return contextlib.nullcontext()


def _either(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"
