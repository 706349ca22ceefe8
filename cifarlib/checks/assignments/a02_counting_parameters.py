"""The tasks of exercise 02: parameters, sizes and receptive fields, worked out by hand."""

from __future__ import annotations

from typing import Any

from cifarlib import ledger
from cifarlib.checks import compare_models
from cifarlib.checks.compare_calls import same_results
from cifarlib.checks.compare_values import number
from cifarlib.checks.outcomes import Wrong
from cifarlib.checks.reference_answers import counting
from cifarlib.checks.tasks import Assignment

assignment = Assignment("02_counting_parameters")

MOST_PARAMETERS, LEAST_CONVOLUTIONS = 50_000, 4


@assignment.task(
    "Predict a first layer",
    points=1,
    hints=(
        "One filter looks at all channels of the image at once. How many numbers does one filter "
        "hold? And what does each filter add in the end?",
        "One filter holds 5 · 5 · 3 weights and one bias. There are 64 of them.",
    ),
)
def first_layer(first_layer: Any) -> None:
    mistakes = {
        5 * 5 * 3 * 64: "This is the count without biases.",
        5 * 5 * 64 + 64: "This forgets that the image has 3 channels. The report's sentence does "
        "so too, and on grey images nobody notices.",
        5 * 5 * 3 * 64 + 3: "There is one bias for each filter, not for each channel.",
        3 * 3 * 3 * 64 + 64: "This is the count for a 3 × 3 kernel.",
        5 * 5 * 3 * 64 * 28 * 28 + 64: "The same weights are used at every place of the image. "
        "They count once.",
    }
    number("first_layer", first_layer, 5 * 5 * 3 * 64 + 64, mistakes)


CONVOLUTIONS = (((3, 3), 1, 32), ((3, 3), 32, 32), ((5, 5), 3, 64), ((1, 1), 64, 10))


@assignment.task(
    "Count any convolution",
    points=2,
    hints=(
        "Do task 1 again with letters in place of numbers. A kernel need not be square.",
        "Weights: height · width · channels · filters. Biases: one for each filter.",
    ),
)
def conv_parameters(conv_parameters: Any, *, cases: Any = (*CONVOLUTIONS, ((1, 7), 16, 8))) -> None:
    mistakes = [
        ("This is the count without biases.", lambda k, c, f: k[0] * k[1] * c * f),
        (
            "This is the report's sentence: it forgets the channels of the input.",
            lambda k, c, f: k[0] * k[1] * f + f,
        ),
        (
            "There is one bias for each filter, not for each channel of the input.",
            lambda k, c, f: k[0] * k[1] * c * f + c,
        ),
        (
            "There is one bias for each filter, not a single one.",
            lambda k, c, f: k[0] * k[1] * c * f + 1,
        ),
        ("This takes every kernel for square.", lambda k, c, f: k[0] * k[0] * c * f + f),
        ("This takes every kernel for square.", lambda k, c, f: k[1] * k[1] * c * f + f),
    ]
    same_results("conv_parameters", conv_parameters, counting.conv, cases, mistakes)


SIZES = (
    (28, 3, 1, "valid"), (28, 3, 1, "same"), (26, 2, 2, "valid"),
    (13, 2, 2, "valid"), (13, 2, 2, "same"), (32, 5, 3, "valid"), (33, 3, 2, "same"),
)  # fmt: skip


@assignment.task(
    "How large is the output?",
    points=3,
    hints=(
        "Draw a row of 7 pixels. Where can a kernel of 3 pixels begin, if it steps by 1? By 2? "
        'Then do it with "same", where the kernel may hang over the edge.',
        '"valid": the kernel begins at 0, stride, 2 · stride, ... and the last start is at most '
        'size - kernel. "same": one output for every begun step, so a division that rounds up.',
    ),
)
def output_size(output_size: Any, *, cases: Any = SIZES) -> None:
    mistakes = [
        (
            'With "valid" the first start counts too: add 1.',
            lambda s, k, t, p: counting.size(s, k, t, p) - (p == "valid"),
        ),
        (
            'With "same" the last, begun step counts: round up.',
            lambda s, k, t, p: s // t if p == "same" else counting.size(s, k, t, p),
        ),
        (
            'With "valid" a step that does not fit any more does not count: round down.',
            lambda s, k, t, p: counting.size(s, k, t, p) if p == "same" else -((k - s) // t) + 1,
        ),
        (
            "This ignores the stride.",
            lambda s, k, t, p: counting.size(s, k, 1, p),
        ),
        (
            "This ignores the padding.",
            lambda s, k, t, p: counting.size(s, k, t, "valid"),
        ),
    ]
    same_results("output_size", output_size, counting.size, cases, mistakes)


REPORT_LAYERS = [(3, 1), (2, 2), (3, 1), (2, 2), (3, 1)]
FIELDS = (
    ([(3, 1)],), ([(3, 1), (3, 1)],), ([(2, 2), (3, 1)],), ([(3, 1), (2, 2), (3, 1)],),
    ([(5, 2), (3, 2), (3, 1)],), (REPORT_LAYERS,), ([],),
)  # fmt: skip


@assignment.task(
    "How far does a network see?",
    points=3,
    hints=(
        "Two 3 × 3 kernels see 5 pixels, three see 7: each adds 2. After a pooling that steps by "
        "2, neighbours lie 2 image pixels apart. What does the next kernel add then?",
        "Keep two numbers: how far one output sees (begin with 1), and how many image pixels lie "
        "between two neighbours (begin with 1). A layer adds (kernel - 1) times the distance; "
        "only then the distance grows by its stride.",
    ),
)
def receptive_field(receptive_field: Any, *, cases: Any = FIELDS) -> None:
    mistakes = [
        (
            "This ignores the strides. After a stride of 2, neighbours lie 2 image pixels apart.",
            lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
        ),
        (
            "A layer's own stride only matters for the layers after it.",
            counting.field_stride_too_early,
        ),
        (
            "Two 3 × 3 kernels on top of each other see 5 pixels, not 6: they overlap.",
            lambda layers: sum(kernel for kernel, _ in layers),
        ),
        (
            "A single output, before any layer, sees 1 pixel, so begin with 1.",
            lambda layers: counting.field(layers) - 1,
        ),
    ]
    same_results("receptive_field", receptive_field, counting.field, cases, mistakes)


R0_1 = [("conv", 32, 3), ("pool", 2), ("conv", 32, 3), ("flatten",), ("dense", 64), ("dense", 10)]
R0_4 = [
    ("conv", 32, 3), ("pool", 2), ("conv", 64, 3), ("pool", 2), ("conv", 64, 3),
    ("flatten",), ("dense", 64), ("dense", 10),
]  # fmt: skip
R0_6A = [("conv", 32, 3), ("pool", 2)] * 2 + [("conv", 32, 3), ("flatten",)]
R0_6A += [("dense", 32), ("dense", 10)]
NETWORKS = (
    ((28, 28, 1), R0_1), ((32, 32, 3), R0_4), ((32, 32, 3), R0_6A),
    ((9, 9, 2), [("flatten",), ("dense", 3)]), ((11, 8, 2), [("conv", 4, 3), ("pool", 2)]),
)  # fmt: skip


@assignment.task(
    "Count a whole network",
    points=4,
    hints=(
        "Walk through the layers and keep what the next one needs: height, width and channels. "
        "Tasks 2 and 3 do the arithmetic.",
        '"conv" changes all three and adds parameters; "pool" divides height and width, rounding '
        'down; "flatten" leaves one number, height · width · channels; "dense" with n units adds '
        "inputs · n + n.",
    ),
)
def total_parameters(total_parameters: Any, *, cases: Any = NETWORKS) -> None:
    mistakes = [
        (
            "This is the count without biases.",
            lambda s, ls: counting.total(s, ls, biases=False),
        ),
        (
            "This ignores that pooling makes the image smaller.",
            counting.total_without_pooling,
        ),
        (
            "A convolution without padding makes the image smaller: 28 pixels become 26.",
            counting.total_padded,
        ),
    ]
    same_results("total_parameters", total_parameters, counting.total, cases, mistakes)


@assignment.task(
    "Read a summary backwards",
    points=1,
    hints=(
        "Which numbers of a batch normalization are learned, and which are only measured?",
        "For each channel it learns two numbers and measures two: a mean and a variance.",
    ),
)
def normalised_channels(normalised_channels: Any) -> None:
    frozen = int(ledger.claim("R2.3", "non_trainable_parameters"))
    mistakes = {
        frozen: "Each channel has more than one number that is not trained.",
        frozen // 4: "Of the four numbers of a channel, two are trained and do not count here.",
        frozen * 2: "Divide: a channel has more than one such number.",
    }
    number("normalised_channels", normalised_channels, frozen // 2, mistakes)


ROWS = (("6?8?", 3), ("?2??", 3), ("4864", 3), ("????", 1), ("9?048", 80), ("?", 3))


@assignment.task(
    "Repair a damaged row",
    points=3,
    hints=(
        "There are only 14 layers the tuner could build. Try them all, and keep those whose count "
        "fits what is printed.",
        "Turn the count into text with `str`. It fits if it is as long as the printed text, and "
        "if each printed character is either a question mark or the right digit.",
    ),
)
def recover(recover: Any, *, cases: Any = ROWS) -> None:
    def in_order(printed: str, channels: int) -> Any:
        found = recover(printed, channels)
        if type(found) in (list, tuple) and all(type(pair) in (list, tuple) for pair in found):
            return sorted(tuple(pair) for pair in found)
        return found

    mistakes = [
        (
            "Each pair is (kernel, filters), in this order.",
            lambda p, c: sorted((filters, kernel) for kernel, filters in counting.recover(p, c)),
        ),
        (
            "A count that is longer or shorter than what is printed does not fit.",
            lambda p, c: [
                (k, f)
                for k in counting.KERNELS
                for f in counting.FILTERS
                if all(
                    a in ("?", b) for a, b in zip(p, str(counting.conv((k, k), c, f)), strict=False)
                )
            ],
        ),
        (
            "Give all layers that fit, not only the first.",
            lambda p, c: counting.recover(p, c)[:1],
        ),
    ]
    same_results(
        "recover",
        in_order if callable(recover) else recover,
        counting.recover,
        cases,
        mistakes,
    )


@assignment.task(
    "Deeper, and yet smaller",
    points=4,
    hints=(
        "Where do the parameters of R0.4 sit? Make what arrives at the first dense layer smaller.",
        "Pool after each convolution, with `padding` set to same so that the image does not run "
        "out; or end with `GlobalAveragePooling2D` in place of `Flatten`.",
    ),
)
def small_network(small_network: Any) -> str | None:
    model = compare_models.model("small_network", small_network, (32, 32, 3), classes=10)
    kinds, count = compare_models.kinds(model), model.count_params()
    convolutions = sum(kind in ("Conv2D", "SeparableConv2D") for kind in kinds)
    if convolutions < LEAST_CONVOLUTIONS:
        raise Wrong(f"`small_network` has {convolutions} convolutions. It must have 4 or more.")
    if count >= MOST_PARAMETERS:
        raise Wrong(
            f"`small_network` has {count:,} parameters. It must have fewer than 50,000. "
            + compare_models.largest_layer(model)
        )
    if compare_models.last_activation(model) != "softmax":
        raise Wrong('The last layer of `small_network` must have `activation="softmax"`.')
    if "Rescaling" not in kinds:
        return "It expects images already divided by 255. A `Rescaling` layer would see to that."
    return None


assignment.add_written("same_result", '"Almost the same result"', points=3)
