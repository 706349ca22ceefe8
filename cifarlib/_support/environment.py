"""Facts about this machine and its software that a measurement depends on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path

PACKAGES = ("cifarlib", "keras", "tensorflow", "jax", "torch", "numpy", "scikit-learn")
SETTINGS = (
    "CUDA_VISIBLE_DEVICES",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "XLA_FLAGS",
)


def environment() -> dict:
    """Return what a result depends on besides code and data; loads no deep-learning library.

    Keys: python, platform, cpu, cores, memory_gb, gpus, backend, versions (by package),
    git (commit and dirty, or None outside a checkout), settings (of threads and devices).
    The answer holds nothing that names the machine or its owner.
    """
    return {
        **_machine(),
        "backend": backend(),
        "versions": versions(),
        "settings": {name: os.environ[name] for name in SETTINGS if name in os.environ},
    }


def backend() -> str:
    """Return the backend Keras uses, decided as Keras does, without loading Keras."""
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend()
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    try:
        settings = json.loads((keras_home() / "keras.json").read_text(encoding="utf-8"))
        return str(settings["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def keras_home() -> Path:
    """Return the folder in which Keras keeps its settings, datasets and weights."""
    if os.environ.get("KERAS_HOME"):
        return Path(os.environ["KERAS_HOME"]).expanduser()
    home = Path.home() if os.access(Path.home(), os.W_OK) else Path("/tmp")
    return home / ".keras"


def versions() -> dict[str, str]:
    """Return the installed versions of the packages that results depend on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def checkout() -> Path | None:
    """Return the project folder that this cifarlib runs from; None if it is installed."""
    top = Path(__file__).resolve().parents[2]
    return top if (top / "pyproject.toml").exists() else None


def gpu_names() -> list[str]:
    """Return the names of NVIDIA GPUs that the driver reports; [] without one."""
    names = []
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Model:"):
                names.append(line.partition(":")[2].strip())
    if names:
        return names
    return (_output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader") or "").splitlines()


@lru_cache(maxsize=1)
def _machine() -> dict:
    import psutil

    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cores": _usable_cores(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": gpu_names(),
        "git": _git(),
    }


def _cpu_model() -> str:
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(x.partition(":")[2].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _git() -> dict | None:
    top = checkout()
    if top is None or not (top / ".git").exists():
        return None
    commit = _output("git", "-C", str(top), "rev-parse", "HEAD")
    if not commit:
        return None
    changes = _output("git", "-C", str(top), "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": changes != ""}


def _output(*command: str) -> str | None:
    """Return what a command prints; None if it is absent, fails or takes over 5 seconds."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
