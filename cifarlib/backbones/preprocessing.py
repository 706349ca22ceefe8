"""What each ImageNet network wants to be fed, as layers that take pixel values 0-255.

Which network wants which is `preprocessing_mode` in `cifarlib.data.imagenet`.
"""

from __future__ import annotations

import keras
from keras import layers, ops

from cifarlib.data.imagenet import NETWORKS

_MEAN_RGB = (0.485, 0.456, 0.406)  # ImageNet's, for pixel values 0-1
_VARIANCE_RGB = (0.229**2, 0.224**2, 0.225**2)


@keras.saving.register_keras_serializable("cifarlib")
class CaffeColors(layers.Layer):
    """Blue, green, red instead of red, green, blue, each minus its mean over ImageNet.

    Pixel values are neither divided by 255 nor by anything else: they come out between -124 and
    152. This is how the networks were fed that came from the Caffe library: VGG and ResNet50.
    """

    MEAN_BGR = (103.939, 116.779, 123.68)

    def call(self, images):
        mean = ops.convert_to_tensor(self.MEAN_BGR, dtype=images.dtype)
        return ops.flip(images, axis=-1) - mean

    def compute_output_shape(self, input_shape):
        return input_shape


def preprocessing(name: str) -> list[layers.Layer]:
    """Return the layers that turn pixel values 0-255 into what the network was trained on."""
    mode = NETWORKS[name].preprocessing_mode
    if mode == "caffe":
        return [CaffeColors(name="preprocess")]
    if mode == "tf":
        return [layers.Rescaling(1 / 127.5, offset=-1, name="preprocess")]
    normal = layers.Normalization(mean=_MEAN_RGB, variance=_VARIANCE_RGB, name="preprocess")
    return [layers.Rescaling(1 / 255, name="scale"), normal]
