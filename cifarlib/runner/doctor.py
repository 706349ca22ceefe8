"""`cifarlib doctor`: look at this machine and say, for each problem, what to type next."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from cifarlib._support import environment
from cifarlib._support.requirements_lock import applies, pins
from cifarlib.data import mirror, sources
from cifarlib.errors import CourseError
from cifarlib.runner import kernelspec

OK, WARN, FAIL = "OK", "WARN", "FAIL"
PYTHONS = ((3, 11), (3, 13))
ENOUGH_DISK_GB, ENOUGH_MEMORY_GB = 2, 4
LOAD_SECONDS = 180
LOAD_KERAS = """
import json, keras
try:
    devices = keras.distribution.list_devices()
except Exception:
    devices = None
print(json.dumps(devices))
"""


class Finding(NamedTuple):
    """One line: how bad it is, what was looked at, what was seen and what to do."""

    level: str
    subject: str
    text: str


def doctor() -> int:
    """Print the findings; return 1 if one of them keeps the course from running, else 0."""
    findings = list(examine())
    width = max(len(f.subject) for f in findings)
    for finding in findings:
        indented = finding.text.replace("\n", "\n" + " " * (width + 8))
        print(f"{finding.level:<4}  {finding.subject:<{width}}  {indented}")
    fails = sum(f.level == FAIL for f in findings)
    warnings = sum(f.level == WARN for f in findings)
    print(f"\n{fails} problems that keep the course from running, {warnings} remarks.")
    return 1 if fails else 0


def examine() -> Iterator[Finding]:
    """Look at everything the course needs; Keras is loaded in another process only."""
    yield _python()
    yield _folder()
    yield _packages()
    yield from _backend()
    yield _keras_settings()
    yield _kernel()
    yield _memory()
    yield _disk()
    yield from _data()
    yield _writable("results", Path("runs"))
    yield _writable("Keras cache", sources.keras_home())


def _python() -> Finding:
    seen = ".".join(map(str, sys.version_info[:3]))
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return Finding(OK, "Python", seen)
    return Finding(
        FAIL,
        "Python",
        f"{seen}, but the course needs 3.11, 3.12 or 3.13. Install one of them, then type: "
        "make clean run PYTHON=python3.12",
    )


def _folder() -> Finding:
    """Look for the course where commands are typed: here, or above."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if any((folder / "notebooks").glob("[0-9][0-9]_*.ipynb")):
            return Finding(OK, "folder", f"{folder} holds the course")
    course = environment.checkout()
    way = f"Type: cd {course}" if course else "Change into the folder that holds notebooks/."
    return Finding(WARN, "folder", f"{here} is not the course's folder. {way}")


def _packages() -> Finding:
    lock = (environment.checkout() or Path()) / "requirements.lock"
    if not lock.is_file():
        return Finding(WARN, "packages", "no requirements.lock found here, so none was compared")
    wrong = [line for line in _compared(lock) if line]
    if not wrong:
        return Finding(OK, "packages", "exactly those of requirements.lock")
    shown = "\n".join(wrong[:8] + [f"and {len(wrong) - 8} more"] * (len(wrong) > 8))
    missing = {line.split()[0] for line in wrong if " is missing " in line}
    level = FAIL if missing & _needed() else WARN
    return Finding(level, "packages", f"{shown}\nTo mend it: rm .venv/.ready; make run")


def _compared(lock: Path) -> Iterator[str]:
    """Say of each package of the lock that applies here what is wrong with it, or ""."""
    for pin in filter(applies, pins(lock)):
        try:
            seen = metadata.version(pin.name)
        except metadata.PackageNotFoundError:
            yield f"{pin.name} is missing (the lock has {pin.specifier})"
            continue
        yield "" if pin.specifier.contains(seen) else f"{pin.name} is {seen}, not {pin.specifier}"


def _needed() -> set[str]:
    """Return the packages without which the notebooks cannot run; others are for tests only."""
    from packaging.requirements import Requirement

    wanted = map(Requirement, metadata.requires("cifarlib") or [])
    return {r.name for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})}


def _backend() -> Iterator[Finding]:
    """Look for the backend, load it, and see whether it finds the GPU."""
    name = environment.backend()
    if importlib.util.find_spec(name) is None:
        yield Finding(
            FAIL,
            "backend",
            f"Keras is set to {name!r}, which is not installed. Type: export "
            "KERAS_BACKEND=tensorflow (or install it). It may come from KERAS_BACKEND or from "
            f"keras.json in {sources.keras_home()}.",
        )
        return
    devices, error = load_keras()
    if error:
        yield Finding(
            FAIL,
            "backend",
            f"Keras with the backend {name!r} cannot be loaded: {error}\n"
            "To mend it: rm .venv/.ready; make run",
        )
        return
    yield Finding(OK, "backend", f"{name}, loads")
    yield _gpu(name, devices)


def load_keras() -> tuple[list[str] | None, str]:
    """Load Keras in another process, which may crash: on a processor without AVX it does.

    Returns:
        The names of its devices (None if it cannot tell), and what went wrong or "".
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", LOAD_KERAS],
            capture_output=True,
            text=True,
            timeout=LOAD_SECONDS,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    except subprocess.TimeoutExpired:
        return None, f"it was not ready after {LOAD_SECONDS} seconds"
    if done.returncode < 0:
        return None, f"it was killed by {signal.Signals(-done.returncode).name}"
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or ["no message"])[-1]
    return json.loads(done.stdout.splitlines()[-1]), ""


def _keras_settings() -> Finding:
    """Look for settings of an earlier project, which Keras would apply to the course too."""
    path = sources.keras_home() / "keras.json"
    expected = {"floatx": "float32", "image_data_format": "channels_last"}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        odd = [f"{k} is {settings[k]!r}" for k, v in expected.items() if settings.get(k, v) != v]
    except (FileNotFoundError, ValueError):  # Keras passes over a file that is no JSON
        odd = []
    except (OSError, AttributeError):
        odd = ["it cannot be read"]
    if odd:
        text = f"{path}: {' and '.join(odd)}; the course needs Keras's defaults. Type: rm {path}"
        return Finding(FAIL, "Keras", text)
    return Finding(OK, "Keras", f"settings in {sources.keras_home()} suit the course")


def _kernel() -> Finding:
    if importlib.util.find_spec("ipykernel") is None:
        return Finding(FAIL, "kernel", "ipykernel is missing. Type: rm .venv/.ready; make run")
    if problem := kernelspec.problem():
        return Finding(FAIL, "kernel", problem)
    return Finding(OK, "kernel", f"{sys.executable} runs the notebooks")


def _gpu(backend: str, devices: list[str] | None) -> Finding:
    names = ", ".join(environment.gpu_names())
    if not names:
        return Finding(OK, "GPU", "none: fine for the smoke and quick profiles; full wants one")
    if devices is None or any("gpu" in device.lower() for device in devices):
        return Finding(OK, "GPU", names)
    package = {"tensorflow": '"tensorflow[and-cuda]"', "jax": '"jax[cuda12]"'}.get(backend, backend)
    return Finding(
        WARN,
        "GPU",
        f"{names}, but {backend} does not see it and will use the processor. "
        f"Type: .venv/bin/pip install {package}",
    )


def _memory() -> Finding:
    size = environment.environment()["memory_gb"]
    if size >= ENOUGH_MEMORY_GB:
        return Finding(OK, "memory", f"{size} GB")
    return Finding(
        WARN, "memory", f"{size} GB; {ENOUGH_MEMORY_GB} are advised. Close other programs."
    )


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    if free >= ENOUGH_DISK_GB:
        return Finding(OK, "disk", f"{free:.0f} GB free here")
    return Finding(
        WARN, "disk", f"{free:.1f} GB free here; {ENOUGH_DISK_GB} are advised. Free some space."
    )


def _data() -> Iterator[Finding]:
    try:
        root = sources.mirror_folder()
    except CourseError as error:
        yield Finding(FAIL, "mirror", str(error))
        return
    yield Finding(OK, "mirror", str(root) if root else "none named (CIFARLIB_MIRROR is not set)")
    for name, title in (("mnist", "MNIST"), ("cifar10", "CIFAR-10"), ("vgg16", "VGG16 weights")):
        path = sources.found(name)
        if path is None:
            yield Finding(
                WARN,
                title,
                f"not on this machine. Type: cifarlib data fetch {name} "
                "(the smoke profile does without)",
            )
        else:
            yield _checked(title, name, path)


def _checked(title: str, name: str, path: Path) -> Finding:
    rows = [row for row in mirror.check(name, path, path.parent) if row.status != "official"]
    damaged = [f"{row.file}: {row.detail}" for row in rows if not row.ok]
    if damaged:
        text = "\n".join(damaged) + f"\nDelete {path}, then type: cifarlib data fetch {name}"
        return Finding(FAIL, title, text)
    return Finding(OK, title, f"{path}" + (" (not bit-exact)" if rows else " (official)"))


def _writable(subject: str, folder: Path) -> Finding:
    """Try to write where `folder` is, or would be made."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Finding(OK, subject, f"{folder} can be written to")
    except OSError as error:
        return Finding(
            FAIL,
            subject,
            f"{existing} cannot be written to ({error.strerror or os.strerror(error.errno or 0)}). "
            "Go to a folder of your own, or change its permissions.",
        )
