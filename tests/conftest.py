"""Fixtures for all tests: the real data mirror, and small made-up trees like it."""

from __future__ import annotations

import os
import pickle
from functools import partial
from pathlib import Path

import checking
import numpy as np
import pytest
from running import make
from tiers import (  # noqa: F401  (hooks: they keep each test in its tier)
    pytest_configure,
    pytest_runtest_call,
    pytest_runtest_setup,
    pytest_runtest_teardown,
)

from cifarlib.data import readers

N_BATCH = 40  # images in a made-up CIFAR-10 file, for 10,000 in a real one


def pytest_terminal_summary(terminalreporter):
    """Say how many answers the checks of the exercises were tried with."""
    if checking.COUNTS:
        counts = ", ".join(f"{count} {kind}" for kind, count in checking.COUNTS.items())
        terminalreporter.write_line(f"answers in the tables of the checks: {counts}")


@pytest.fixture(scope="session")
def mirror() -> Path:
    """A mirror with the real data; the test is skipped where none is named."""
    if not os.environ.get("CIFARLIB_MIRROR"):
        pytest.skip("no data mirror: CIFARLIB_MIRROR is not set")
    return Path(os.environ["CIFARLIB_MIRROR"])


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    """Return an empty folder for a mirror, and make the data sets tiny.

    No mirror is named, Keras's cache is an empty folder, and there is no network.
    """
    monkeypatch.delenv("CIFARLIB_MIRROR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("cifarlib.data.sources._download", no_network)
    monkeypatch.setattr(readers, "read_cifar10", partial(readers.read_cifar10, n_batch=N_BATCH))
    monkeypatch.setattr(readers, "parse_batch", partial(readers.parse_batch, n_batch=N_BATCH))
    monkeypatch.setattr(readers, "read_mnist", partial(readers.read_mnist, n_train=60, n_test=20))
    (tmp_path / "mirror").mkdir()
    return tmp_path / "mirror"


def no_network(name: str) -> Path:
    raise OSError("the network is unreachable")


def make_mnist(root: Path, **changes: np.ndarray | None) -> Path:
    """Write a tiny `mnist.npz` below `root`, with some arrays changed or left out (None)."""
    random = np.random.RandomState(0)
    content = {
        "x_train": random.randint(0, 256, (60, 28, 28)).astype(np.uint8),
        "y_train": np.arange(60, dtype=np.uint8) % 10,
        "x_test": random.randint(0, 256, (20, 28, 28)).astype(np.uint8),
        "y_test": np.arange(20, dtype=np.uint8) % 10,
    } | changes
    path = root / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: array for name, array in content.items() if array is not None})
    return path


def make_cifar10(root: Path, below: str = "datasets/cifar-10-batches-py") -> Path:
    """Write six tiny batch files and batches.meta below `root`; return their folder."""
    folder = root / below
    folder.mkdir(parents=True)
    for number, name in enumerate(readers.CIFAR10_MD5):
        random = np.random.RandomState(number)
        batch = {
            b"data": random.randint(0, 256, (N_BATCH, 3072)).astype(np.uint8),
            b"labels": [n % 10 for n in range(N_BATCH)],
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=4))
    (folder / "batches.meta").write_bytes(pickle.dumps({b"num_vis": 3072}))
    return folder


@pytest.fixture
def ready(tmp_path, monkeypatch):
    """Return a notebook in a course folder that is the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CIFARLIB_MIRROR", raising=False)
    return make(tmp_path / "notebooks", "01_fine", "print(1)")
