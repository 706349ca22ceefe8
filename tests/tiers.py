"""The tiers of the tests, and a guard that keeps each test in its own.

A test that starts a process, or a kernel, is marked `process`; one that trains a Keras model is
marked `training`; what is repeated, large, or sensitive to load is marked `slow`. `make check` runs
what has none of these marks, `make test` what is not slow, `make slow` the rest. A test that does
what its marks do not say fails, also where the code that it tests swallows the refusal.
"""

from __future__ import annotations

import functools
import multiprocessing.util
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest

QUICK = {"git", "ldconfig", "nvidia-smi", "sysctl", "uname"}
"""Programs that answer at once: asking the machine or the repository is no process of a test."""
STARTS = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.system", "os.exec"}

_watches: list[_Watch] = []


class _Watch:
    """What one test may do, and what it did although it may not."""

    def __init__(self, marks: Collection[str]) -> None:
        self.marks, self.done = marks, []

    def saw(self, mark: str, what: str) -> None:
        if mark not in self.marks:
            message = f"this test is not marked `{mark}`, and {what}"
            self.done.append(message)
            pytest.fail(message)


@contextmanager
def watched(marks: Collection[str]) -> Iterator[None]:
    """Refuse what these marks do not allow, and fail at the end if anything was refused."""
    watch = _Watch(marks)
    _watches.append(watch)
    try:
        yield
    finally:
        _watches.remove(watch)
    if watch.done:
        pytest.fail("; ".join(dict.fromkeys(watch.done)))


def install() -> None:
    """Watch this process from now on: Python's own events cannot be got round."""
    sys.addaudithook(_event)
    spawn = multiprocessing.util.spawnv_passfds  # the one way without an event

    @functools.wraps(spawn)
    def spawn_watched(path, args, passfds):
        _saw("process", "it starts a process with multiprocessing")
        return spawn(path, args, passfds)

    multiprocessing.util.spawnv_passfds = spawn_watched


def _saw(mark: str, what: str) -> None:
    if _watches:
        _watches[-1].saw(mark, what)


def _event(event: str, arguments: tuple) -> None:
    if event == "import":
        _watch_keras()
    elif event in STARTS and _watches:
        program = os.path.basename(os.fsdecode(arguments[0])) if arguments else ""
        if program not in QUICK:
            _saw("process", f"it starts one ({event} {program})")


@functools.cache
def _patched(model: type) -> None:
    fit = model.fit

    @functools.wraps(fit)
    def fit_watched(*arguments, **options):
        _saw("training", "it calls Model.fit")
        return fit(*arguments, **options)

    model.fit = fit_watched


def _watch_keras() -> None:
    """Watch `Model.fit` as soon as there is one, without importing Keras for tests without it."""
    model = getattr(sys.modules.get("keras"), "Model", None)
    if model is not None:
        _patched(model)


# What pytest calls; conftest.py imports these by their names.


def pytest_configure() -> None:
    install()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _watched_item(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _watched_item(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with _watched_item(item):
        return (yield)


def _watched_item(item: pytest.Item):
    _watch_keras()
    return watched({mark.name for mark in item.iter_markers()})
