"""Turns are taken in the order in which they were asked for, and none is lost."""

import threading
import time

from cifarlib.runner.ordered_semaphore import OrderedSemaphore


def take_all(turns, tickets, delays):
    """Take all turns in threads of their own; return their order and how many were in at once."""
    order, inside, most, lock = [], [0], [0], threading.Lock()

    def work(number, ticket):
        time.sleep(delays[number])
        with turns.take(ticket):
            with lock:
                order.append(number)
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.02)
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=work, args=item) for item in enumerate(tickets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return order, most[0]


def test_in_order_although_the_last_is_ready_first():
    turns = OrderedSemaphore(1)
    order, most = take_all(turns, [turns.ask() for _ in range(5)], [0.4, 0.3, 0.2, 0.1, 0])
    assert (order, most) == ([0, 1, 2, 3, 4], 1)


def test_as_many_at_a_time_as_allowed():
    turns = OrderedSemaphore(3)
    order, most = take_all(turns, [turns.ask() for _ in range(9)], [0] * 9)
    assert (sorted(order), most) == (list(range(9)), 3)


def test_a_turn_that_ends_with_an_error_is_over():
    turns = OrderedSemaphore(1)
    try:
        with turns.take(turns.ask()):
            raise KeyError
    except KeyError:
        pass
    assert take_all(turns, [turns.ask()], [0])[0] == [0]


def test_a_ticket_that_is_given_up_holds_nobody_up():
    turns = OrderedSemaphore(1)
    lost, kept = turns.ask(), turns.ask()
    threading.Timer(0.2, turns.give_up, [lost]).start()
    assert take_all(turns, [kept], [0])[0] == [0]
    turns.give_up(lost)
    turns.give_up(kept)
