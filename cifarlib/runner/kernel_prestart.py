"""A kernel's process, started before it is needed: it imports what takes long, then waits.

    python -m cifarlib.runner.kernel_prestart MODULE...

It becomes a kernel when a JSON line with `argv`, `cwd` and `env` comes on stdin (see `start` and
`become`), and ends when stdin ends. What it has imported, a notebook imports in no time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path


def start(modules: Sequence[str], folder: Path) -> subprocess.Popen:
    """Start such a process.

    Args:
        modules: what it imports; what cannot be imported is left to the notebook to find out.
        folder: an empty one to start in.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "cifarlib.runner.kernel_prestart", *modules],
        stdin=subprocess.PIPE,
        cwd=folder,
        env=os.environ | {"JPY_PARENT_PID": str(os.getpid())},
        start_new_session=True,
        text=True,
    )


def become(process: subprocess.Popen, argv: Sequence[str], cwd: str, env: dict[str, str]) -> bool:
    """Make it a kernel; False if it has ended meanwhile.

    Args:
        argv: of `ipykernel`.
        cwd: the folder in which the notebook works.
        env: variables beside those that it has already.
    """
    with suppress(OSError):
        json.dump({"argv": list(argv), "cwd": cwd, "env": env}, process.stdin)
        process.stdin.write("\n")
        process.stdin.close()
        return process.poll() is None
    return False


def main() -> None:
    """Import, wait, and be a kernel."""
    if Path(sys.path[0]) == Path.cwd():
        del sys.path[0]  # as ipykernel's own launcher does
    for name in ("ipykernel.kernelapp", *sys.argv[1:]):
        with suppress(Exception):
            import_module(name)
    line = sys.stdin.readline()
    if not line:
        return
    wanted = json.loads(line)
    os.chdir(wanted["cwd"])
    os.environ.update(wanted["env"])
    sys.argv = wanted["argv"]
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()


if __name__ == "__main__":
    main()
