"""What the watchdog counts, and when it kills: made-up jails, and this process's own memory."""

from __future__ import annotations

import os
import threading

import psutil
import pytest
from waiting import GUARD, wait_for

from cifarlib.grader import watchdog

ME = os.getpid()
linux = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux's /proc")


class Jail:
    """A jail that only remembers why it was killed; its process is this one."""

    def __init__(self, memory_mb=1 << 20, seconds=float("inf"), pid=ME):
        self.pid, self.memory_mb, self.ends_at = pid, memory_mb, watchdog.time.monotonic() + seconds
        self.killed = threading.Event()
        self.reasons = []

    def alive(self):
        return not self.killed.is_set()

    def kill(self, why):
        self.reasons.append(why)
        self.killed.set()


def test_a_family_is_a_process_and_all_below_it():
    children = {1: [2, 3], 3: [4], 4: [5], 7: [8]}
    assert watchdog.family(1, children) == [1, 2, 3, 4, 5]
    assert watchdog.family(3, children) == [3, 4, 5]
    assert watchdog.family(9, children) == [9]


def test_a_family_ends_where_numbers_were_used_again():
    """A process's number may go to a new one between two looks, so that a circle appears."""
    assert watchdog.family(1, {1: [2], 2: [1, 3]}) == [1, 2, 3]


def test_this_process_is_a_child_of_its_parent():
    assert ME in watchdog.children_of_all()[os.getppid()]


def test_memory_is_that_of_all_processes_together(monkeypatch):
    sizes = {11: 300, 12: 500, 13: 200}
    monkeypatch.setattr(watchdog, "_memory_files", lambda pids: 50)
    monkeypatch.setattr(watchdog, "_resident", sizes.__getitem__)
    monkeypatch.setattr(watchdog, "_proportional", sizes.__getitem__)
    assert not watchdog.exceeds([11, 12, 13], 1050)
    assert watchdog.exceeds([11, 12, 13], 1049)
    assert not watchdog.exceeds([], 50)


def test_pages_that_are_shared_count_once(monkeypatch):
    monkeypatch.setattr(watchdog, "_memory_files", lambda pids: 0)
    monkeypatch.setattr(watchdog, "_resident", lambda pid: 600)
    monkeypatch.setattr(watchdog, "_proportional", lambda pid: 350)
    assert not watchdog.exceeds([11, 12], 700)
    assert watchdog.exceeds([11, 12], 699)


def test_what_is_not_shared_is_counted_once_and_quickly(monkeypatch):
    def slow(pid):
        raise AssertionError("the slow count was not needed")

    monkeypatch.setattr(watchdog, "_proportional", slow)
    assert not watchdog.exceeds([ME], 1 << 50)


def test_the_memory_of_this_process():
    rss = psutil.Process().memory_info().rss
    assert watchdog.exceeds([ME], rss // 4)
    assert not watchdog.exceeds([ME], 4 * rss)


@linux
def test_memory_behind_a_file_descriptor_counts_each_file_once():
    before = watchdog._memory_files([ME])
    with os.fdopen(os.memfd_create("hidden"), "wb") as file:
        file.write(b"x" * (8 << 20))
        file.flush()
        copy = os.dup(file.fileno())
        assert watchdog._memory_files([ME]) - before == 8 << 20
        assert watchdog._memory_files([ME, ME]) - before == 8 << 20
        os.close(copy)
    assert watchdog._memory_files([ME]) == before


def test_a_process_that_has_ended_uses_nothing():
    gone = 1 << 22  # above the largest number of a process
    assert watchdog._memory_files([gone]) == watchdog._resident(gone) == 0
    assert watchdog._proportional(gone) == 0
    assert not watchdog.exceeds([gone], 0)


@linux
def test_one_may_look_at_ones_own_process():
    assert watchdog.can_see_memory_files(ME)


def test_a_jail_in_its_limits_is_left_alone():
    jail = Jail()
    watchdog._look_at([jail])
    assert jail.reasons == []


def test_a_jail_is_killed_for_its_memory():
    jails = [Jail(memory_mb=1), Jail()]
    watchdog._look_at(jails)
    assert [jail.reasons for jail in jails] == [["used more than 1 MB of memory"], []]


def test_a_jail_is_killed_when_its_time_is_over():
    jails = [Jail(seconds=-1), Jail()]
    watchdog._look_at(jails)
    assert [jail.reasons for jail in jails] == [["took longer in all than a notebook may"], []]


def test_the_thread_starts_with_the_first_jail_and_forgets_those_that_ended():
    dog, first, second = watchdog.Watchdog(), Jail(seconds=-1), Jail()
    assert not dog.is_alive()
    dog.add(first)
    dog.add(second)
    assert dog.is_alive()
    assert dog.daemon
    assert first.killed.wait(GUARD)
    second.kill("no longer needed")
    wait_for(lambda: not dog._jails)
    assert len(first.reasons) == 1


def test_a_look_that_fails_is_followed_by_another(monkeypatch):
    looks, look = [], watchdog._look_at

    def unlucky(jails):
        looks.append(1)
        if len(looks) == 1:
            raise psutil.AccessDenied
        look(jails)

    monkeypatch.setattr(watchdog, "_look_at", unlucky)
    jail = Jail(memory_mb=1)
    watchdog.Watchdog().add(jail)
    assert jail.killed.wait(GUARD)
