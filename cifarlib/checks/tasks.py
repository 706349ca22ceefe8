"""What a task is, and where the tasks of an assignment are found.

The module `cifarlib.checks.assignments.aNN_slug` holds the tasks of one exercise notebook::

    assignment = Assignment("02_counting_parameters")

    @assignment.task("Count a convolution", points=2, hints=("Think of ...", "Begin with ..."))
    def conv_parameters(conv_parameters, *, cases=CASES):
        same_results("conv_parameters", conv_parameters, _right, cases)

The function's name is the task's. Its positional parameters are the names that a student defines;
its keyword-only ones are inputs that hidden tests may replace. It raises `Wrong` or `NotAttempted`,
and returns None, or a remark on an answer that is right all the same. Points and titles stand
here only: `cifarlib release` compares the notebook with them.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

from cifarlib.checks import assignments
from cifarlib.errors import CourseError


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        names: what a student defines, in the order in which `function` takes it.
        function: the check; None for a written answer, which a person reads.
    """

    name: str
    title: str
    points: int
    names: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    function: Callable[..., str | None] | None = None


@dataclass
class Assignment:
    """The tasks of one exercise notebook, in its order."""

    slug: str
    tasks: dict[str, Task] = field(default_factory=dict)

    @property
    def number(self) -> str:
        return self.slug[:2]

    @property
    def checked(self) -> list[Task]:
        """The tasks that a program checks."""
        return [task for task in self.tasks.values() if task.function]

    @property
    def written(self) -> list[Task]:
        """The tasks that a person reads."""
        return [task for task in self.tasks.values() if not task.function]

    def task(self, title: str, *, points: int, hints: Sequence[str]) -> Callable:
        """Return a decorator that makes a task of a check."""

        def add(function: Callable[..., str | None]) -> Callable[..., str | None]:
            name, parameters = function.__name__, inspect.signature(function).parameters.values()
            names = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
            self.tasks[name] = Task(name, title, points, names, tuple(hints), function)
            return function

        return add

    def add_written(self, name: str, title: str, *, points: int) -> None:
        """Add a task with a written answer."""
        self.tasks[name] = Task(name, title, points)


def slugs() -> list[str]:
    """Return the names of all assignments, such as "02_counting_parameters"."""
    return [module.name[1:] for module in pkgutil.iter_modules(assignments.__path__)]


@cache
def assignment(number: str) -> Assignment:
    """Return the assignment with a number such as "02".

    Raises:
        CourseError: there is no such assignment.
    """
    for slug in slugs():
        if slug[:2] == number:
            return import_module(f"{assignments.__name__}.a{slug}").assignment
    raise CourseError(f'There is no assignment "{number}". Known: {", ".join(slugs())}.')


def find(name: str) -> Task:
    """Return the task with a full name such as "02.conv_parameters".

    Raises:
        CourseError: there is no such task.
    """
    number, _, task = name.partition(".")
    tasks = assignment(number).tasks
    if task not in tasks:
        known = ", ".join(f'"{number}.{name}"' for name in tasks)
        raise CourseError(f'There is no task "{name}". Choose one of: {known}.')
    return tasks[task]
