"""The guard of the tiers refuses what a test's marks do not say, and nothing else."""

import ast
import multiprocessing
import os
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import keras
import pytest
import tier_time
from tiers import watched

TESTS = Path(__file__).parent
MAKEFILE = (TESTS.parent / "Makefile").read_text(encoding="utf-8")
refused = pytest.raises(pytest.fail.Exception, match="not marked `process`")
CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "process_time", "sleep"}
MAY_LOOK_AT_A_CLOCK = {"waiting.py", "test_tiers.py", "browser"}


def nothing():
    """What a process of these tests would do."""


def in_a_process_of_multiprocessing(method):
    multiprocessing.get_context(method).Process(target=nothing).start()


@pytest.mark.parametrize(
    "start",
    [
        lambda: subprocess.run([sys.executable, "-c", ""]),
        lambda: subprocess.run("true", shell=True),
        lambda: os.system("true"),
        lambda: os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {}),
        lambda: os.fork() or os._exit(0),
        lambda: in_a_process_of_multiprocessing("spawn"),
        lambda: in_a_process_of_multiprocessing("fork"),
    ],
)
def test_a_process_is_refused(start):
    with refused, watched({"training"}):
        start()


def test_a_refusal_that_is_swallowed_fails_in_the_end():
    with refused, watched(()), suppress(BaseException):
        subprocess.run([sys.executable, "-c", ""])


def test_a_question_to_the_repository_is_none():
    with watched(()):
        subprocess.run(["git", "--version"], stdout=subprocess.DEVNULL)


@pytest.mark.process
def test_with_the_mark_a_process_is_started():
    assert subprocess.run([sys.executable, "-c", "exit(3)"]).returncode == 3


def test_training_is_refused_also_in_a_subclass():
    class Own(keras.Sequential):
        pass

    for kind in (keras.Sequential, Own):
        refusal = pytest.raises(pytest.fail.Exception, match="not marked `training`")
        with refusal, watched({"process"}):
            kind([keras.layers.Dense(1)]).fit([[1.0]], [1.0])


def test_no_test_looks_at_a_clock():
    """Limits are counts of work, or guards of `waiting.py`; choreography is events."""
    found = [
        f"{path.relative_to(TESTS)}:{node.lineno}"
        for path in TESTS.rglob("*.py")
        if path.relative_to(TESTS).parts[0] not in MAY_LOOK_AT_A_CLOCK
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in {("time", clock) for clock in CLOCKS}
    ]
    assert found == []


def test_a_tier_over_its_ceiling_fails():
    text, status = tier_time.verdict("check", seconds=62, unit=2, ceiling=30)
    assert status == 1
    assert "62 s of processor time, 31.0 times `import keras` (2.0 s); the ceiling is 30" in text
    assert tier_time.verdict("check", seconds=60, unit=2, ceiling=30)[1] == 0


@pytest.mark.process
def test_time_of_processes_of_processes_counts():
    work = "import hashlib; [hashlib.sha256(bytes(1 << 20)).digest() for _ in range(100)]"
    outer = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {work!r}]))"
    alone, _ = tier_time.processor_seconds([sys.executable, "-c", ""])
    seconds, status = tier_time.processor_seconds([sys.executable, "-c", outer])
    assert status == 0
    assert seconds > 2 * alone


def test_the_ceilings_are_those_of_the_targets():
    ceilings = tomllib.loads(tier_time.BUDGET.read_text(encoding="utf-8"))["tests"]
    assert ceilings["check"] <= 30
    for tier in ceilings:
        assert f"\n{tier}: " in MAKEFILE
        assert f"\t$(TIER) {tier} $(MAKE)" in MAKEFILE
