"""Parameters: how many a network has, by formula, layer by layer.

In: a Keras model. Out: a row for each layer, with the calculation; Keras is never asked.
Read first: `layer_formulas` (one rule a layer), then `derivation` (whole models).

| module | holds |
|---|---|
| `layer_formulas` | the rule of each kind of layer |
| `derivation` | `derive`, `table`, `total`, `latex`: the rules applied to a model |
| `explorer` | `parameter_explorer`: one layer with sliders |
"""

from cifarlib.parameters.derivation import (
    LayerCount,
    Total,
    derive,
    latex,
    table,
    total,
)
from cifarlib.parameters.explorer import parameter_explorer
from cifarlib.parameters.layer_formulas import conv_output_size

__all__ = [
    "LayerCount",
    "Total",
    "conv_output_size",
    "derive",
    "latex",
    "parameter_explorer",
    "table",
    "total",
]
