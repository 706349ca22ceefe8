"""Grading on a Dask cluster that exists already: notebooks go there, results come back.

Jails are made on the workers, so they are what needs Linux and bubblewrap, and this cifarlib. What
comes back is text: the same JSON that a batch keeps for each submission.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cifarlib._support.dask_client import connect
from cifarlib._support.digests import package_digest
from cifarlib.errors import CourseError
from cifarlib.grader.bubblewrap import Sandbox, open_sandbox
from cifarlib.grader.limits import JailLimits
from cifarlib.grader.local_grader import LocalGrader
from cifarlib.grader.nbgrader_format import RELEASE
from cifarlib.grader.scores import Graded
from cifarlib.grader.source import Source, read_source, released_path

RETRIES = 2  # when a worker is lost in the middle of a submission


class Cluster:
    """The workers behind a scheduler's address. Use as a context manager.

    Raises:
        CourseError: there is no scheduler at the address, or it has no workers.
    """

    def __init__(self, address: str) -> None:
        self.client = connect(address)

    @property
    def jobs(self) -> int:
        """How many submissions it can grade at once."""
        return max(1, sum(self.client.nthreads().values()))

    def grader(self, source: Source, sandbox: Sandbox) -> RemoteGrader:
        """Return what grades one submission after the other, wherever there is room."""
        return RemoteGrader(self.client, source, sandbox)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()


class RemoteGrader:
    """Grades submissions in jails on the workers of a cluster."""

    def __init__(self, client: Any, source: Source, sandbox: Sandbox) -> None:
        self._client, self._sandbox = client, sandbox
        self._assignment = _pack(source)

    def grade(self, content: bytes, only: Collection[str] = ()) -> Graded:
        """Grade a submitted notebook on a worker; see `LocalGrader.grade`.

        Raises:
            CourseError: the worker has another cifarlib, or makes no jails.
        """
        job = {
            "cifarlib": package_digest(),
            "limits": asdict(self._sandbox.limits),
            "gpu": self._sandbox.gpu,
            "unsafe": self._sandbox.kind == "none",
            "only": list(only),
        }
        future = self._client.submit(
            grade_on_worker, self._assignment, content, json.dumps(job), pure=False, retries=RETRIES
        )
        return Graded.from_dict(json.loads(future.result()))

    def close(self) -> None:
        """Do nothing: a worker ends its jails after each submission."""


def grade_on_worker(assignment: bytes, content: bytes, job: str) -> str:
    """Grade one submission on this worker; return the result as JSON.

    Raises:
        CourseError: this worker has another cifarlib, or makes no jails.
    """
    wanted = json.loads(job)
    if wanted["cifarlib"] != package_digest():
        raise CourseError(
            "A worker has another cifarlib than the machine that asked. "
            "Install the same version of the course on all of them."
        )
    with tempfile.TemporaryDirectory(prefix="cifarlib-grade-") as place:
        with zipfile.ZipFile(io.BytesIO(assignment)) as archive:
            archive.extractall(place)
        (notebook,) = Path(place, "source").glob("*/*.ipynb")
        source = read_source(notebook)
        limits = JailLimits(**wanted["limits"])
        options = {"gpu": wanted["gpu"], "unsafe": wanted["unsafe"]}
        grader = LocalGrader(source, open_sandbox(limits, source.files, **options))
        try:
            return json.dumps(asdict(grader.grade(content, wanted["only"])))
        finally:
            grader.close()


def _pack(source: Source) -> bytes:
    """Return a zip file with an assignment: its source, its data files, and its release."""
    released = released_path(source.path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (source.path, *(p for p in source.files if p.is_file())):
            archive.write(path, f"source/{source.slug}/{path.name}")
        if released.is_file():
            archive.write(released, f"{RELEASE}/{source.slug}/{released.name}")
    return buffer.getvalue()
