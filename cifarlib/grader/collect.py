"""Finding submissions: nbgrader's folders, folders or files by student, and LMSes' zip files."""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TypeVar

from cifarlib.errors import CourseError
from cifarlib.grader.exceptions import UnreadableError
from cifarlib.grader.limits import MAX_FILES, MAX_LMS_BYTES

T = TypeVar("T")
MOODLE = re.compile(r"^(?P<student>.+?)_assignsubmission_file.*$")
CANVAS = re.compile(r"^(?P<student>[^_]+)(_LATE)?_\d+_\d+_.*$")


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Attributes:
        student: the student's name, safe as a file name.
        path: a folder, a notebook, or a zip file.
        timestamp: when it was handed in, as nbgrader's `timestamp.txt` says; "" if it does not.
    """

    student: str
    path: Path
    timestamp: str = ""

    def read(self, slug: str, most_mb: int) -> bytes:
        """Return the notebook's bytes.

        Raises:
            UnreadableError: there is none or more than one, or a link or a bad zip file instead.
        """
        path, most = self.path, (most_mb << 20) + 1
        if path.is_dir() and not path.is_symlink():
            path = _choose(path, slug)
        if path.is_symlink() or not path.is_file():
            raise UnreadableError("the submission is a link or no plain file")
        if path.suffix.lower() == ".zip":
            return _from_zip(path, slug, most)
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
            return file.read(most)


@contextmanager
def find_submissions(path: Path, slug: str) -> Iterator[list[Submission]]:
    """Give what is found below a folder, or in an LMS's zip file.

    Raises:
        CourseError: there is nothing, or the zip file is not safe to unpack.
    """
    if path.is_dir():
        yield _some(path, path, slug)
        return
    if not path.is_file() or path.suffix.lower() != ".zip":
        raise CourseError(f"{path} is neither a folder nor a zip file with submissions.")
    with TemporaryDirectory(prefix="grade-") as folder:
        _unpack(path, Path(folder))
        yield _some(Path(folder), path, slug)


def _some(folder: Path, given: Path, slug: str) -> list[Submission]:
    found = _find(folder, slug)
    if not found:
        raise CourseError(
            f"There are no submissions in {given}. Expected are folders STUDENT/{slug}/ with a "
            "notebook, or files STUDENT.ipynb or STUDENT.zip."
        )
    return found


def _find(folder: Path, slug: str) -> list[Submission]:
    entries = [p for p in sorted(folder.iterdir()) if not p.name.startswith((".", "__MACOSX"))]
    folders = [p for p in entries if p.is_dir()]
    if len(entries) == len(folders) == 1 and not list(folders[0].glob("*.ipynb")):
        inner = [p for p in folders[0].iterdir() if p.is_dir() or p.suffix in (".ipynb", ".zip")]
        if inner and not (folders[0] / slug).is_dir() and len(inner) > 1:
            return _find(folders[0], slug)  # one folder around them all
    found: dict[str, Submission] = {}
    for path in entries:
        if not path.is_dir() and path.suffix.lower() not in (".ipynb", ".zip"):
            continue
        student = _student(path.name if path.is_dir() else path.stem)
        while student in found:
            student += "+"
        inside = path / slug if (path / slug).is_dir() and not path.is_symlink() else path
        found[student] = Submission(student, inside, _timestamp(inside))
    return list(found.values())


def _student(name: str) -> str:
    """Return a student's name from a file's name, without what Moodle and Canvas add."""
    match = MOODLE.match(name) or CANVAS.match(name)
    name = match["student"] if match else name
    safe = re.sub(r"[^\w .@+-]", "_", name).lstrip(" .=+@-").rstrip(" .")
    return safe[:80] or "unnamed"


def _timestamp(folder: Path) -> str:
    path = folder / "timestamp.txt"
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 100:
        return ""
    return path.read_text(errors="replace").strip()


def _choose(folder: Path, slug: str) -> Path:
    files = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "__MACOSX")
        files += [Path(root, n) for n in sorted(names) if n.lower().endswith((".ipynb", ".zip"))]
        if len(files) > MAX_FILES:
            raise UnreadableError("the submission has too many files")
    notebooks = [p for p in files if p.suffix.lower() == ".ipynb"]
    return _only(notebooks or files, lambda path: path.stem, slug)


def _only(items: list[T], stem: Callable[[T], str], slug: str) -> T:
    """Return the one whose `stem` is or holds the assignment's name, or that is the only one."""
    named = [item for item in items if stem(item) == slug]
    fitting = named or [item for item in items if slug in stem(item)] or items
    if len(fitting) != 1:
        raise UnreadableError(
            f"there are {len(fitting)} notebooks, and none or several have the assignment's name"
            if fitting
            else "there is no notebook in it"
        )
    return fitting[0]


def _from_zip(path: Path, slug: str, most: int) -> bytes:
    """Return the notebook in a student's zip file; nothing is unpacked to disk."""
    try:
        with zipfile.ZipFile(path) as file:
            infos = _checked(file)
            books = [i for i in infos if i.filename.lower().endswith(".ipynb")]
            books = [i for i in books if "__MACOSX" not in i.filename and "/." not in i.filename]
            info = _only(books, lambda info: PurePosixPath(info.filename).stem, slug)
            with file.open(info) as member:
                return member.read(most)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UnreadableError(f"the zip file cannot be read ({type(error).__name__})") from None


def _checked(file: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files in a zip file, or refuse it."""
    infos = file.infolist()
    if len(infos) > MAX_FILES:
        raise UnreadableError(f"the zip file has more than {MAX_FILES} entries")
    for info in infos:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", info.filename):
            raise UnreadableError("the zip file has a path that leads out of it")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UnreadableError("the zip file has a link in it")
    return [info for info in infos if not info.is_dir()]


def _unpack(path: Path, folder: Path) -> None:
    """Unpack an LMS's zip file."""
    try:
        with zipfile.ZipFile(path) as file:
            left = MAX_LMS_BYTES
            for info in _checked(file):
                target = folder / info.filename.replace("\\", "/")
                target.parent.mkdir(parents=True, exist_ok=True)
                with file.open(info) as member, open(target, "wb") as out:
                    while part := member.read(1 << 20):
                        left -= len(part)
                        if left < 0:
                            raise UnreadableError(f"it holds more than {MAX_LMS_BYTES >> 30} GB")
                        out.write(part)
    except UnreadableError as reason:
        raise CourseError(f"{path} was not unpacked: {reason}.") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise CourseError(f"{path} cannot be unpacked: {error}.") from error
