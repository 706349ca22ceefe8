"""Augmentation: random changes to training images, as layers or as mixed batches.

In: images with pixel values 0-255. Out: layers to put first in a model, or batches to train on.
Read first: `pipelines` (the sets of changes that the course compares).

| module | holds |
|---|---|
| `pipelines` | `pipeline`, and the layers `RandomAffine` and `PaddedCrop` |
| `affine` | turning, shifting, shearing, zooming and mirroring by given amounts |
| `mixup_cutmix` | `MixedBatches`: images mixed with each other, and their labels |
| `explorer` | `augmentation_explorer`: one image with sliders; it loads Matplotlib |
"""

from cifarlib.augmentation.affine import moved
from cifarlib.augmentation.mixup_cutmix import MixedBatches
from cifarlib.augmentation.pipelines import (
    PIPELINES,
    REPORTS,
    PaddedCrop,
    RandomAffine,
    normalization,
    pipeline,
)

__all__ = [
    "PIPELINES",
    "REPORTS",
    "MixedBatches",
    "PaddedCrop",
    "RandomAffine",
    "moved",
    "normalization",
    "pipeline",
]
