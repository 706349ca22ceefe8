"""The networks of report R4, "Image augmentation and transfer learning"."""

from __future__ import annotations

import keras
from keras import Sequential, layers

from cifarlib.errors import CourseError
from cifarlib.networks.bases import base


def model_cnn(n: int = 2, name: str = "R4_1") -> keras.Model:
    """R4.1, `n` convolutions with pooling, then two dense layers. With n=2: 442,026 parameters.

    The listing is illegible in our copy of the report; the structure is from its printed layer
    tables, the "uniform" initializer from its text, applied here to every layer.

    Args:
        n: convolutions, 1 to 3; a fourth would find too few pixels left.
        name: the model's name.

    Raises:
        CourseError: `n` is not 1, 2 or 3.
    """
    if n not in (1, 2, 3):
        raise CourseError(
            f"model_cnn({n!r}): a 32x32 image has room for 1, 2 or 3 convolutions with pooling "
            "(32 -> 15 -> 6 -> 2 pixels). Give n=1, 2 or 3."
        )
    model = Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255)], name=name)
    for _ in range(n):
        model.add(layers.Conv2D(32, (3, 3), kernel_initializer="uniform", activation="relu"))
        model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(256, kernel_initializer="uniform", activation="relu"))
    model.add(layers.Dense(512, kernel_initializer="uniform", activation="relu"))
    model.add(layers.Dense(10, kernel_initializer="uniform", activation="softmax"))
    return model


def r4_2() -> keras.Model:
    """R4.2, `model_cnn` with one convolution, trained with augmentation. 1,981,066 parameters."""
    return model_cnn(1, name="R4_2")


def r4_4() -> keras.Model:
    """R4.4, the head alone, on the 512 features that VGG16 gives at 32x32. 268,042 parameters."""
    return Sequential([keras.Input((512,)), *_head()], name="R4_4")


def r4_5() -> keras.Model:
    """R4.5, frozen VGG16 and head. 14,982,730 parameters, 268,042 of them trainable."""
    features = _features("VGG16")
    features.trainable = False
    return Sequential([features, *_head()], name="R4_5")


def r4_6() -> keras.Model:
    """R4.6, VGG16 and head, nothing frozen. 14,982,730 parameters."""
    return Sequential([_features("VGG16"), *_head()], name="R4_6")


def r4_7() -> keras.Model:
    """R4.7, the head on the 1,024 features that MobileNet gives at 32x32. 399,114 parameters."""
    return Sequential([keras.Input((1024,)), *_head()], name="R4_7")


def r4_8() -> keras.Model:
    """R4.8, frozen MobileNet and head. 3,627,978 parameters, 399,114 of them trainable."""
    features = _features("MobileNet")
    features.trainable = False
    return Sequential([features, *_head()], name="R4_8")


def r4_9() -> keras.Model:
    """R4.9, MobileNet and head, nothing frozen. 3,627,978 parameters, 3,606,090 trainable."""
    return Sequential([_features("MobileNet"), *_head()], name="R4_9")


def _features(base_name: str) -> keras.Model:
    """Return an ImageNet base at 32x32 whose output is flat."""
    network = base(base_name, (32, 32, 3))
    output = layers.Flatten()(network.output)
    return keras.Model(network.input, output, name=network.name)


def _head() -> list[keras.layers.Layer]:
    """Return the three dense layers that R4.4 to R4.9 put on a base."""
    return [
        layers.Dense(256, kernel_initializer="uniform", activation="relu"),
        layers.Dense(512, kernel_initializer="uniform", activation="relu"),
        layers.Dense(10, kernel_initializer="uniform", activation="softmax"),
    ]
