"""SHA-256 digests of arrays, files and source trees: equal digests mean equal content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np


def array_digest(arrays: tuple[np.ndarray, ...]) -> str:
    """Return the SHA-256 over each array's type, shape and bytes, in order."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array))
    return total.hexdigest()


def file_digest(path: Path | str, algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def tree_digest(paths: Iterable[Path], root: Path) -> str:
    """Return one SHA-256 over names and bytes of some small files below `root`."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        whole.update(content)
    return whole.hexdigest()


def package_digest() -> str:
    """Return one SHA-256 over all of cifarlib's source, wherever it is installed.

    Two machines with the same digest run the same code.
    """
    root = Path(__file__).parents[1]
    return tree_digest(root.rglob("*.py"), root)
