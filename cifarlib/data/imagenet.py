"""What Keras publishes of the ImageNet networks of the course: facts, no code.

The weights are those without the network's top, the layers that tell ImageNet's 1,000 classes
apart. Files, hashes, smallest sizes and preprocessing are those of `keras.applications`; a test
compares them.
"""

from __future__ import annotations

from dataclasses import dataclass

_KERNELS = "weights_tf_dim_ordering_tf_kernels_notop.h5"  # how the older file names end


@dataclass(frozen=True)
class PretrainedNetwork:
    """One network.

    Attributes:
        name: as in `keras.applications`.
        values: how many numbers its weights are.
        minimum: smallest height and width of an image, in pixels.
        preprocessing_mode: how pixel values were prepared when it was trained: "caffe" (blue,
            green, red, each minus ImageNet's mean), "tf" (-1 to 1) or "torch" (0 to 1, then minus
            the mean and divided by the standard deviation of ImageNet).
        folder: where the weights lie at their origin.
        file: the weights' file name.
        md5: the hash that Keras asks for; None if it asks for none.
    """

    name: str
    values: int
    minimum: int
    preprocessing_mode: str
    folder: str
    file: str
    md5: str | None

    @property
    def item(self) -> str:
        """What `cifarlib data fetch` calls the weights."""
        return self.name.lower()


# fmt: off
_ALL = (
    PretrainedNetwork("VGG16", 14_714_688, 32, "caffe", "vgg16",
        f"vgg16_{_KERNELS}", "6d6bbae143d832006294945121d1f1fc"),
    PretrainedNetwork("VGG19", 20_024_384, 32, "caffe", "vgg19",
        f"vgg19_{_KERNELS}", "253f8cb515780f3b799900260a226db6"),
    PretrainedNetwork("ResNet50", 23_587_712, 32, "caffe", "resnet",
        f"resnet50_{_KERNELS}", "4d473c1dd8becc155b73f8504c6f6626"),
    PretrainedNetwork("ResNet50V2", 23_564_800, 32, "tf", "resnet",
        f"resnet50v2_{_KERNELS}", "fac2f116257151a9d068a22e544a4917"),
    PretrainedNetwork("InceptionV3", 21_802_784, 75, "tf", "inception_v3",
        f"inception_v3_{_KERNELS}", "bcbd6486424b2319ff4ef7d526e38f63"),
    PretrainedNetwork("MobileNet", 3_228_864, 32, "tf", "mobilenet",
        "mobilenet_1_0_224_tf_no_top.h5", None),
    PretrainedNetwork("EfficientNetV2B0", 5_919_312, 32, "torch", "efficientnet_v2",
        "efficientnetv2-b0_notop.h5", "893217f2bb855e2983157299931e43ff"),
)
# fmt: on
NETWORKS = {network.name: network for network in _ALL}
"""Every network of the course, by name."""
