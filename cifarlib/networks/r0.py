"""The networks of report R0, "Image classification using CNN and transfer learning"."""

from __future__ import annotations

import keras
from keras import Sequential, layers

from cifarlib.networks.bases import base


def r0_1() -> keras.Model:
    """R0.1, digits of MNIST: two convolutions. 258,090 parameters."""
    return Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="R0_1",
    )


def r0_4() -> keras.Model:
    """R0.4, CIFAR-10: three convolutions of 32, 64 and 64 filters. 122,570 parameters."""
    return Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="R0_4",
    )


def r0_6a() -> keras.Model:
    """R0.6a, R0.4 made smaller: three times 32 filters, Dense 32. 36,138 parameters."""
    return _variant("R0_6a", filters=32, units=32)


def r0_6b() -> keras.Model:
    """R0.6b, R0.6a with dropout after the second convolution. 36,138 parameters."""
    return _variant("R0_6b", filters=32, units=32, dropout=True)


def r0_6c() -> keras.Model:
    """R0.6c, R0.6b made wider: three times 128 filters, Dense 64. 430,538 parameters."""
    return _variant("R0_6c", filters=128, units=64, dropout=True)


def r0_7() -> keras.Model:
    """R0.7, the "complex model": batch normalization, two kernel sizes. 324,138 parameters."""
    return Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, (5, 5), padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Conv2D(32, (3, 3), padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.AveragePooling2D(2, 2),
            layers.Dropout(0.3),
            layers.Conv2D(64, (5, 5), strides=1, padding="valid", activation="tanh"),
            layers.BatchNormalization(),
            layers.Conv2D(64, (3, 3), padding="same", activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(128, (3, 3), padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.AveragePooling2D(2, 2),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ],
        name="R0_7",
    )


def r0_8() -> keras.Model:
    """R0.8, a VGG16 base at 32x32 and the dense top of R0.4. 14,748,170 parameters.

    The report trains it with the base frozen (R0.9) and unfrozen (R0.10).
    """
    return Sequential(
        [
            base("VGG16", (32, 32, 3)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="R0_8",
    )


def _variant(name: str, filters: int, units: int, dropout: bool = False) -> keras.Model:
    """Return the network that R0.6a to R0.6c vary."""
    return Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(filters, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(filters, (3, 3), activation="relu"),
            *([layers.Dropout(0.25)] if dropout else []),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(filters, (3, 3), activation="relu"),
            layers.Flatten(),
            layers.Dense(units, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name=name,
    )
