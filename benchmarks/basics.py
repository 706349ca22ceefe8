"""Seconds and memory of what everybody waits for, each in a fresh process.

    python benchmarks/basics.py --mirror DIR

`import cifarlib`, loading CIFAR-10, and an epoch of the small network R0.4 on each Keras backend
that is installed. Medians of some rounds, in turns; memory is the largest that a process had.
For loading, the limit is the time to copy the pixels once at the machine's measured bandwidth.
Results go to `benchmarks/results/basics.json`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from limits import bytes_per_second

from cifarlib._support.environment import environment
from cifarlib._support.files import write_atomic

RESULTS = Path(__file__).parent / "results" / "basics.json"
BACKENDS = ("tensorflow", "jax", "torch")
IMPORT = "import cifarlib"
LOAD = "import cifarlib; started = time.perf_counter(); cifarlib.load('cifar10')"
EPOCH = """
import cifarlib
from cifarlib import models
data = cifarlib.load("cifar10", split="R0-slice", n_train=4800)
model = models.build("R0.4")
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
result = 4800 / cifarlib.fit(model, data, epochs=3, batch_size=16).epoch_seconds[-1]
"""
MEASURED = """
import re, time
started = time.perf_counter()
result = None
{code}
seconds = time.perf_counter() - started
peak = int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) / 1024
print("RESULT", seconds if result is None else result, peak)
"""
CIFAR10_BYTES = 60_000 * 32 * 32 * 3


def main() -> None:
    args = _arguments()
    tasks = {"import cifarlib": (IMPORT, {}), "load CIFAR-10": (LOAD, {})}
    for name in BACKENDS:
        if importlib.util.find_spec(name):
            tasks[f"R0.4 on {name}"] = (EPOCH, {"KERAS_BACKEND": name})
    taken = {name: [] for name in tasks}
    for _ in range(args.rounds):
        for name, (code, settings) in tasks.items():
            taken[name].append(_measure(code, settings, args.mirror))
    found = {}
    for name, rounds in taken.items():
        value, megabytes = (statistics.median(column) for column in zip(*rounds, strict=True))
        unit = "images/s" if "R0.4" in name else "s"
        found[name] = {"value": round(value, 3), "unit": unit, "megabytes": round(megabytes)}
        print(f"{name}: {value:,.2f} {unit}, at most {megabytes:,.0f} MB", flush=True)
    missing = [name for name in BACKENDS if f"R0.4 on {name}" not in found]
    limit = 2 * CIFAR10_BYTES / bytes_per_second()
    content = {"tasks": found, "not_installed": missing, "load_limit_seconds": limit}
    write_atomic(args.out, json.dumps(content | {"environment": environment()}, indent=1) + "\n")
    print(f"written: {args.out}")


def _measure(code: str, settings: dict, mirror: str | None) -> tuple[float, float]:
    """Return the measured value, and the largest memory of the process in megabytes."""
    own = {"CIFARLIB_QUIET": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if mirror:
        own["CIFARLIB_MIRROR"] = mirror
    answer = subprocess.run(
        [sys.executable, "-c", MEASURED.format(code=code)],
        env=os.environ | own | settings,
        capture_output=True,
        text=True,
    )
    lines = [line for line in answer.stdout.splitlines() if line.startswith("RESULT")]
    if answer.returncode or not lines:
        raise SystemExit(f"This failed:\n{code}\n{answer.stderr[-2000:]}")
    _, value, megabytes = lines[0].split()
    return float(value), float(megabytes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mirror", help="default: CIFARLIB_MIRROR")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
