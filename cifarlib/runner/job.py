"""What a worker process is told of the one notebook that it runs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """One notebook with its parameters, and where its results go. All paths are absolute.

    Attributes:
        group: folder of the run that the notebook belongs to.
        key: what the result depends on (see `cifarlib.runner.cache_key`).
        timeout: seconds that a cell may take; None for no limit.
        scratch: a folder for sockets and the like; also known by it are the notebook's processes.
        parent: the process that waits for the worker.
        imports: modules that the kernel shall have imported.
    """

    notebook: Path
    group: Path
    slug: str
    parameters: dict[str, Any]
    key: dict[str, Any] | None = None
    timeout: float | None = None
    scratch: Path | None = None
    parent: int | None = None
    imports: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the executed notebook, its page, its journal and its log go."""
        return self.group / self.slug

    @property
    def records(self) -> Path:
        """Where the notebook leaves its results."""
        return self.group / "records" / self.slug

    @property
    def verdict(self) -> Path:
        """Where the parent says why it ends the notebook, when that is for a limit."""
        return self.scratch / "verdict.json"

    def variables(self) -> dict[str, str]:
        """Return the environment variables that tell a notebook how it is run."""
        return {
            "CIFARLIB_PROFILE": self.parameters["PROFILE"],
            "CIFARLIB_RECORDS": str(self.records),
            "CIFARLIB_QUIET": "1",
            "CIFARLIB_SCRATCH": str(self.scratch),
            "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
        }

    def to_json(self) -> str:
        """Return the job as text, for another process or another machine."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Return the job that `to_json` wrote."""
        facts = json.loads(text)
        paths = {name: Path(facts[name]) for name in ("notebook", "group")}
        scratch = Path(facts["scratch"]) if facts["scratch"] else None
        return cls(**facts | paths | {"scratch": scratch, "imports": tuple(facts["imports"])})
