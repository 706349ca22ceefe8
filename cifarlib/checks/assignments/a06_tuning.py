"""The tasks of exercise 06: what a search space holds, what a search costs, what it is worth."""

from __future__ import annotations

import math
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from cifarlib.checks import compare_models
from cifarlib.checks.compare_calls import call_text, results, same_results
from cifarlib.checks.compare_values import brief, keyed, number
from cifarlib.checks.outcomes import Wrong
from cifarlib.checks.reference_answers import searches
from cifarlib.checks.tasks import Assignment

if TYPE_CHECKING:
    import keras

assignment = Assignment("06_tuning")

SPACES = (
    [("rate", [1, 2, 3]), ("units", [4, 8]), ("rate", [1, 2, 3]), ("units", [4, 8])],
    [("a", [0, 1]), ("b", [0, 1]), ("c", [0, 1, 2])],
)


@assignment.task(
    "How many networks are in the space?",
    points=2,
    hints=(
        "Each choice multiplies the number of networks. But which of the requests are choices?",
        "Keep each name once, for instance with `dict(requests)`. Then multiply the numbers of "
        "values: `math.prod`.",
    ),
)
def space_size(space_size: Any, *, spaces: Any = SPACES) -> None:
    mistakes = [
        ("This counts every request. A name that was asked before brings no new choice: it gets "
         "the value that it has.", lambda r: math.prod(len(values) for _, values in r)),
        ("These are the values, added up. Every value of one name goes with every value of "
         "another: multiply.", lambda r: sum(len(values) for values in dict(r).values())),
        ("These are the choices. How many networks do they make?", lambda r: len(dict(r))),
        ("This counts requests, not networks.", len),
    ]  # fmt: skip
    cases = [(searches.as_listed(5),), *((space,) for space in spaces)]
    same_results("space_size", space_size, searches.size, cases, mistakes)


@assignment.task(
    "Predict how long luck takes",
    points=1,
    hints=(
        "What is the chance that one draw misses the best tenth? And that n draws all miss it?",
        "0.9 to the power n must fall to 0.05 or less. Which is the first whole number?",
    ),
)
def lucky_draws(lucky_draws: Any) -> None:
    mistakes = {
        10: "After 10 draws the chance is 65 in 100 only: ten draws can all miss.",
        28: "After 28 draws the chance is 94.8 in 100. Just not enough.",
        59: "That is the answer for the best twentieth. Asked is the best tenth.",
        2: "2 draws hit the best tenth in 19 of 100 cases. Did you exchange 0.9 and 0.1?",
        559: "No network has to be ruled out for certain. What is the chance that n draws miss?",
    }
    needed = math.ceil(math.log(0.05) / math.log(0.9))
    number("lucky_draws", lucky_draws, needed, mistakes)


BRACKETS = ((9, [2, 6, 18], 3), (8, [1, 2, 4, 8], 2), (5, [3, 4], 2), (4, [7], 3))


@assignment.task(
    "What Hyperband pays",
    points=2,
    hints=(
        "How many networks are trained on from one rung to the next, and for how many epochs each?",
        "Keep the rung before: `networks * (rung - before)` epochs are new. Then "
        "`networks //= factor`.",
    ),
)
def bracket_epochs(bracket_epochs: Any, *, cases: Any = BRACKETS) -> None:
    mistakes = [
        ("This trains each network afresh at every rung. It goes on where it stopped.",
         searches.bracket_afresh),
        ("This trains every network to the end. Only the best go on.",
         lambda n, rungs, f: n * rungs[-1]),
        ("This is what the winner alone gets.", lambda n, rungs, f: rungs[-1]),
        ("The networks become fewer after a rung, not before it.",
         lambda n, rungs, f: searches.bracket(n // f, rungs, f)),
    ]  # fmt: skip
    same_results("bracket_epochs", bracket_epochs, searches.bracket, cases, mistakes)


@assignment.task(
    "Repair the names",
    points=3,
    hints=(
        "In which order does the network ask? And what must be in a name, so that no two layers "
        "have the same one?",
        'For layer number i: `(f"conv_{i}_filter", ...)` and `(f"conv_{i}_kernel", ...)`. The '
        "first layer may choose among more filters than the others.",
    ),
)
def own_names(own_names: Any, *, convolutions: Any = (5, 4, 1)) -> None:
    cases = [(n,) for n in convolutions]
    for (n,), given in zip(cases, results("own_names", _listed(own_names), cases), strict=True):
        _check_requests(given, searches.as_listed(n), call_text("own_names", (n,)))


def _listed(function: Any) -> Any:
    """Let values be ranges too."""
    if not callable(function):
        return function

    def as_lists(convolutions: int) -> Any:
        found = function(convolutions)
        if type(found) not in (list, tuple) or not all(type(r) in (list, tuple) for r in found):
            return found
        return [[list(part) if type(part) is range else part for part in r] for r in found]

    return as_lists


def _check_requests(given: Any, wanted: list[searches.Request], text: str) -> None:
    if type(given) is not list or not all(
        type(r) is list and len(r) == 2 and type(r[0]) is str and type(r[1]) in (list, tuple)
        for r in given
    ):
        raise Wrong(f"{text} is {brief(given)}. It must be a list of pairs: name, list of values.")
    if len(given) != len(wanted):
        raise Wrong(
            f"{text} asks for {len(given)} values. It must ask for {len(wanted)}: two in each "
            "convolution, and one for the dense layer."
        )
    names = [name for name, _ in given]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Wrong(
            f'{text} asks {names.count(twice)} times for "{twice}". Keras Tuner gives every one of '
            "them the value of the first."
        )
    for i, ((name, values), (_, right)) in enumerate(zip(given, wanted, strict=True), start=1):
        if list(values) != right:
            raise Wrong(
                f'{text}: request {i}, "{name}", chooses among {brief(list(values))}. '
                f"By the listing it is {right}."
            )


@assignment.task(
    "Build the second winner",
    points=3,
    hints=(
        "Fill the five choices into the listing, line by line. Which layers follow each of the "
        "later convolutions, and does one of them follow the first?",
        "Rescaling; Conv2D(112, 3); three times Conv2D(64, 5), Dropout, BatchNormalization; "
        "Flatten; Dense(96); Dense(10).",
    ),
)
def second_winner(second_winner: Any) -> None:
    model = compare_models.model("second_winner", second_winner, (32, 32, 3))
    compare_models.same_layers("second_winner", model, _winner())


@cache
def _winner() -> keras.Model:
    import keras
    from keras import layers

    stack = [layers.Rescaling(1 / 255), layers.Conv2D(112, 3, activation="relu")]
    for _ in range(3):
        stack.append(layers.Conv2D(64, 5, activation="relu"))
        stack += [layers.Dropout(0.5), layers.BatchNormalization()]
    top = [layers.Flatten(), layers.Dense(96, activation="relu")]
    top.append(layers.Dense(10, activation="softmax"))
    return keras.Sequential([keras.Input((32, 32, 3)), *stack, *top])


PRICES = (
    ([0.52, 0.55, 0.58], [0.51, 0.49, 0.53], 1200.0),
    ([0.41, 0.47], [0.44, 0.45], 600.0),
    ([0.30, 0.42, 0.38], [0.33, 0.35, 0.36], 90.0),
)


@assignment.task(
    "The price of a point",
    points=3,
    hints=(
        "What would you have had without the search? Only what goes beyond that was bought.",
        "Mean of chosen minus mean of default, times 100, are the points. Divide the seconds by "
        'them; with no points, or fewer, the answer is `float("inf")`.',
    ),
)
def price(price: Any, *, cases: Any = PRICES) -> None:
    mistakes = [
        ("Where the search gained nothing there is no price: `float(\"inf\")`.",
         lambda c, d, s: s / (searches.gain(c, d) or 1)),
        ("This is for a whole 1.0 of accuracy. A point is a hundredth of it.",
         lambda c, d, s: 100 * searches.price(c, d, s)),
        ("This divides by the whole accuracy. The default has most of it for nothing.",
         lambda c, d, s: s / (100 * float(np.mean(c)))),
        ("This compares the luckiest runs. Compare the means.",
         lambda c, d, s: searches.price([max(c)], [max(d)], s)),
        ("This asks what is better than guessing. Compare with the default.",
         lambda c, d, s: searches.price(c, [0.1], s)),
    ]  # fmt: skip
    same_results("price", price, searches.price, cases, mistakes)


SMALL = {"filters": [32, 48, 64], "kernel": [3, 5]}
DRAWS = (
    (SMALL, []),
    (SMALL, [{"filters": 32, "kernel": 3}, {"filters": 64, "kernel": 5}]),
    (SMALL, [{"filters": f, "kernel": k} for f in (32, 48, 64) for k in (3, 5) if f + k != 53]),
)
SEEDS = range(60)


@assignment.task(
    "Go on after a power cut",
    points=4,
    hints=(
        "Which networks are in the space, and not in `done`? One of them, by lot.",
        "`itertools.product(*space.values())` gives all combinations, `dict(zip(space, values))` "
        "makes settings of one. `np.random.default_rng(seed).integers(len(left))` draws.",
    ),
)
def next_draw(next_draw: Any, *, cases: Any = DRAWS) -> None:
    name = "next_draw"
    for space, done in cases:
        every = [dict(zip(space, v, strict=True)) for v in product(*space.values())]
        left = [settings for settings in every if settings not in done]
        calls = [(space, done, seed) for seed in (*SEEDS, *SEEDS)]
        given = results(name, next_draw, calls)
        for call, settings in zip(calls, given, strict=True):
            _check_draw(settings, space, done, call_text(name, call))
        if given[: len(SEEDS)] != given[len(SEEDS) :]:
            raise Wrong(f"`{name}` gives two answers for one seed, so nobody could repeat it.")
        never = [settings for settings in left if settings not in given]
        if len(never) == len(left) - 1 and never:
            raise Wrong(f"`{name}` gives {given[0]} with every seed. It must draw by lot.")
        if never:
            raise Wrong(
                f"In {len(SEEDS)} draws with different seeds, {never[0]} never came up, although "
                "it is left. Every network that is left must have the same chance."
            )


def _check_draw(given: Any, space: dict, done: list[dict], text: str) -> None:
    for key, value in keyed(given, space, text).items():
        if type(value) is not int or value not in space[key]:
            raise Wrong(f'{text} has {brief(value)} for "{key}". The space has {space[key]}.')
    if given in done:
        raise Wrong(f"{text} is {given}. That network was tried before the power cut.")


@assignment.task(
    "Chosen here, quoted there",
    points=4,
    hints=(
        "Which network is best on the first half? What is *that* network worth on the other half?",
        "`first.mean(axis=1)` are the accuracies of all networks on the first half, `argmax` finds "
        "the winner there. Quote it on the second half; then the other way round; then the mean.",
    ),
)
def two_way(two_way: Any, *, seeds: Any = (0, 1, 2, 3)) -> None:
    mistakes = [
        ("This chooses and quotes on the same images, as the report may have done: too good.",
         lambda r: float(r.mean(axis=1).max())),
        ("Each half has chosen the very network that it is quoted for. Exchange them.",
         searches.uncrossed),
        ("This goes one way only. Let the second half choose as well, and quote on the first.",
         searches.one_way),
        ("This goes one way only. Let the first half choose as well, and quote on the second.",
         searches.other_way),
        ("This is the mean of all networks. Asked is what a chosen one is worth.",
         lambda r: float(r.mean())),
    ]  # fmt: skip
    cases = [(searches.judged(seed),) for seed in seeds]
    same_results("two_way", two_way, searches.crossed, cases, mistakes)


assignment.add_written("two_winners", "Two winners, two figures", points=3)
