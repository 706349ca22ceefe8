"""The networks of report R3, "Image classification between CNN and transfer learning"."""

from __future__ import annotations

import keras
from keras import layers

from cifarlib.networks.bases import base
from cifarlib.networks.r2 import three_convolutions


def r3_1(input_shape: tuple[int, int, int] = (32, 32, 3)) -> keras.Model:
    """R3.1, cats against dogs: three convolutions and one output, the probability of class 1.

    The report gives neither the size of its images nor a parameter count. At 32x32, the size of
    CIFAR-10's cats and dogs, there are 45,153 parameters.
    """
    return three_convolutions("R3_1", input_shape, units=1, activation="sigmoid")


def r3_3() -> keras.Model:
    """R3.3, four classes of 256x256 grayscale images: six convolutions, seven dense layers.

    3,275,162 parameters. The report feeds pixel values 0-255 unscaled; the scaling is ours.
    """
    in_layer = keras.Input((256, 256, 1))
    x = layers.Rescaling(1 / 255)(in_layer)
    x = layers.Conv2D(32, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.25)(x)
    x = layers.Conv2D(128, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(128, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(128, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(256, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(1000, activation="relu")(x)
    x = layers.Dense(800, activation="relu")(x)
    x = layers.Dense(600, activation="relu")(x)
    x = layers.Dense(400, activation="relu")(x)
    x = layers.Dense(100, activation="relu")(x)
    x = layers.Dense(50, activation="relu")(x)
    out = layers.Dense(4, activation="softmax")(x)
    return keras.Model(inputs=[in_layer], outputs=[out], name="R3_3")


def r3_4() -> keras.Model:
    """R3.4, a frozen ResNet50 at 256x256 for the same four classes.

    The report's listing ends in a layer `final` that it never defines, and prints no count. Here
    it is the simplest head there is: Flatten, then Dense with 4 outputs. 24,112,004 parameters.
    """
    resnet = base("ResNet50", (256, 256, 3))
    resnet.trainable = False
    x = layers.Flatten()(resnet.output)
    final = layers.Dense(4, activation="softmax")(x)
    return keras.Model(inputs=[resnet.input], outputs=[final], name="R3_4")
