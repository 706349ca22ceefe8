"""Threads and GPUs for notebooks side by side, on machines that are made up."""

import threading
import time

import pytest
from running import make

from cifarlib._support import device_allocation
from cifarlib.runner import local_pool
from cifarlib.runner.plan import plan
from cifarlib.runner.signals import Stop

TWO = ["A card", "Another card"]


@pytest.mark.parametrize(
    ("cores", "jobs", "threads"), [(2, 1, 2), (2, 2, 1), (16, 4, 4), (2, 8, 1), (7, 2, 3)]
)
def test_threads_are_shared(cores, jobs, threads):
    assert device_allocation.share(cores, jobs) == threads


def test_threads_asked_for_win_over_the_environment_and_that_over_the_share():
    environ = {"OMP_NUM_THREADS": "3"}
    assert set(device_allocation.thread_variables(5, 16, 4, environ).values()) == {"5"}
    mixed = device_allocation.thread_variables(None, 16, 4, environ)
    assert mixed == {
        "TF_NUM_INTRAOP_THREADS": "4", "TF_NUM_INTEROP_THREADS": "4", "OMP_NUM_THREADS": "3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "names", "ids"),
    [
        ({}, [], []),
        ({}, TWO, ["0", "1"]),
        ({"CUDA_VISIBLE_DEVICES": "1"}, TWO, ["1"]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-ab, GPU-cd"}, TWO, ["GPU-ab", "GPU-cd"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, TWO, []),
        ({"CUDA_VISIBLE_DEVICES": "0,-1,1"}, TWO, ["0"]),
        ({"CUDA_VISIBLE_DEVICES": "0"}, [], []),
    ],
)
def test_gpus_that_may_be_used(environ, names, ids):
    assert device_allocation.gpu_ids(environ, names) == ids


def test_a_notebook_sees_one_gpu_or_none():
    assert device_allocation.device_variables("1", ["0", "1"])["CUDA_VISIBLE_DEVICES"] == "1"
    assert (
        device_allocation.device_variables("1", ["0", "1"])["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    )
    assert device_allocation.device_variables(None, ["0", "1"]) == {"CUDA_VISIBLE_DEVICES": "-1"}
    assert device_allocation.device_variables(None, []) == {}


def test_a_task_for_the_cpu_overtakes_one_that_waits_for_a_gpu():
    wants = str.isupper
    assert device_allocation.next_task(["A", "b", "C"], wants, 1) == "A"
    assert device_allocation.next_task(["A", "b", "C"], wants, 0) == "b"
    assert device_allocation.next_task(["A", "C"], wants, 0) is None


def test_longest_first_and_unknown_ones_before_them():
    minutes = {"a": 1.0, "b": 5.0, "c": None, "d": 3.0}
    assert device_allocation.longest_first("abcd", minutes.get) == ["c", "b", "d", "a"]


def start_all(pool, waiting):
    """Start all tasks as the pool chooses them; return their futures."""
    futures = []
    while waiting:
        task = pool.choose(waiting)
        if task is None:
            time.sleep(0.005)
            continue
        waiting.remove(task)
        futures.append(pool.submit(task, {}, task.slug))
    return futures


def test_every_gpu_holds_one_notebook_and_cpu_notebooks_run_beside(tmp_path, monkeypatch):
    """Four tasks for GPUs and two for CPUs on a machine with two GPUs, three at a time."""
    machine = {"gpus": TWO, "cores": 12}
    monkeypatch.setattr(local_pool.facts, "environment", lambda: machine)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    lock, now, most, seen = threading.Lock(), [], [], []

    def supervise(job, variables, limits, stop, turn):
        with turn:
            return work(job, variables)

    def work(job, variables):
        gpu = variables["CUDA_VISIBLE_DEVICES"]
        with lock:
            now.append(gpu)
            most.append(len(now))
            seen.append((job.parameters["PROFILE"], gpu))
            assert gpu == "-1" or now.count(gpu) == 1
        time.sleep(0.05)
        with lock:
            now.remove(gpu)
        assert variables["TF_NUM_INTRAOP_THREADS"] == "4"
        return {"state": "ok", "seconds": 0.05}

    monkeypatch.setattr(local_pool, "supervise", supervise)
    paths = [str(make(tmp_path, "01_a", "1")), str(make(tmp_path, "02_b", "1"))]
    chosen = plan(paths, profile="full,smoke", seeds=[0, 1], out=tmp_path / "out", jobs=3)
    with local_pool.LocalPool(chosen, Stop()) as pool:
        futures = start_all(pool, sorted(chosen.tasks, key=lambda task: task.profile))
        assert all(future.result()["state"] == "ok" for future in futures)
    assert max(most) == 3
    assert {gpu for profile, gpu in seen if profile == "smoke"} == {"-1"}
    assert {gpu for profile, gpu in seen if profile == "full"} == {"0", "1"}


def test_turns_are_taken_in_the_order_of_starting(tmp_path, monkeypatch):
    """Also if the first takes long to be on its way, and the next is prepared meanwhile."""
    order = []

    def supervise(job, variables, limits, stop, turn):
        time.sleep(0.3 if job.slug == "01_a" else 0)
        with turn:
            order.append(job.slug)
            time.sleep(0.05)
        return {"state": "ok", "seconds": 0.05}

    monkeypatch.setattr(local_pool, "supervise", supervise)
    names = ["01_a", "02_b", "03_c", "04_d"]
    paths = [str(make(tmp_path, name, "1")) for name in names]
    chosen = plan(paths, profile="smoke", seeds=[0], out=tmp_path / "out", jobs=1)
    with local_pool.LocalPool(chosen, Stop()) as pool:
        start_all(pool, list(chosen.tasks))
    assert order == names


def test_the_next_are_prepared_only_when_those_before_are_at_their_cells(tmp_path, monkeypatch):
    """Of six tasks, two at a time, none of the last four takes time from one that begins."""
    at_cells, ended, seen = [], [], {}

    def supervise(job, variables, limits, stop, turn):
        seen[job.slug] = len(at_cells), len(ended)
        with turn as progress:
            progress.update(0, 1)
            time.sleep(0.1)  # a kernel starts
            at_cells.append(job.slug)
            progress.update(1, 1)
            time.sleep(0.5)
            ended.append(job.slug)
        return {"state": "ok", "seconds": 0.3}

    monkeypatch.setattr(local_pool, "supervise", supervise)
    names = ["01_a", "02_b", "03_c", "04_d", "05_e", "06_f"]
    paths = [str(make(tmp_path, name, "1")) for name in names]
    chosen = plan(paths, profile="smoke", seeds=[0], out=tmp_path / "out", jobs=2)
    with local_pool.LocalPool(chosen, Stop()) as pool:
        start_all(pool, list(chosen.tasks))
    assert seen["01_a"] == seen["02_b"] == (0, 0)
    assert seen["03_c"] == seen["04_d"] == (2, 0), "while both are at their cells, before an end"
    assert all(begun - over == 2 for begun, over in (seen["05_e"], seen["06_f"]))
