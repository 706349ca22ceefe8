"""Notebooks side by side on one machine: who may start, in which order, and with which GPU."""

import threading
from collections import defaultdict

import pytest
from running import make

from cifarlib.runner import local_pool
from cifarlib.runner.plan import plan
from cifarlib.runner.signals import Stop

TWO = ["NVIDIA H100", "NVIDIA H100"]
GUARD = 120  # seconds after which a test that waits for an event gives up: never reached if right


class Stage:
    """Stands for `supervise`: each notebook waits for a word to begin its cells, and to end."""

    def __init__(self) -> None:
        self.begin = defaultdict(threading.Event)
        self.end = defaultdict(threading.Event)
        self.here = defaultdict(threading.Event)  # it has its turn
        self.at_cells = defaultdict(threading.Event)
        self.order: list[str] = []
        self.variables: dict[str, dict[str, str]] = {}

    def __call__(self, job, variables, limits, stop, turn) -> dict:
        self.variables[job.slug] = variables
        with turn as progress:
            self.order.append(job.slug)
            self.here[job.slug].set()
            assert self.begin[job.slug].wait(GUARD)
            progress.update(1, 1)
            self.at_cells[job.slug].set()
            assert self.end[job.slug].wait(GUARD)
        return {"state": "ok", "seconds": 0.0}

    def let_begin(self, slug: str) -> None:
        assert self.here[slug].wait(GUARD)
        self.begin[slug].set()
        assert self.at_cells[slug].wait(GUARD)

    def let_all_end(self, slugs) -> None:
        for slug in slugs:
            self.begin[slug].set()
            self.end[slug].set()


@pytest.fixture
def stage(monkeypatch):
    found = Stage()
    monkeypatch.setattr(local_pool, "supervise", found)
    return found


def planned(folder, names, **options):
    paths = [str(make(folder, name, "1")) for name in names]
    return plan(paths, seeds=[0], out=folder / "out", **options)


def submit_what_fits(pool, waiting):
    """Submit tasks until the pool has no room; return their futures, by slug."""
    futures = {}
    while (task := pool.choose(waiting)) is not None:
        waiting.remove(task)
        futures[task.slug] = pool.submit(task, {}, task.slug)
    return futures


def test_each_notebook_that_wants_a_gpu_gets_one_of_its_own(tmp_path, monkeypatch, stage):
    """Three notebooks that want a GPU on a machine with two; smoke runs see none."""
    machine = {"gpus": TWO, "cores": 12}
    monkeypatch.setattr(local_pool.environment, "environment", lambda: machine)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    chosen = planned(tmp_path, ["01_a", "02_b", "03_c"], profile="full", jobs=3)
    with local_pool.LocalPool(chosen, Stop()) as pool:
        waiting = list(chosen.tasks)
        futures = submit_what_fits(pool, waiting)
        assert [task.slug for task in waiting] == ["03_c"]
        for slug in futures:
            assert stage.here[slug].wait(GUARD)
        gpus = {slug: seen["CUDA_VISIBLE_DEVICES"] for slug, seen in stage.variables.items()}
        assert gpus == {"01_a": "0", "02_b": "1"}
        stage.let_all_end(["02_b"])
        futures["02_b"].result(GUARD)
        submit_what_fits(pool, waiting)
        assert stage.here["03_c"].wait(GUARD)
        assert stage.variables["03_c"]["CUDA_VISIBLE_DEVICES"] == "1"
        assert stage.variables["03_c"]["TF_NUM_INTRAOP_THREADS"] == "4"
        stage.let_all_end(["01_a", "03_c"])


def test_smoke_notebooks_see_no_gpu_and_need_not_wait_for_one(tmp_path, monkeypatch, stage):
    monkeypatch.setattr(local_pool.environment, "environment", lambda: {"gpus": TWO, "cores": 12})
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    names = ["01_a", "02_b", "03_c"]
    chosen = planned(tmp_path, names, profile="smoke", jobs=3)
    with local_pool.LocalPool(chosen, Stop()) as pool:
        assert list(submit_what_fits(pool, list(chosen.tasks))) == names
        stage.let_all_end(names)
    assert {seen["CUDA_VISIBLE_DEVICES"] for seen in stage.variables.values()} == {"-1"}


def test_turns_are_taken_in_the_order_of_starting(tmp_path, monkeypatch):
    """Also if the first takes long to be on its way, and the next is prepared meanwhile."""
    order, second_is_ready = [], threading.Event()

    def supervise(job, variables, limits, stop, turn):
        if job.slug == "01_a":
            assert second_is_ready.wait(GUARD)
        else:
            second_is_ready.set()
        with turn:
            order.append(job.slug)
        return {"state": "ok", "seconds": 0.0}

    monkeypatch.setattr(local_pool, "supervise", supervise)
    chosen = planned(tmp_path, ["01_a", "02_b"], profile="smoke", jobs=1)
    with local_pool.LocalPool(chosen, Stop()) as pool:
        for task in chosen.tasks:
            pool.submit(task, {}, task.slug)
    assert order == ["01_a", "02_b"]


def test_the_next_are_prepared_only_when_those_before_are_at_their_cells(tmp_path, stage):
    """Of six smoke tasks, two at a time, none takes time from one that begins."""
    names = ["01_a", "02_b", "03_c", "04_d", "05_e", "06_f"]
    chosen = planned(tmp_path, names, profile="smoke", jobs=2)
    with local_pool.LocalPool(chosen, Stop()) as pool:
        waiting = list(chosen.tasks)
        first = submit_what_fits(pool, waiting)
        assert list(first) == ["01_a", "02_b"]
        stage.let_begin("01_a")
        assert not submit_what_fits(pool, waiting), "the second has not begun"
        stage.let_begin("02_b")
        assert list(submit_what_fits(pool, waiting)) == ["03_c", "04_d"]
        assert stage.order == ["01_a", "02_b"], "the others wait for their turn"
        stage.end["01_a"].set()
        first["01_a"].result(GUARD)
        assert stage.here["03_c"].wait(GUARD)
        assert not submit_what_fits(pool, waiting), "the third has not begun"
        stage.let_begin("03_c")
        assert list(submit_what_fits(pool, waiting)) == ["05_e"]
        stage.let_all_end(names)
        assert list(submit_what_fits(pool, waiting)) in ([], ["06_f"])
    assert stage.order[:3] == ["01_a", "02_b", "03_c"]
