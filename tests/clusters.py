"""A real Dask cluster on this machine, for tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from running import read_json
from waiting import wait_for

import cifarlib


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path):
        self.folder, self.workers = folder, {}
        self.library = str(copy_of_cifarlib(folder / "library"))
        file = folder / "scheduler.json"
        self.scheduler = self._dask("scheduler", "--port", "0", "--scheduler-file", str(file))
        wait_for(lambda: read(file).get("address"))
        self.address = read(file)["address"]

    def add(self, name: str, **environ: str) -> None:
        words = [self.address, "--name", name, "--nthreads", "1", "--no-nanny"]
        self.workers[name] = self._dask("worker", *words, **environ)

    def _dask(self, kind: str, *words: str, **environ: str) -> subprocess.Popen:
        options = ["--host", "127.0.0.1", "--no-dashboard"]
        with open(self.folder / "dask.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", kind, *words, *options],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": self.library} | environ,
                stdout=log,
                stderr=log,
            )

    def close(self) -> None:
        for process in (*self.workers.values(), self.scheduler):
            process.kill()
            process.wait()


def read(path):
    try:
        return read_json(path)
    except (OSError, ValueError):
        return {}


def copy_of_cifarlib(folder: Path) -> Path:
    """Copy this library, so that nobody changes it while a test is at work."""
    top = Path(cifarlib.__file__).parents[1]
    shutil.copytree(top / "cifarlib", folder / "cifarlib")
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(top / name, folder)
    return folder


def names(dask):
    from distributed import Client

    with Client(dask.address, set_as_default=False) as client:
        return [w["name"] for w in client.scheduler_info(n_workers=-1)["workers"].values()]


def at_work(dask, name):
    """Say whether a worker has something to do."""
    from distributed import Client

    with Client(dask.address, set_as_default=False) as client:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        (address,) = [address for address, worker in workers.items() if worker["name"] == name]
        return bool(client.processing().get(address))
