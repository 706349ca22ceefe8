"""Rows of numbers on disk, each found again by the image that it was computed from.

There is a folder for each way of computing them: one network, its weights, the versions of Keras
and its backend. In it are `facts.json`, which says what that way is, and chunks of rows. A chunk
is written in one step, and its name is the SHA-256 of its bytes: so what was finished before a
crash is kept, and damage is noticed. Rows that are missing are simply computed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from cifarlib._support.digests import file_digest
from cifarlib._support.files import write_atomic
from cifarlib._support.folders import cache_folder
from cifarlib.errors import CourseError

_BLOCK = 1024  # rows that are gathered at a time


def image_ids(images: np.ndarray) -> list[bytes]:
    """Return 16 bytes for each image that stand for its content."""
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]


class Store:
    """The rows that were computed in one way.

    Args:
        facts: what the rows depend on besides the image, as plain data.
        title: how the folder's name begins, for people.
        shape: of one row, which is float32.
        cache: see `cifarlib._support.folders.cache_folder`.
    """

    _promise = "What was computed before is kept, and work goes on from there. "

    def __init__(
        self,
        facts: dict,
        title: str,
        shape: tuple[int, ...],
        cache: str | os.PathLike | None = None,
    ) -> None:
        self._facts = json.dumps(facts, indent=1, sort_keys=True, default=str) + "\n"
        key = hashlib.sha256(self._facts.encode()).hexdigest()[:16]
        self.folder = cache_folder(cache) / "features" / f"{title}-{key}"
        self._row = np.dtype([("id", "u1", (16,)), ("row", np.float32, shape)])
        self._chunks: list[np.ndarray] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._open()

    def missing(self, ids: Iterable[bytes]) -> list[int]:
        """Return the positions of the ids that have no row, each id once."""
        first = {id: position for position, id in reversed(list(enumerate(ids)))}
        return sorted(position for id, position in first.items() if id not in self._places)

    def add(self, ids: Sequence[bytes], rows: np.ndarray) -> None:
        """Keep the row of each id, on disk, at once and in one step.

        Raises:
            CourseError: the disk is full, or the folder cannot be written to.
        """
        chunk = np.empty(len(ids), self._row)
        chunk["id"] = np.frombuffer(b"".join(ids), np.uint8).reshape(-1, 16)
        chunk["row"] = rows
        buffer = io.BytesIO()
        np.save(buffer, chunk, allow_pickle=False)
        content = buffer.getvalue()
        path = self.folder / f"{hashlib.sha256(content).hexdigest()}.npy"
        try:
            if not (self.folder / "facts.json").exists():
                write_atomic(self.folder / "facts.json", self._facts)
            write_atomic(path, content)
        except CourseError as error:
            raise CourseError(
                f"{error} {self._promise}Features lie in the folder that CIFARLIB_CACHE names; "
                "to use another one, set it and start Python again."
            ) from error
        self._take(np.load(path, mmap_mode="r", allow_pickle=False))

    def gather(self, ids: Sequence[bytes]) -> np.ndarray:
        """Return the rows of `ids`, in their order, as an array that is not held in memory.

        It is mapped from a nameless file, which disappears with the array.

        Raises:
            CourseError: there is no room on the disk for that file.
        """
        shape = self._row["row"].shape
        places = np.array([self._places[id] for id in ids]).reshape(-1, 2)
        if not len(places):
            return np.empty((0, *shape), np.float32)
        try:
            with tempfile.TemporaryFile(dir=self._scratch()) as file:
                for start in range(0, len(places), _BLOCK):
                    file.write(self._rows(places[start : start + _BLOCK]))
                file.flush()
                return np.memmap(file, np.float32, "r+", shape=(len(places), *shape))
        except OSError as error:
            needed = len(places) * self._row["row"].itemsize / 2**20
            raise CourseError(
                f"No room for {needed:,.0f} MB of features in {self._scratch() or 'the temporary'} "
                f"folder: {error.strerror or error}. Free some space, or set CIFARLIB_CACHE to a "
                "folder on a larger disk."
            ) from error

    def _rows(self, places: np.ndarray) -> np.ndarray:
        rows = np.empty((len(places), *self._row["row"].shape), np.float32)
        for number in np.unique(places[:, 0]):
            here = places[:, 0] == number
            rows[here] = self._chunks[number]["row"][places[here, 1]]
        return rows

    def _scratch(self) -> Path | None:
        """Beside the chunks if that can be written to, else where temporary files go."""
        return self.folder if os.access(self.folder, os.W_OK) else None

    def _open(self) -> None:
        """Take all chunks that are whole; say which are not, and delete them."""
        bad = 0
        for path in sorted(self.folder.glob("*.npy")):
            chunk = self._read(path)
            if chunk is not None:
                self._take(chunk)
                continue
            bad += 1
            with suppress(OSError):
                path.unlink()
        if bad:
            files = "1 file" if bad == 1 else f"{bad} files"
            print(f"Cached features: {files} damaged; what was in there is computed again.")

    def _read(self, path: Path) -> np.ndarray | None:
        """Return a chunk, or None if its bytes are not those that were written."""
        try:
            if file_digest(path) != path.stem:
                return None
            chunk = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError):
            return None
        return chunk if chunk.dtype == self._row else None

    def _take(self, chunk: np.ndarray) -> None:
        number = len(self._chunks)
        self._chunks.append(chunk)
        for row, id in enumerate(np.array(chunk["id"])):
            self._places[id.tobytes()] = number, row


class _TemporaryStore(Store):
    _promise = ""


@contextmanager
def temporary_store(
    shape: tuple[int, ...], cache: str | os.PathLike | None = None
) -> Iterator[Store]:
    """Give a `Store` in a folder that goes away at the end; what it gathered stays.

    It lies where lasting features would, or among temporary files if that cannot be written to.
    """
    parent = cache_folder(cache)
    with suppress(OSError):
        parent.mkdir(parents=True, exist_ok=True)
    place = parent if os.access(parent, os.W_OK) else None
    with tempfile.TemporaryDirectory(
        dir=place, prefix="features-not-kept-", ignore_cleanup_errors=True
    ) as folder:
        yield _TemporaryStore({}, "model", shape, folder)
