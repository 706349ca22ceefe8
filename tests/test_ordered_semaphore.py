"""Turns are taken in the order in which they were asked for, and none is lost."""

import threading

from waiting import GUARD

from cifarlib.runner.ordered_semaphore import OrderedSemaphore


class Threads:
    """Threads that take turns; what they do inside, and in which order they were there."""

    def __init__(self, turns, inside=lambda: None):
        self.turns, self.inside = turns, inside
        self.order, self.now, self.most = [], 0, 0
        self._lock, self._threads = threading.Lock(), []
        self._begins_to_wait, wait = threading.Semaphore(0), turns._changed.wait

        def wait_and_say_so(timeout=None):
            self._begins_to_wait.release()
            return wait(timeout)

        turns._changed.wait = wait_and_say_so

    def start(self, number, ticket):
        self._threads.append(threading.Thread(target=self._work, args=(number, ticket)))
        self._threads[-1].start()

    def start_and_let_wait(self, number, ticket):
        """Start a thread whose turn it is not, and return when it waits."""
        self.start(number, ticket)
        assert self._begins_to_wait.acquire(timeout=GUARD)

    def end(self):
        for thread in self._threads:
            thread.join(GUARD)
            assert not thread.is_alive()
        return self.order

    def _work(self, number, ticket):
        with self.turns.take(ticket):
            with self._lock:
                self.order.append(number)
                self.now += 1
                self.most = max(self.most, self.now)
            self.inside()
            with self._lock:
                self.now -= 1


def test_in_order_although_the_last_is_ready_first():
    turns = OrderedSemaphore(1)
    tickets, threads = [turns.ask() for _ in range(5)], Threads(turns)
    for number in (4, 3, 2, 1):
        threads.start_and_let_wait(number, tickets[number])
    assert threads.order == []
    threads.start(0, tickets[0])
    assert threads.end() == [0, 1, 2, 3, 4]
    assert threads.most == 1


def test_as_many_at_a_time_as_allowed():
    turns, three = OrderedSemaphore(3), threading.Barrier(3, timeout=GUARD)
    threads = Threads(turns, inside=three.wait)  # none goes on before three are inside
    for number in range(9):
        threads.start(number, turns.ask())
    assert sorted(threads.end()) == list(range(9))
    assert threads.most == 3
    assert not three.broken


def test_a_turn_that_ends_with_an_error_is_over():
    turns = OrderedSemaphore(1)
    try:
        with turns.take(turns.ask()):
            raise KeyError
    except KeyError:
        pass
    threads = Threads(turns)
    threads.start(0, turns.ask())
    assert threads.end() == [0]


def test_a_ticket_that_is_given_up_holds_nobody_up():
    turns = OrderedSemaphore(1)
    lost, kept = turns.ask(), turns.ask()
    threads = Threads(turns)
    threads.start_and_let_wait(0, kept)
    assert threads.order == []
    turns.give_up(lost)
    assert threads.end() == [0]
    turns.give_up(lost)
    turns.give_up(kept)
