"""Right answers to the tasks on counting, and some wrong ones that are easily given."""

from __future__ import annotations

import math

FILTERS, KERNELS = range(32, 129, 16), (3, 5)
"""What the tuner of R2.2 may choose for its first layer."""


def conv(kernel: tuple[int, int], channels: int, filters: int) -> int:
    height, width = kernel
    return height * width * channels * filters + filters


def size(size: int, kernel: int, stride: int, padding: str) -> int:
    return math.ceil(size / stride) if padding == "same" else (size - kernel) // stride + 1


def field(layers: list[tuple[int, int]]) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def field_stride_too_early(layers: list[tuple[int, int]]) -> int:
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def total(shape: tuple[int, int, int], layers: list[tuple], biases: bool = True) -> int:
    (height, width, channels), total = shape, 0
    for kind, *numbers in layers:
        if kind == "conv":
            filters, kernel = numbers
            total += conv((kernel, kernel), channels, filters) - (0 if biases else filters)
            height, width, channels = height - kernel + 1, width - kernel + 1, filters
        elif kind == "pool":
            height, width = height // numbers[0], width // numbers[0]
        elif kind == "flatten":
            height, width, channels = 1, 1, height * width * channels
        else:
            total += channels * numbers[0] + (numbers[0] if biases else 0)
            channels = numbers[0]
    return total


def total_without_pooling(shape: tuple[int, int, int], layers: list[tuple]) -> int:
    return total(shape, [layer for layer in layers if layer[0] != "pool"])


def total_padded(shape: tuple[int, int, int], layers: list[tuple]) -> int:
    (height, width, channels), count = shape, 0
    for layer in layers:
        count += total((height, width, channels), [layer])
        if layer[0] == "conv":
            channels = layer[1]
        elif layer[0] == "pool":
            height, width = height // layer[1], width // layer[1]
        elif layer[0] == "flatten":
            height, width, channels = 1, 1, height * width * channels
        else:
            channels = layer[1]
    return count


def recover(printed: str, channels: int) -> list[tuple[int, int]]:
    fits = []
    for kernel in KERNELS:
        for filters in FILTERS:
            count = str(conv((kernel, kernel), channels, filters))
            pairs = zip(printed, count, strict=False)
            if len(printed) == len(count) and all(p in ("?", c) for p, c in pairs):
                fits.append((kernel, filters))
    return fits
