"""Backbones: networks trained on ImageNet, frozen or not, and their features.

In: a network's name and the shape of your images. Out: a Keras model from images to features.
Read first: `base` (`load`, and each network's preprocessing), then `freezing`.

| module | holds |
|---|---|
| `base` | `load`: the network with its preprocessing, cut and pooled |
| `weights` | ImageNet weights, checked, with a note of their origin |
| `freezing` | which layers may learn, and the proof that the others did not |
| `features` | what a frozen base makes of each image, computed once |
| `feature_cache` | the files in which features are kept |

Which preprocessing a network needs, and its weights file, stand in `cifarlib.data.imagenet`.
"""

from cifarlib.backbones.base import CaffeColors, available, load, network, provenance
from cifarlib.backbones.freezing import blocks, changed, fingerprint, freeze, layer_table, unfreeze
from cifarlib.backbones.weights import Weights
from cifarlib.data.imagenet import NETWORKS

__all__ = [
    "NETWORKS",
    "CaffeColors",
    "Weights",
    "available",
    "blocks",
    "changed",
    "fingerprint",
    "freeze",
    "layer_table",
    "load",
    "network",
    "provenance",
    "unfreeze",
]
