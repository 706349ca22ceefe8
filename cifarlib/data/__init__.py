"""Data: from bytes on a disk or a network to a split `Dataset`, with its origin.

In: the name of a published data set, or a folder of images. Out: a `Dataset` of arrays.
Read first: `loading` (`load`), then `dataset` (what comes out).

| module | holds |
|---|---|
| `loading` | `load`: by name, split, shortened |
| `dataset` | `Dataset`, and the `Provenance` of its bytes |
| `image_folders` | `load_folder`: images of your own, one folder a class |
| `splits` | which images train and which validate |
| `sources` | mirror, Keras's cache, download: where files are looked for |
| `readers` | MNIST's and CIFAR-10's files, read without trusting them |
| `synthetic_data` | stand-ins that need no network |
| `imagenet` | the files of ImageNet weights, and how each network wants its pixels |
| `mirror` | making and checking a mirror (`cifarlib data`) |
"""

from cifarlib.data.dataset import Dataset, Provenance
from cifarlib.data.loading import DATASETS, load
from cifarlib.data.splits import SPLITS

__all__ = ["DATASETS", "SPLITS", "Dataset", "Provenance", "load"]
