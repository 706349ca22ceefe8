"""Which Python JupyterLab starts for a notebook: it should be the one that has the course."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def problem() -> str:
    """Say what is wrong with the kernel that notebooks ask for, and what to type; "" if nothing.

    A kernel with the same name, installed by another project, can take its place. Notebooks then
    stop with "No module named 'cifarlib'".
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except (NoSuchKernel, OSError, ValueError):
        return ""  # JupyterLab then uses its own Python
    python = (spec.argv or [""])[0]
    if _is_this(python):
        return ""
    return (
        f"JupyterLab's kernel \"{spec.display_name}\" is {python}, not the course's Python. "
        f"Type: rm -r {spec.resource_dir}"
    )


def _is_this(python: str) -> bool:
    if not os.path.isabs(python):  # a bare "python" is replaced by JupyterLab's own
        return True
    return Path(python).parent.resolve() == Path(sys.executable).parent.resolve()
