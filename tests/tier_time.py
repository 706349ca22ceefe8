"""Run a tier of the tests, and compare its processor time with that of `import keras`.

    python tests/tier_time.py check make lint unit

Seconds depend on the machine and on what else it does; the ratio to an import on the same machine
in the same minutes hardly does. Its ceiling is in budget.toml, in the table [tests].
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

BUDGET = Path(__file__).parent.parent / "budget.toml"
IMPORTS = 3


def processor_seconds(command: list[str], **options: Any) -> tuple[float, int]:
    """Run a command; return the seconds that it and all its processes computed, and its status."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status = subprocess.run(command, **options).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, status


def import_seconds() -> float:
    """Return the seconds that `import keras` takes, the middle one of a few times."""
    command = [sys.executable, "-c", "import keras"]
    found = [processor_seconds(command, stderr=subprocess.DEVNULL) for _ in range(IMPORTS)]
    assert all(status == 0 for _, status in found), "`import keras` fails"
    return statistics.median(seconds for seconds, _ in found)


def verdict(tier: str, seconds: float, unit: float, ceiling: float) -> tuple[str, int]:
    """Return what to say of a tier that took so long, and the status to end with."""
    ratio = seconds / unit
    text = f"{tier}: {seconds:.0f} s of processor time, {ratio:.1f} times `import keras` "
    text += f"({unit:.1f} s); the ceiling is {ceiling}."
    if ratio > ceiling:
        return f"{text} Too much: make tests lighter, or mark them as docs/contributor.md says.", 1
    return text, 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ceilings = tomllib.loads(BUDGET.read_text(encoding="utf-8"))["tests"]
    parser.add_argument("tier", choices=ceilings)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    seconds, status = processor_seconds(asked.command)
    if status != 0:
        return status
    text, status = verdict(asked.tier, seconds, import_seconds(), ceilings[asked.tier])
    print(text)
    return status


if __name__ == "__main__":
    sys.exit(main())
