"""The networks of report R2, "Classification of images"."""

from __future__ import annotations

import keras
from keras import Sequential, layers

from cifarlib.networks.bases import base


def r2_2() -> keras.Model:
    """R2.2, the tuner's first network, with the winning settings. 940,458 parameters.

    The tuner chose 80 filters for the first convolution and 48 for the others, 5x5 kernels
    everywhere, and 96 units. (In the printed layer table the digit 0 is often read as 8.)
    """
    first = layers.Conv2D(80, (5, 5), activation="relu")
    return _tuned("R2_2", first, filters=48, convolutions=4)


def r2_3() -> keras.Model:
    """R2.3, the tuner's second network, one convolution fewer. 2,379,818 parameters.

    The tuner chose 112 filters of 3x3 for the first convolution, 64 of 5x5 for the others, and
    96 units.
    """
    first = layers.Conv2D(112, (3, 3), activation="relu")
    return _tuned("R2_3", first, filters=64, convolutions=3)


def r2_4() -> keras.Model:
    """R2.4, ResNet50 on images enlarged to 256x256. 40,899,018 parameters."""
    return _enlarged("ResNet50", name="R2_4")


def r2_5() -> keras.Model:
    """R2.5, VGG16 on images enlarged to 256x256. 19,049,866 parameters."""
    return _enlarged("VGG16", name="R2_5")


def r2_6() -> keras.Model:
    """R2.6, InceptionV3 on images enlarged to 256x256. 31,544,682 parameters."""
    return _enlarged("InceptionV3", name="R2_6")


def r2_8() -> keras.Model:
    """R2.8, the small network trained with augmented images. 45,738 parameters."""
    return three_convolutions("R2_8", (32, 32, 3), units=10, activation="softmax")


def r2_9() -> keras.Model:
    """R2.9, the network of R2.6 again, trained with augmented images. 31,544,682 parameters."""
    return _enlarged("InceptionV3", name="R2_9")


def _tuned(name: str, first: layers.Layer, filters: int, convolutions: int) -> keras.Model:
    """Return a network as the tuner builds them: after the first, all convolutions are alike."""
    model = Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255), first], name=name)
    for _ in range(convolutions):
        model.add(layers.Conv2D(filters, (5, 5), activation="relu"))
        model.add(layers.Dropout(0.5))
        model.add(layers.BatchNormalization())
    model.add(layers.Flatten())
    model.add(layers.Dense(96, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def three_convolutions(
    name: str, input_shape: tuple[int, int, int], units: int, activation: str
) -> keras.Model:
    """Return the small network of R2.8, which R3.1 has too, with another last layer."""
    return Sequential(
        [
            keras.Input(input_shape),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, (3, 3)),
            layers.Activation("relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(32, (3, 3)),
            layers.Activation("relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3)),
            layers.Activation("relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(64),
            layers.Activation("relu"),
            layers.Dropout(0.5),
            layers.Dense(units),
            layers.Activation(activation),
        ],
        name=name,
    )


def _enlarged(base_name: str, name: str) -> keras.Model:
    """Enlarge 32x32 images eight times, then an ImageNet base and the head of R2.4 to R2.9."""
    return Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.UpSampling2D((2, 2)),
            layers.UpSampling2D((2, 2)),
            layers.UpSampling2D((2, 2)),
            base(base_name, (256, 256, 3)),
            layers.Flatten(),
            layers.BatchNormalization(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.BatchNormalization(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.5),
            layers.BatchNormalization(),
            layers.Dense(10, activation="softmax"),
        ],
        name=name,
    )
