"""Data that needs no network: real handwritten digits and a drawn ten-class colour set.

Both stand in for the reports' data sets where those cannot be had, and say so in their
titles. They prove that the course runs; figures from them are never compared with a claim.
"""

from __future__ import annotations

import numpy as np

DIGITS_TITLE = "scikit-learn digits (stand-in for MNIST)"
DIGIT_NAMES = tuple("0123456789")
SHAPES_TITLE = "Drawn shapes (stand-in for CIFAR-10)"
SHAPE_NAMES = (
    "disk", "ring", "square", "frame", "triangle",
    "plus", "cross", "horizontal stripes", "vertical stripes", "checkerboard",
)  # fmt: skip

_N_DIGITS_TEST = 500
_N_SHAPES_TRAIN, _N_SHAPES_TEST = 2_500, 500
_SHAPES_SEED = 20_240_601
_CONTRAST = 80  # least difference between a shape and what is behind it, in each channel
_LIGHT = 24  # greatest change of brightness from an image's middle to its edge
_NOISE = 24  # greatest change of a single pixel value


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return scikit-learn's 1,797 digits in MNIST's form: x_train, y_train, x_test, y_test.

    The 8x8 pixels of 0..16 are stretched to 0..255, each is repeated 3x3 times, and 2 black
    pixels are added at every edge. Images are uint8 `(n, 28, 28, 1)`, labels int32 `(n,)`.
    The last 500 images are the test set.
    """
    from sklearn.datasets import load_digits  # slow to import, needed only here

    source = load_digits()
    small = source.images.astype(np.int32) * 255 // 16
    large = small.repeat(3, axis=1).repeat(3, axis=2).astype(np.uint8)
    images = np.pad(large, ((0, 0), (2, 2), (2, 2)))[..., np.newaxis]
    labels = source.target.astype(np.int32)
    cut = len(images) - _N_DIGITS_TEST
    return images[:cut], labels[:cut], images[cut:], labels[cut:]


def shapes() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw ten classes of shapes in CIFAR-10's form: x_train, y_train, x_test, y_test.

    Position, size, line width, colours, lighting and noise are random, and a shape is as often
    darker as brighter than what lies behind it, so no single pixel says much about the class.
    Images are uint8 `(n, 32, 32, 3)`, labels int32 `(n,)`, 2,500 for training and 500 for
    testing, as many of each class. Only integer arithmetic and NumPy's frozen `RandomState`
    stream are used: every platform draws the same bits.
    """
    random = np.random.RandomState(_SHAPES_SEED)
    labels = np.concatenate(
        [random.permutation(n) % len(SHAPE_NAMES) for n in (_N_SHAPES_TRAIN, _N_SHAPES_TEST)]
    ).astype(np.int32)
    images = _paint(_masks(labels, random), random)
    cut = _N_SHAPES_TRAIN
    return images[:cut], labels[:cut], images[cut:], labels[cut:]


def more_shapes(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw `n` other images like those of `shapes`, from another seed: images and labels.

    Images are uint8 `(n, 32, 32, 3)`, labels int32 `(n,)`, as many of each class, within one.
    """
    random = np.random.RandomState(seed)
    labels = (random.permutation(n) % len(SHAPE_NAMES)).astype(np.int32)
    return _paint(_masks(labels, random), random), labels


def _masks(labels: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Return bool `(n, 32, 32)`: where each image's shape is."""

    def draw(low: int, high: int) -> np.ndarray:
        values = random.randint(low, high + 1, size=(len(labels), 1, 1), dtype=np.int32)
        return values.astype(np.int16)

    radius, width, period, phase = draw(7, 11), draw(2, 3), draw(2, 4), draw(0, 7)
    row, column = np.mgrid[0:32, 0:32].astype(np.int16)
    dy = row - draw(11, 20)
    dx = column - draw(11, 20)
    distance = dx * dx + dy * dy
    inner = radius - width - 1
    box = np.maximum(abs(dx), abs(dy))
    side = radius - 1  # a square of this half-width looks as large as the disk
    rows_on = (dy + 32 + phase) // period % 2 == 0
    columns_on = (dx + 32 + phase) // period % 2 == 0
    drawings = (
        distance <= radius * radius,
        (distance <= radius * radius) & (distance > inner * inner),
        box <= side,
        (box <= side) & (box > side - width),
        (abs(dy) <= side) & (2 * abs(dx) <= dy + side),
        (box <= radius) & (np.minimum(abs(dx), abs(dy)) < width),
        (box <= side) & (np.minimum(abs(dx - dy), abs(dx + dy)) <= width),
        (box <= side) & rows_on,
        (box <= side) & columns_on,
        (box <= side) & (rows_on == columns_on),
    )
    masks = np.zeros((len(labels), 32, 32), dtype=bool)
    for label, drawing in enumerate(drawings):
        masks[labels == label] = drawing[labels == label]
    return masks


def _paint(masks: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Colour the shapes and what lies behind them; uint8 `(n, 32, 32, 3)`."""
    n = len(masks)

    def draw(low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
        return random.randint(low, high + 1, size=shape, dtype=np.int32).astype(np.int16)

    behind = draw(0, 255, (n, 1, 1, 3))
    shape = (behind + draw(_CONTRAST, 256 - _CONTRAST, (n, 1, 1, 3))) % 256
    row, column = np.mgrid[0:32, 0:32].astype(np.int16)[..., np.newaxis]
    slope_y, slope_x = draw(-_LIGHT, _LIGHT, (n, 1, 1, 1)), draw(-_LIGHT, _LIGHT, (n, 1, 1, 1))
    light = (slope_y * (row - 16) + slope_x * (column - 16)) // 16
    noise = draw(-_NOISE, _NOISE, (n, 32, 32, 3))
    painted = np.where(masks[..., np.newaxis], shape, behind) + light + noise
    return np.clip(painted, 0, 255).astype(np.uint8)
