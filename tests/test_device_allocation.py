"""Threads and GPUs for notebooks side by side, on machines that are made up."""

import pytest

from cifarlib._support import device_allocation

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
