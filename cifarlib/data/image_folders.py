"""Images of your own, in one folder per class."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cifarlib._support.digests import array_digest
from cifarlib.data.dataset import Dataset, Provenance
from cifarlib.errors import CourseError

_PARTS = {"train": ("train",), "val": ("val", "validation", "valid"), "test": ("test",)}
_SHARE = 0.2  # of each class, for validation and for testing, where the folders do not say
_MODES = {"rgb": "RGB", "grayscale": "L"}
_BROKEN = "not a file, or a link that leads nowhere"
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")


def load_folder(
    path: str | os.PathLike,
    *,
    size: tuple[int, int] = (32, 32),
    color: str = "rgb",
    seed: int = 0,
) -> Dataset:
    """Load images that lie in one folder per class, named after the class.

    Below `path` are either the class folders, or `train`, `val` (or `validation`) and `test`
    with the class folders in each. Where there is no `val` or `test`, a fifth of each class
    becomes that part. Images may lie in subfolders; names that begin with a dot are passed over.
    An image is turned upright as its EXIF data say, laid on white where it is transparent, and
    stretched to `size`. JPEG, PNG, GIF, BMP, WebP, TIFF and PPM files are read; whatever cannot
    be used is skipped and named in one warning and in `provenance.note`.

    Args:
        size: height and width of the returned images, in pixels.
        color: "rgb" for 3 channels, "grayscale" for 1.
        seed: decides the split and the order of the images.

    Raises:
        CourseError: there is no such folder, fewer than two classes have usable images, or a
            class has too few of them.
    """
    root = Path(path).expanduser()
    _check_arguments(root, size, color)
    skipped = _Skipped(root)
    parts = _parts(root, skipped)
    images = _read_parts(parts, size, color, skipped)
    class_names = tuple(name for name, found in images["train"].items() if len(found))
    _check_amounts(root, parts, images, class_names, skipped)

    random = np.random.RandomState(seed)
    derived = [part for part in ("test", "val") if part not in parts]
    for name in class_names:
        shuffled = random.permutation(len(images["train"][name]))
        n_off = max(1, round(_SHARE * len(shuffled)))
        for part in derived:
            chosen, shuffled = shuffled[:n_off], shuffled[n_off:]
            images.setdefault(part, {})[name] = images["train"][name][chosen]
        images["train"][name] = images["train"][name][shuffled]
    x_train, y_train = _joined(images["train"], class_names, random)
    x_val, y_val = _joined(images["val"], class_names, random)
    x_test, y_test = _joined(images["test"], class_names, random)

    if skipped.lines:
        warnings.warn(skipped.text(most=20), stacklevel=2)
    name = root.resolve().name
    total = array_digest((x_train, y_train, x_val, y_val, x_test, y_test))
    note = skipped.text(most=5) if skipped.lines else ""
    return Dataset(
        name=name,
        title=f"Images in the folder {name}",
        x_train=x_train,
        y_train=y_train,
        x_val=x_val,
        y_val=y_val,
        x_test=x_test,
        y_test=y_test,
        class_names=class_names,
        split="folders" if "val" in parts else "stratified",
        provenance=Provenance(name, "folder", str(root), total, None, note),
    )


class _Skipped:
    """What was passed over, with reasons."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lines: list[str] = []

    def add(self, path: str | Path, reason: str) -> None:
        line = f"{os.path.relpath(path, self.root)} ({reason})"
        if line not in self.lines:
            self.lines.append(line)

    def text(self, most: int) -> str:
        rest = len(self.lines) - most
        more = f", and {rest} more" if rest > 0 else ""
        return f"Skipped {len(self.lines)}: {', '.join(self.lines[:most])}{more}."


def _check_arguments(root: Path, size: tuple[int, int], color: str) -> None:
    if not os.path.isdir(root):
        raise CourseError(
            f"{root} is not a folder here. Give the folder that holds one folder per class."
        )
    if color not in _MODES:
        raise CourseError(f"There is no color {color!r}. Choose 'rgb' or 'grayscale'.")
    pair = isinstance(size, tuple | list) and len(size) == 2
    if not pair or not all(isinstance(n, int) and 0 < n <= 4096 for n in size):
        raise CourseError(f"size is {size!r}; expected (height, width) in pixels, like (32, 32).")


def _parts(root: Path, skipped: _Skipped) -> dict[str, Path]:
    """Return the folders that hold class folders, by part of the data set."""
    names = _visible(root, skipped)
    ready = "train" in names and any(
        os.path.isdir(root / "train" / name) for name in _visible(root / "train", skipped)
    )
    if not ready:
        return {"train": root}
    parts = {}
    for part, spellings in _PARTS.items():
        present = [name for name in spellings if name in names and os.path.isdir(root / name)]
        if present:
            parts[part] = root / present[0]
    for name in names:
        if root / name not in parts.values():
            skipped.add(root / name, "neither train, val nor test")
    return parts


def _read_parts(
    parts: dict[str, Path], size: tuple[int, int], color: str, skipped: _Skipped
) -> dict[str, dict[str, np.ndarray]]:
    """Return the images of each class of each part; the classes are those of "train"."""
    classes = [
        name for name in _visible(parts["train"], skipped) if os.path.isdir(parts["train"] / name)
    ]
    folders = [folder / name for folder in parts.values() for name in classes]
    seen = {os.path.realpath(folder) for folder in (*parts.values(), *folders)}
    images: dict[str, dict[str, np.ndarray]] = {}
    taken: set[str] = set()
    for part, folder in parts.items():
        for name in _visible(folder, skipped):
            if name in classes:
                continue
            if os.path.exists(folder / name):
                reason = "in no class folder, or no class of the training images"
            else:
                reason = _BROKEN
            skipped.add(folder / name, reason)
        images[part] = {}
        for name in classes:
            found = []
            if os.path.realpath(folder / name) in taken:
                skipped.add(folder / name, "a link to a folder that was read before")
            elif os.path.isdir(folder / name):
                taken.add(os.path.realpath(folder / name))
                for file in _files(folder / name, seen, skipped):
                    try:
                        found.append(_read_image(file, size, color))
                    except Exception as error:  # Pillow's readers raise nearly anything
                        skipped.add(file, _reason(error))
                if not found:
                    skipped.add(folder / name, "no usable image")
            shape = (0, *size, 3 if color == "rgb" else 1)
            images[part][name] = np.stack(found) if found else np.empty(shape, np.uint8)
    return images


def _visible(folder: Path, skipped: _Skipped) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        skipped.add(folder, error.strerror or "cannot be opened")
        return []


def _files(folder: Path, seen: set[str], skipped: _Skipped) -> Iterator[Path]:
    """Yield the files below a folder, sorted; follow no folder, or link to one, twice."""
    for name in _visible(folder, skipped):
        path = folder / name
        if not os.path.isdir(path):
            yield path
        elif os.path.realpath(path) in seen:
            skipped.add(path, "a link to a folder that is read anyway")
        else:
            seen.add(os.path.realpath(path))
            yield from _files(path, seen, skipped)


def _read_image(path: Path, size: tuple[int, int], color: str) -> np.ndarray:
    """Return one image, uint8 `(height, width, channels)`."""
    from PIL import Image, ImageOps  # not needed for the published data sets

    if not os.path.isfile(path):
        raise ValueError(_BROKEN)
    with Image.open(path, formats=_FORMATS) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode == "F":
            raise ValueError("floating-point pixels")
        if image.mode.startswith("I"):  # 16 bits a pixel
            image = Image.fromarray(np.clip(np.asarray(image) >> 8, 0, 255).astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert(_MODES[color])
        height, width = size
        pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    return pixels.reshape(height, width, -1)


def _reason(error: Exception) -> str:
    if type(error).__name__ == "UnidentifiedImageError":
        return "not an image, or of a kind that is not read"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _check_amounts(
    root: Path,
    parts: dict[str, Path],
    images: dict[str, dict[str, np.ndarray]],
    class_names: tuple[str, ...],
    skipped: _Skipped,
) -> None:
    why = f" {skipped.text(most=10)}" if skipped.lines else ""
    if len(class_names) < 2:
        only = f"only {class_names[0]!r}" if class_names else "no class"
        raise CourseError(
            f"{root}: {only} has usable images; at least two classes are needed, each a folder "
            f"of images named after the class.{why}"
        )
    needed = 1 + len(_PARTS) - len(parts)
    few = {name: len(images["train"][name]) for name in class_names}
    few = {name: count for name, count in few.items() if count < needed}
    if few:
        listed = ", ".join(f"{name!r} ({count})" for name, count in few.items())
        raise CourseError(
            f"{root}: too few usable images in {listed}. Each class needs at least {needed}, so "
            "that every part of the data has one: add images or take the folder away."
            f"{why}"
        )
    for part in parts:
        if not sum(len(images[part][name]) for name in class_names):
            raise CourseError(
                f"{parts[part]} has no usable image of the classes {', '.join(class_names)}. Put "
                f"some in, or remove the folder to have a fifth of train/ taken instead.{why}"
            )


def _joined(
    images: dict[str, np.ndarray], class_names: tuple[str, ...], random: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Return all classes' images in random order, and their int32 labels."""
    counts = [len(images[name]) for name in class_names]
    order = random.permutation(sum(counts))
    labels = np.repeat(np.arange(len(class_names), dtype=np.int32), counts)
    return np.concatenate([images[name] for name in class_names])[order], labels[order]
