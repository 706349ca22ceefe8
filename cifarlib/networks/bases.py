"""The ImageNet networks that the reports build on, without their ImageNet top."""

from __future__ import annotations

import keras


def base(name: str, input_shape: tuple[int, int, int], pooling: str | None = None) -> keras.Model:
    """Return the network `keras.applications.<name>` without its top, with random weights.

    It is for counting and for looking at the structure: it brings neither trained weights nor the
    preprocessing that they need.
    """
    network = getattr(keras.applications, name)
    return network(weights=None, include_top=False, input_shape=input_shape, pooling=pooling)
