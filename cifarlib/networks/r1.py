"""The networks of report R1, "Multi-class classification with CNN and transfer learning"."""

from __future__ import annotations

import keras
from keras import Sequential, layers

from cifarlib.networks.bases import base


def r1_2() -> keras.Model:
    """R1.2, "Model1": two convolutions, leaky ReLU, one pooling. 2,105,066 parameters."""
    return Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, (3, 3), padding="same"),
            layers.LeakyReLU(0.1),
            layers.Conv2D(32, (3, 3), padding="same"),
            layers.LeakyReLU(0.1),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(256),
            layers.LeakyReLU(0.1),
            layers.Dense(10, activation="softmax"),
        ],
        name="R1_2",
    )


def r1_3() -> keras.Model:
    """R1.3, "Model2": R1.2 with three dropouts. 2,105,066 parameters."""
    return Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, (3, 3), padding="same"),
            layers.LeakyReLU(0.1),
            layers.Dropout(0.2),
            layers.Conv2D(32, (3, 3), padding="same"),
            layers.LeakyReLU(0.1),
            layers.Dropout(0.2),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(256),
            layers.LeakyReLU(0.1),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="R1_3",
    )


def r1_4() -> keras.Model:
    """R1.4, "Model3": four convolutions, two poolings, dropout. 1,084,234 parameters."""
    return Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, (3, 3), padding="same"),
            layers.LeakyReLU(0.1),
            layers.Conv2D(32, (3, 3), padding="same"),
            layers.LeakyReLU(0.1),
            layers.MaxPooling2D((2, 2)),
            layers.Dropout(0.25),
            layers.Conv2D(32, (3, 3), padding="same"),
            layers.LeakyReLU(0.1),
            layers.Conv2D(64, (3, 3), padding="same"),
            layers.LeakyReLU(0.1),
            layers.MaxPooling2D((2, 2)),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(256),
            layers.LeakyReLU(0.1),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="R1_4",
    )


def r1_5() -> keras.Model:
    """R1.5, a frozen VGG16 cut after its third block. 2,826,378 parameters."""
    vgg = base("VGG16", (32, 32, 3), pooling="max")
    vgg.trainable = False
    transfer_layer = vgg.get_layer("block3_pool")
    return keras.Model(vgg.input, _head(transfer_layer.output), name="R1_5")


def r1_7() -> keras.Model:
    """R1.7, a frozen VGG19, all five blocks.

    The report prints the count of the base alone, 20,024,384. With the head: 20,197,770.
    """
    vgg = base("VGG19", (32, 32, 3), pooling="max")
    vgg.trainable = False
    transfer_layer = vgg.get_layer("block5_pool")
    return keras.Model(vgg.input, _head(transfer_layer.output), name="R1_7")


def r1_9() -> keras.Model:
    """R1.9, a frozen ResNet50V2.

    The report prints the count of the base alone, before freezing: 23,564,800, of which
    23,519,360 trainable. Its listing builds the model from VGG19's input by mistake; here the
    input is the ResNet's own.
    """
    resnet = base("ResNet50V2", (32, 32, 3), pooling="max")
    resnet.trainable = False
    transfer_layer = resnet.get_layer("max_pool")
    return keras.Model(resnet.input, _head(transfer_layer.output), name="R1_9")


def _head(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the class probabilities computed from features `x`; the head of R1.5 to R1.9."""
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu")(x)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    return layers.Dense(10, activation="softmax")(x)
