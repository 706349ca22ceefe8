"""What one `cifarlib run` will do: which notebooks, with which settings, into which folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cifarlib.errors import CourseError

PATTERN = "[0-9][0-9]_*.ipynb"
DEFAULT_OUT = Path("runs") / "latest"


@dataclass(frozen=True)
class Plan:
    """A checked plan; all paths are absolute.

    Attributes:
        notebooks: the notebooks in the order of their execution, with distinct names.
        profile: "smoke", "quick" or "full".
        timeout: seconds that one cell may take; None for no limit.
    """

    notebooks: tuple[Path, ...]
    profile: str
    seed: int
    mirror: Path | None
    out: Path
    timeout: float | None


def plan(
    names: list[str],
    *,
    profile: str = "auto",
    seed: int = 0,
    mirror: Path | str | None = None,
    out: Path | str = DEFAULT_OUT,
    timeout: float | None = None,
) -> Plan:
    """Check what the user asked for and settle what was left open.

    Args:
        names: paths, names ("03_cifar10_cnn", "cifar10_cnn") or numbers ("03"); none: all.
        mirror: folder with real data; None takes the environment variable CIFARLIB_MIRROR.

    Raises:
        CourseError: an unknown notebook or profile, a mirror that does not exist.
    """
    from cifarlib import profiles

    mirror = _mirror(mirror)
    if timeout is not None and not timeout > 0:
        raise CourseError(f"--timeout must be above 0 seconds, not {timeout:g}.")
    before = os.environ.get("CIFARLIB_MIRROR")
    try:  # the choice of a profile looks at the data there is
        if mirror is not None:
            os.environ["CIFARLIB_MIRROR"] = str(mirror)
        chosen = profiles.profile(profile).name
    finally:
        if mirror is not None and before is not None:
            os.environ["CIFARLIB_MIRROR"] = before
        elif mirror is not None:
            del os.environ["CIFARLIB_MIRROR"]
    return Plan(
        notebooks=select(names),
        profile=chosen,
        seed=seed,
        mirror=mirror,
        out=Path(out).absolute(),
        timeout=timeout,
    )


def course_folder() -> Path | None:
    """Return the `notebooks` folder of the project that the current folder belongs to."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        for candidate in (folder / "notebooks", folder):
            if any(candidate.glob(PATTERN)):
                return candidate
    return None


def select(names: list[str]) -> tuple[Path, ...]:
    """Return the notebooks that `names` stand for; all of the course if there are none.

    Raises:
        CourseError: a name is unknown, or two notebooks would share one result folder.
    """
    folder = course_folder()
    course = sorted(folder.glob(PATTERN)) if folder else []
    if not names and not course:
        raise CourseError(
            f"No course notebooks were found in {Path.cwd()} or above it. "
            "Go to the course's folder, or name a notebook: cifarlib run PATH.ipynb"
        )
    chosen = [_find(name, course) for name in names] if names else course
    by_slug: dict[str, Path] = {}
    for path in chosen:
        if by_slug.setdefault(path.stem, path) != path:
            raise CourseError(
                f"{by_slug[path.stem]} and {path} have the same name and would overwrite each "
                "other's results. Run them one at a time with different --out folders."
            )
    return tuple(by_slug.values())


def _find(name: str, course: list[Path]) -> Path:
    for path in course:
        number, _, slug = path.stem.partition("_")
        if name in (path.stem, path.name, slug) or (name.isdigit() and int(name) == int(number)):
            return path
    path = Path(name).absolute()
    if path.is_file() and path.suffix == ".ipynb":
        return path
    known = "\n".join(f"  {p.stem}" for p in course) or "  none in this folder or above it"
    raise CourseError(
        f"There is no notebook {name!r}. Give a number, a name or the path of an .ipynb file. "
        f"Notebooks of the course:\n{known}"
    )


def _mirror(mirror: Path | str | None) -> Path | None:
    where = "--mirror" if mirror is not None else "CIFARLIB_MIRROR"
    mirror = mirror if mirror is not None else os.environ.get("CIFARLIB_MIRROR")
    if not mirror:
        return None
    folder = Path(mirror).expanduser().absolute()
    if not folder.is_dir():
        raise CourseError(
            f"{where} names {folder}, which is not a folder here. It must be an existing folder "
            "with `datasets` and `models` in it, as `cifarlib data bundle FOLDER` makes one."
        )
    return folder
