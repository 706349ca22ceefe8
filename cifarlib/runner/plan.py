"""What one `cifarlib run` will do: which notebooks, how often, with what, into which folder."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifarlib.errors import CourseError
from cifarlib.profiles import profile as choose_profile
from cifarlib.runner import cells
from cifarlib.runner.job import Job

PATTERN = "[0-9][0-9]_*.ipynb"
DEFAULT_OUT = Path("runs") / "latest"


@dataclass(frozen=True)
class NotebookTask:
    """One notebook with one profile and one seed, and the folder of the run it belongs to."""

    notebook: Path
    profile: str
    seed: int
    own: tuple[tuple[str, Any], ...]
    group: Path

    @property
    def slug(self) -> str:
        return self.notebook.stem

    @property
    def folder(self) -> Path:
        return self.job().folder

    @property
    def records(self) -> Path:
        return self.job().records

    @property
    def parameters(self) -> dict[str, Any]:
        return {"PROFILE": self.profile, "SEED": self.seed, **dict(self.own)}

    def job(self, key: dict[str, Any] | None = None) -> Job:
        """Return what a worker process has to be told."""
        return Job(self.notebook, self.group, self.slug, self.parameters, key)


@dataclass(frozen=True)
class NotebookLimits:
    """What one notebook may take; None for no limit.

    Attributes:
        timeout: seconds of one cell.
        minutes: of the whole notebook.
        memory: GB (2**30 bytes) that all its processes occupy together.
    """

    timeout: float | None = None
    minutes: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Plan:
    """A checked plan; all paths are absolute.

    Attributes:
        notebooks: with distinct names, in the course's order or as they were named.
        profiles: of "smoke", "quick" and "full".
        parameters: further variables of the notebooks' parameters cells.
        timeout: seconds that one cell may take; None for no limit.
        minutes: that one notebook may take; None for no limit.
        memory: GB that one notebook and all its processes may take; None for no limit.
        jobs: notebooks at a time on this machine.
        threads: CPU threads of each notebook; None for its share of the cores.
        fresh: run everything again, whatever was done before.
        scheduler: address of a Dask cluster to run on instead of this machine.
    """

    notebooks: tuple[Path, ...]
    profiles: tuple[str, ...]
    seeds: tuple[int, ...]
    parameters: dict[str, Any]
    mirror: Path | None
    out: Path
    timeout: float | None = None
    minutes: float | None = None
    memory: float | None = None
    jobs: int = 1
    threads: int | None = None
    fresh: bool = False
    scheduler: str | None = None

    @property
    def limits(self) -> NotebookLimits:
        return NotebookLimits(self.timeout, self.minutes, self.memory)

    @property
    def groups(self) -> dict[tuple[str, int], Path]:
        """The run folder of each profile and seed: the out folder if there is only one."""
        pairs = [(profile, seed) for profile in self.profiles for seed in self.seeds]
        if len(pairs) == 1:
            return {pairs[0]: self.out}
        return {(profile, seed): self.out / f"{profile}-seed{seed}" for profile, seed in pairs}

    @property
    def tasks(self) -> list[NotebookTask]:
        own = {notebook: self._own(notebook) for notebook in self.notebooks}
        return [
            NotebookTask(notebook, profile, seed, own[notebook], group)
            for (profile, seed), group in self.groups.items()
            for notebook in self.notebooks
        ]

    def _own(self, notebook: Path) -> tuple[tuple[str, Any], ...]:
        """Return those of the further parameters that a notebook has."""
        known = cells.parameter_names(notebook) if self.parameters else []
        return tuple((name, value) for name, value in self.parameters.items() if name in known)


def plan(
    names: list[str],
    *,
    profile: str = "auto",
    seeds: Iterable[int] = (0,),
    parameters: dict[str, str] | None = None,
    mirror: Path | str | None = None,
    out: Path | str = DEFAULT_OUT,
    **limits: Any,
) -> Plan:
    """Check what the user asked for and settle what was left open.

    Args:
        names: paths, names ("03_cifar10_cnn", "cifar10_cnn") or numbers ("03"); none: all.
        profile: one, or several with commas between them.
        parameters: values as typed: Python literals, anything else is text.
        mirror: folder with real data; None takes the environment variable CIFARLIB_MIRROR.
        limits: the other attributes of `Plan`.

    Raises:
        CourseError: an unknown notebook, profile or parameter, a mirror that does not exist,
            or a number out of range.
    """
    if limits.get("scheduler") and mirror is not None:
        raise CourseError(
            "--mirror names a folder of this machine, and with --scheduler notebooks run on "
            "others. Set CIFARLIB_MIRROR on the workers instead."
        )
    mirror = _mirror(mirror)
    _check_limits(limits)
    wanted = [name.strip() for name in profile.split(",")]
    chosen = dict.fromkeys(choose_profile(name, mirror=mirror).name for name in wanted)
    notebooks = select(names)
    return Plan(
        notebooks=notebooks,
        profiles=tuple(chosen),
        seeds=tuple(dict.fromkeys(seeds)),
        parameters=_parameters(parameters or {}, notebooks),
        mirror=mirror,
        out=Path(out).absolute(),
        **limits,
    )


def _check_limits(limits: dict[str, Any]) -> None:
    units = {"timeout": "seconds", "minutes": "minutes", "memory": "GB"}
    for name, unit in units.items():
        value = limits.get(name)
        if value is not None and not value > 0:
            raise CourseError(f"--{name} must be above 0 {unit}, not {value:g}.")
    for name in ("jobs", "threads"):
        value = limits.get(name)
        if value is not None and value < 1:
            raise CourseError(f"--{name} must be at least 1, not {value}.")


def _parameters(given: dict[str, str], notebooks: tuple[Path, ...]) -> dict[str, Any]:
    """Return the values of `given`, whose names must stand in every parameters cell.

    Raises:
        CourseError: a name is not there, or has an option of its own.
    """
    for name in given:
        if name in ("PROFILE", "SEED"):
            option = "--profile" if name == "PROFILE" else "--seeds"
            raise CourseError(f"{name} has an option of its own: use {option} instead of -p.")
        for path in notebooks:
            known = cells.parameter_names(path)
            if name not in known:
                raise CourseError(
                    f"{path.name} has no parameter {name!r}. Its cell tagged `parameters` sets "
                    f"{', '.join(known) or 'nothing'}. Correct the name, or run only the "
                    "notebooks that have it."
                )
    return {name: _value(text) for name, text in given.items()}


def _value(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
        json.dumps(value)
    except (ValueError, SyntaxError, TypeError):
        return text
    return value


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
