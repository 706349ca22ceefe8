"""Networks: those of the reports, one function each, written like the listing in the report.

    model = build("R0.4")

In: a system's id. Out: a new, uncompiled `keras.Model` with random weights.
Read first: `SYSTEMS` below, which says which function builds which system; then `r0`.

| module | holds |
|---|---|
| `r0`, `r1`, `r2`, `r3`, `r4` | the networks of one report each |
| `bases` | ImageNet networks without weights and preprocessing, for counting |

The networks that start from nothing take images as they are, with pixel values 0-255 (`uint8` or
float): scaling by 1/255 is their first layer. The reports scaled the arrays beforehand; the layer
has no parameters, so the counts are the same. The networks on an ImageNet base scale nothing and
have no trained weights: they are for counting (`cifarlib.parameters`).
"""

from __future__ import annotations

import keras

from cifarlib.errors import CourseError
from cifarlib.networks import r0, r1, r2, r3, r4

SYSTEMS = {
    "R0.1": r0.r0_1,
    "R0.4": r0.r0_4,
    "R0.6a": r0.r0_6a,
    "R0.6b": r0.r0_6b,
    "R0.6c": r0.r0_6c,
    "R0.7": r0.r0_7,
    "R0.8": r0.r0_8,
    "R1.2": r1.r1_2,
    "R1.3": r1.r1_3,
    "R1.4": r1.r1_4,
    "R1.5": r1.r1_5,
    "R1.7": r1.r1_7,
    "R1.9": r1.r1_9,
    "R2.2": r2.r2_2,
    "R2.3": r2.r2_3,
    "R2.4": r2.r2_4,
    "R2.5": r2.r2_5,
    "R2.6": r2.r2_6,
    "R2.8": r2.r2_8,
    "R2.9": r2.r2_9,
    "R3.1": r3.r3_1,
    "R3.3": r3.r3_3,
    "R3.4": r3.r3_4,
    "R4.1": r4.model_cnn,
    "R4.2": r4.r4_2,
    "R4.4": r4.r4_4,
    "R4.5": r4.r4_5,
    "R4.6": r4.r4_6,
    "R4.7": r4.r4_7,
    "R4.8": r4.r4_8,
    "R4.9": r4.r4_9,
}


def build(system_id: str, **kwargs: object) -> keras.Model:
    """Build the network of one system of the reports.

    Args:
        system_id: the report and its system, such as "R0.4"; `SYSTEMS` lists them all.
        kwargs: passed on to the system's function, as in `build("R4.1", n=3)`.

    Raises:
        CourseError: there is no network with that id.
    """
    if system_id not in SYSTEMS:
        raise CourseError(f'No network is called "{system_id}". Use one of: {", ".join(SYSTEMS)}.')
    return SYSTEMS[system_id](**kwargs)
