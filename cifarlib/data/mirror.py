"""Making and checking a mirror: a folder in Keras's cache layout that needs no network."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from cifarlib._support import progress
from cifarlib._support.digests import file_digest
from cifarlib._support.files import replacing
from cifarlib.data import readers, sources
from cifarlib.data.imagenet import PretrainedNetwork
from cifarlib.errors import CourseError

ITEMS = ("mnist", "cifar10", "vgg16")
"""What is fetched and bundled unless something is named."""
ON_REQUEST = tuple(name for name in sources.WEIGHTS if name not in ITEMS)
_CIFAR10_MD5 = {**readers.CIFAR10_MD5, "batches.meta": readers.CIFAR10_META_MD5}


class Row(NamedTuple):
    """One line of a report.

    `status` is "official" (content proven equal to the official release), "not official" (whole
    and usable, but with other content), "unproven" (whole, but nobody publishes a checksum),
    "missing", "damaged" or "failed"; from `bundle` also "copied" or "already there".
    """

    file: str
    status: str
    detail: str

    @property
    def ok(self) -> bool:
        return self.status not in ("missing", "damaged", "failed")


def verify(mirror: str | os.PathLike | None = None) -> list[Row]:
    """Check every file of a mirror, or of Keras's cache where no mirror is named.

    Raises:
        CourseError: the named mirror does not exist.
    """
    root = sources.mirror_folder(mirror) or sources.keras_home()
    rows = []
    for name in progress.each((*ITEMS, *ON_REQUEST), "checking", "item"):
        path = sources.locate(name, root)
        if path is None and name in ON_REQUEST:
            continue
        if path is None:
            rows.append(Row(sources.LAYOUTS[name][0], "missing", f"not in {root}"))
        else:
            rows += check(name, path, root)
    return rows


def fetch(names: Iterable[str] = ITEMS, mirror: str | os.PathLike | None = None) -> list[Row]:
    """Make sure that each item is on this machine and whole; download what is not there.

    An item that cannot be had becomes a row with the status "failed"; the others go on.

    Raises:
        CourseError: there is no item of that name, or the named mirror does not exist.
    """
    sources.mirror_folder(mirror)
    rows = []
    for name in progress.each(_known(names), "getting", "item"):
        try:
            path, place, note = sources.find(name, mirror=mirror)
        except CourseError as error:
            rows.append(Row(name, "failed", str(error)))
            continue
        worst = min(check(name, path, path), key=lambda row: (row.ok, row.status))
        detail = f"{place}: {path}. {note}".strip() if worst.ok else worst.detail
        rows.append(Row(name, worst.status, detail))
    return rows


def bundle(destination: str | os.PathLike, names: Iterable[str] = ITEMS) -> list[Row]:
    """Make or complete a mirror from Keras's cache; download what the cache does not hold.

    Only whole data are copied. Each file is compared with its source and appears in one step;
    a file that is there already with the right content is left alone.

    Raises:
        CourseError: there is no item of that name; data is damaged or cannot be had; the
            destination cannot be written to.
    """
    root = Path(destination).expanduser()
    rows = []
    for name in progress.each(_known(names), "copying", "item"):
        path, _, _ = sources.find(name, ("cache", "download"))
        checked = check(name, path, path)
        if bad := [row for row in checked if not row.ok]:
            raise CourseError(f"{name} was not bundled. {bad[0].detail}")
        worst = min(row.status for row in checked)  # "not official" goes before "official"
        for target, content in _contents(name, path):
            rows.append(Row(target, _place(content, root / target), worst))
    return rows


def _known(names: Iterable[str]) -> list[str]:
    known = ["cifar10" if name == "cats_vs_dogs" else name for name in names]
    for name in known:
        if name not in (*ITEMS, *ON_REQUEST):
            choice = ", ".join((*ITEMS, *ON_REQUEST))
            raise CourseError(f"There is no {name!r} to get. Choose from: {choice}.")
    return list(dict.fromkeys(known))


def _contents(name: str, path: Path) -> Iterator[tuple[str, Path | bytes]]:
    """Yield where each file of an item belongs in a mirror, and the file or its bytes."""
    target = sources.LAYOUTS[name][0]
    if name != "cifar10":
        yield target, path
    elif path.is_dir():
        yield from ((f"{target}/{file}", path / file) for file in _files(path))
    else:
        members = readers.tar_members(path, list(_CIFAR10_MD5))
        yield from ((f"{target}/{file}", content) for file, content in members)


def _files(folder: Path) -> list[str]:
    """Return the names of CIFAR-10's files: the six batches, and batches.meta where it is."""
    return [*readers.CIFAR10_MD5, *(p.name for p in folder.glob("batches.meta"))]


def _place(content: Path | bytes, target: Path) -> str:
    """Put a copy at `target`; return what was done."""
    from_file = isinstance(content, Path)
    digest = file_digest(content) if from_file else hashlib.sha256(content).hexdigest()
    if target.is_file() and file_digest(target) == digest:
        return "already there"
    with replacing(target) as temporary:
        if from_file:
            shutil.copyfile(content, temporary)
        else:
            temporary.write_bytes(content)
        if file_digest(temporary) != digest:
            raise CourseError(f"{target} was copied wrongly. Check the disk, then try again.")
    return "copied"


def check(name: str, path: Path, root: Path) -> list[Row]:
    """Return a row for each file of an item; the files are named relative to `root`."""
    if name == "cifar10" and path.is_dir():
        return [
            _check_batch(path / file, os.path.relpath(path / file, root)) for file in _files(path)
        ]
    file = os.path.relpath(path, root)
    try:
        if name in sources.WEIGHTS:
            return [Row(file, *_check_weights(path, sources.WEIGHTS[name]))]
        read = readers.read_mnist if name == "mnist" else readers.read_cifar10
        _, exact = read(path)
    except CourseError as error:
        return [Row(file, "damaged", str(error))]
    if exact:
        return [Row(file, "official", "content equal to the official release")]
    return [Row(file, "not official", "whole, but its content is not the official one (MD5)")]


def _check_batch(path: Path, file: str) -> Row:
    try:
        content = readers.file_content(path)
        if hashlib.md5(content, usedforsecurity=False).hexdigest() == _CIFAR10_MD5[path.name]:
            return Row(file, "official", "MD5 as published")
        if path.name != "batches.meta":  # which holds only names that the course knows
            readers.parse_batch(content, path)
    except CourseError as error:
        return Row(file, "damaged" if path.exists() else "missing", str(error))
    return Row(file, "not official", "whole, but its MD5 is not the published one")


def _check_weights(path: Path, network: PretrainedNetwork) -> tuple[str, str]:
    import h5py  # comes with Keras

    sizes: list[int] = []
    try:
        if file_digest(path, "md5") == network.md5:
            return "official", "MD5 as published"
        with h5py.File(path, "r") as weights:
            weights.visititems(lambda _, item: sizes.append(getattr(item, "size", 0)))
    except OSError as error:
        return "damaged", f"{path} cannot be read as HDF5 ({error}). Delete it and get it again."
    if sum(sizes) != network.values:
        return "damaged", (
            f"{path} holds {sum(sizes):,} values; the base of {network.name} has "
            f"{network.values:,}. Delete it and get it again."
        )
    if network.md5 is None:
        return "unproven", f"all {network.values:,} values; there is no published checksum"
    return "not official", f"all {network.values:,} values, but its MD5 is not the published one"
