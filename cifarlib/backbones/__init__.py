"""Backbones: networks trained on ImageNet, frozen or not, and their features.

In: a network's name and the shape of your images. Out: a Keras model from images to features.
Read first: `base` (`load`), `preprocessing` (what each network wants), then `freezing`.

| module | holds |
|---|---|
| `base` | `load`: the network with its preprocessing, cut and pooled |
| `preprocessing` | the layers that prepare pixel values for each network |
| `weights` | ImageNet weights, checked, with a note of their origin |
| `freezing` | which layers may learn, and the proof that the others did not |
| `features` | what a frozen base makes of each image, computed once |
| `feature_cache` | the files in which features are kept |
| `layer_code` | whose code a model runs: features of foreign code are never kept |

Which preprocessing mode a network needs, and its weights file, stand in `cifarlib.data.imagenet`.
"""

from cifarlib.backbones.base import available, load, network, provenance
from cifarlib.backbones.freezing import blocks, changed, fingerprint, freeze, layer_table, unfreeze
from cifarlib.backbones.preprocessing import CaffeColors
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
