"""The checks of exercise 06 against right and wrong answers."""

import math
from itertools import product

import keras
import numpy as np
from checking import assert_right, assert_wrong, right_answers, tasks_of, wrong_answers
from keras import layers

from cifarlib import ledger
from cifarlib.checks import tasks
from cifarlib.checks.assignments import a06_tuning as a06
from cifarlib.checks.reference_answers import searches


def size(requests):
    count, seen = 1, set()
    for name, values in requests:
        count *= 1 if name in seen else len(values)
        seen.add(name)
    return count


def epochs(networks, rungs, factor):
    """Right, counted network by network."""
    had, total = [0] * networks, 0
    for rung in rungs:
        total += sum(rung - h for h in had)
        had = [rung] * (len(had) // factor)
    return total


def requests(convolutions, first=range(32, 129, 16), dense=1, name="c{}_{}"):
    found = []
    for i in range(convolutions):
        found.append((name.format(i, "f"), first if i == 0 else [32, 48, 64]))
        found.append((name.format(i, "k"), [3, 5]))
    return found + [("d", list(range(32, 129, 16)))] * dense


def winner(convolutions=4, kernel=5, dropout_first=False, end="softmax"):
    stack = [layers.Conv2D(112, 3, activation="relu")]
    stack += [layers.Dropout(0.5), layers.BatchNormalization()] if dropout_first else []
    for _ in range(convolutions - 1):
        stack.append(layers.Conv2D(64, kernel, activation="relu"))
        stack += [layers.Dropout(0.5), layers.BatchNormalization()]
    stack += [layers.Flatten(), layers.Dense(96, activation="relu"), layers.Dense(10)]
    stack += [layers.Activation(end)] if end else []
    return keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255), *stack])


def points(chosen, default):
    return 100 * (np.mean(chosen) - np.mean(default))


def price(chosen, default, seconds):
    gain = points(chosen, default)
    return seconds / gain if gain > 0 else math.inf


def draw(space, done, seed, by_lot=True, care=True):
    every = [dict(zip(space, values, strict=True)) for values in product(*space.values())]
    left = [s for s in every if s not in done] if care else every
    return left[np.random.default_rng(seed).integers(len(left))] if by_lot else left[0]


def until_new(space, done, seed):
    random = np.random.RandomState(seed)
    while True:
        found = {name: int(random.choice(values)) for name, values in space.items()}
        if found not in done:
            return found


def never_the_last(space, done, seed):
    every = [dict(zip(space, values, strict=True)) for values in product(*space.values())]
    left = [s for s in every if s not in done]
    return left[np.random.default_rng(seed).integers(max(len(left) - 1, 1))]


def two_way(right):
    found = []
    for judge, other in (np.hsplit(right, 2), np.hsplit(right, 2)[::-1]):
        found.append(other[np.argmax(judge.sum(axis=1))].mean())
    return np.mean(found)


def own_halves(right):
    return np.mean([half.mean(axis=1).max() for half in np.hsplit(right, 2)])


def one_way(right):
    first, second = np.hsplit(right, 2)
    return second[first.sum(axis=1).argmax()].mean()


@right_answers(
    ("06.space_size", {"space_size": size}),
    ("06.space_size", {"space_size": lambda r: int(np.prod([len(v) for v in dict(r).values()]))}),
    ("06.lucky_draws", {"lucky_draws": 29}),
    ("06.bracket_epochs", {"bracket_epochs": epochs}),
    ("06.own_names", {"own_names": requests}),
    ("06.own_names", {"own_names": lambda n: tuple(list(r) for r in requests(n))}),
    ("06.second_winner", {"second_winner": winner()}),
    ("06.price", {"price": price}),
    ("06.next_draw", {"next_draw": draw}),
    ("06.next_draw", {"next_draw": until_new}),
    ("06.two_way", {"two_way": two_way}),
)  # fmt: skip
def test_right(task, answers, note):
    assert_right(task, answers, note)


@wrong_answers(
    ("06.space_size", {"space_size": lambda r: math.prod(len(v) for _, v in r)}, "every request"),
    ("06.space_size", {"space_size": lambda r: sum(len(v) for v in dict(r).values())}, "multiply"),
    ("06.space_size", {"space_size": lambda r: len(r)}, "counts requests"),
    ("06.space_size", {"space_size": lambda r: 588}, "whatever it is called with"),
    ("06.space_size", {"space_size": lambda r: float(size(r))}, "a float"),
    ("06.lucky_draws", {"lucky_draws": 10}, "65 in 100"),
    ("06.lucky_draws", {"lucky_draws": 28}, "Just not enough"),
    ("06.lucky_draws", {"lucky_draws": 59}, "best twentieth"),
    ("06.lucky_draws", {"lucky_draws": 28.4}, "whole number"),
    ("06.lucky_draws", {"lucky_draws": 40}, "too much"),
    ("06.bracket_epochs", {"bracket_epochs": searches.bracket_afresh}, "goes on where it stopped"),
    ("06.bracket_epochs", {"bracket_epochs": lambda n, r, f: n * r[-1]}, "Only the best go on"),
    ("06.bracket_epochs", {"bracket_epochs": lambda n, r, f: r[-1]}, "the winner alone"),
    ("06.bracket_epochs", {"bracket_epochs": lambda n, r, f: epochs(n // f, r, f)},
     "after a rung, not before"),
    ("06.bracket_epochs", {"bracket_epochs": lambda n, r, f: epochs(n, r, 1 / f)}, "stops with"),
    ("06.own_names", {"own_names": lambda n: requests(n, name="c{1}")}, 'times for "cf"'),
    ("06.own_names", {"own_names": searches.as_listed}, 'asks 4 times for "conv_2_filter"'),
    ("06.own_names", {"own_names": lambda n: requests(n, dense=0)}, "asks for 10 values"),
    ("06.own_names", {"own_names": lambda n: requests(n, first=[32, 48, 64])}, "By the listing"),
    ("06.own_names", {"own_names": lambda n: dict(searches.as_listed(n))},
     "must be a list of pairs"),
    ("06.own_names", {"own_names": lambda n: requests(5)}, "It must ask for 9"),
    ("06.second_winner", {"second_winner": winner(5)}, "Layer 12 of `second_winner` is Conv2D"),
    ("06.second_winner", {"second_winner": winner(kernel=3)}, "kernel_size"),
    ("06.second_winner", {"second_winner": winner(dropout_first=True)}, "Layer 3"),
    ("06.second_winner", {"second_winner": winner(end=None)}, "activation='linear'"),
    ("06.second_winner", {"second_winner": winner}, "Did you forget to call it?"),
    ("06.price", {"price": lambda c, d, s: s / points(c, d)}, "there is no price"),
    ("06.price", {"price": lambda c, d, s: 100 * price(c, d, s)}, "a hundredth of it"),
    ("06.price", {"price": lambda c, d, s: s / (100 * np.mean(c))}, "for nothing"),
    ("06.price", {"price": lambda c, d, s: price([max(c)], [max(d)], s)}, "luckiest runs"),
    ("06.price", {"price": lambda c, d, s: price(c, [0.1], s)}, "better than guessing"),
    ("06.next_draw", {"next_draw": lambda *a: draw(*a, by_lot=False)}, "with every seed"),
    ("06.next_draw", {"next_draw": lambda *a: draw(*a, care=False)}, "before the power cut"),
    ("06.next_draw", {"next_draw": lambda s, d, _: draw(s, d, None)}, "two answers for one seed"),
    ("06.next_draw", {"next_draw": lambda *a: tuple(draw(*a).values())}, "must be a dict"),
    ("06.next_draw", {"next_draw": lambda s, d, _: {name: 4 for name in s}}, "The space has"),
    ("06.next_draw", {"next_draw": never_the_last}, "never came up"),
    ("06.two_way", {"two_way": lambda r: r.mean(axis=1).max()}, "on the same images"),
    ("06.two_way", {"two_way": own_halves}, "Exchange them"),
    ("06.two_way", {"two_way": one_way}, "one way only"),
    ("06.two_way", {"two_way": lambda r: one_way(r[:, ::-1])}, "one way only"),
    ("06.two_way", {"two_way": lambda r: r.mean()}, "mean of all networks"),
    ("06.two_way", {"two_way": lambda r: two_way(r.T[: len(r)])}, "It must be"),
)  # fmt: skip
def test_wrong(task, answers, message):
    assert_wrong(task, answers, message)


def test_the_facts_in_the_tasks_are_the_reports():
    assert a06._winner().count_params() == ledger.claim("R2.3", "parameters")
    assert searches.size(searches.as_listed(5)) == searches.size(searches.as_listed(4)) == 588
    assert 1 - 0.9**28 < 0.95 <= 1 - 0.9**29


def test_crossing_is_fair_where_all_are_equal():
    """Chosen and quoted on the same images, twelve equal networks look far better than they are."""
    many = [searches.judged(seed) for seed in range(400)]
    assert abs(np.mean([searches.crossed(right) for right in many]) - 0.6) < 0.01
    assert np.mean([right.mean(axis=1).max() for right in many]) > 0.7


def test_every_task_has_right_and_wrong_answers():
    for task in tasks.assignment("06").checked:
        assert tasks_of(test_right)[f"06.{task.name}"] >= 1
        assert tasks_of(test_wrong)[f"06.{task.name}"] >= 2
