"""Counting the parameters of a model by hand: one formula per layer, with the numbers put in.

    rows = derive(model)
    table(rows)          # every layer with its calculation, and the total
    latex(rows[1])       # one layer's calculation, to show with IPython.display.Math

The counts come from the layers' settings and shapes (`layer_formulas`). Keras is never asked for
a count, so comparing with `model.count_params()` is a real check.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from math import prod

import keras

from cifarlib._support.tables import Table
from cifarlib.errors import CourseError
from cifarlib.parameters.layer_formulas import Counted, Product, Shape, rule_for

Tensors = list[keras.KerasTensor]


@dataclass(frozen=True)
class LayerCount:
    """One layer's parameters, shapes and work.

    Attributes:
        name: the layer's name; inside a nested model "model/layer".
        kind: the layer's type, such as "Conv2D".
        shape_in: shape of one image at the input, without the batch; None is an unknown size.
            A layer with several inputs has a tuple of such shapes.
        shape_out: the same for the output.
        formula: how the parameters are counted, in symbols: "k_h·k_w·c_in·c_out + c_out".
        arithmetic: the same with numbers: "3·3·3·32 + 32".
        parameters: the result, `trainable + non_trainable`.
        trainable: parameters that training changes.
        non_trainable: parameters that it does not: frozen ones, and those measured from the data.
        multiply_adds: multiplications by a weight (each with an addition) for one image, in
            convolutions and dense layers; 0 for all other layers. None if a size is unknown.
        note: a remark for people, or "".
    """

    name: str
    kind: str
    shape_in: Shape | tuple[Shape, ...]
    shape_out: Shape | tuple[Shape, ...]
    formula: str
    arithmetic: str
    parameters: int
    trainable: int
    non_trainable: int
    multiply_adds: int | None
    note: str = ""


@dataclass(frozen=True)
class Total:
    """Sums over the layers of a model; `multiply_adds` is None if one of them is unknown."""

    parameters: int
    trainable: int
    non_trainable: int
    multiply_adds: int | None


def derive(model: keras.Model) -> list[LayerCount]:
    """Count the parameters of every layer of `model` by formula.

    Nested models are opened: their layers appear as "model/layer". A layer that is used twice
    has a row for each use, and its weights are counted in the first.

    Args:
        model: a `keras.Sequential` or functional model with a known input shape.

    Raises:
        CourseError: the model has no input shape or no graph of layers, or one of its layers has
            weights but no formula here.
    """
    if not _is_model(model):
        raise CourseError(
            f"derive() needs a keras.Sequential or functional model, but got {_kind(model)}. "
            "Build the network with keras.Sequential([...]) or keras.Model(inputs, outputs)."
        )
    inputs = getattr(model, "inputs", None)
    if inputs is None:
        raise CourseError(
            f'Model "{model.name}" has no input shape yet, so its layers have no sizes. Begin it '
            "with keras.Input(shape=(height, width, channels)), or call model.build(...)."
        )
    rows, used = [], set()
    for use in _walk(model, inputs):
        frozen = not (model.trainable and getattr(use.layer, "trainable", True))
        rows.append(_row(use, frozen, is_again=id(use.layer) in used))
        used.add(id(use.layer))
    return rows


def total(rows: Iterable[LayerCount]) -> Total:
    """Return the sums over `rows`."""
    rows = list(rows)
    work = [row.multiply_adds for row in rows]
    return Total(
        parameters=sum(row.parameters for row in rows),
        trainable=sum(row.trainable for row in rows),
        non_trainable=sum(row.non_trainable for row in rows),
        multiply_adds=None if None in work else sum(work),
    )


def table(rows: Sequence[LayerCount], caption: str = "") -> Table:
    """Return `rows` as a table with a total; the notes only where there are any."""
    headers = ["Layer", "Type", "Shape out", "Formula", "Calculation"]
    headers += ["Parameters", "Trainable", "Multiply-adds", "Note"]
    width = len(headers) if any(row.note for row in rows) else len(headers) - 1
    cells = [
        (
            row.name,
            row.kind,
            str(row.shape_out),
            row.formula,
            row.arithmetic,
            row.parameters,
            row.trainable,
            row.multiply_adds,
            row.note,
        )[:width]
        for row in rows
    ]
    sums = total(rows)
    footer = ("Total", "", "", "", "", sums.parameters, sums.trainable, sums.multiply_adds, "")
    return Table(headers[:width], cells, caption, footer[:width])


def latex(row: LayerCount) -> str:
    r"""Return one layer's calculation as LaTeX: `(3 \cdot 3 \cdot 3 + 1) \cdot 32 = 896`.

    Where every product ends in the same number, that number is taken out of the sum: a kernel
    and its bias, as many times as there are filters.
    """
    products = [term.split("·") for term in row.arithmetic.split(" + ")]
    last = {product[-1] for product in products}
    if len(products) > 1 and len(last) == 1:
        inner = " + ".join(_cdot(product[:-1] or ["1"]) for product in products)
        left = rf"({inner}) \cdot {last.pop()}"
    else:
        left = " + ".join(_cdot(product) for product in products)
    result = f"{row.parameters:,}".replace(",", "{,}")
    return left if left == result else f"{left} = {result}"


@dataclass(frozen=True)
class _Use:
    """One call of one layer: where in the model, on what, with what result.

    A `KerasTensor` is a shape and a number type without numbers.
    """

    name: str
    layer: keras.Operation
    inputs: Tensors
    outputs: Tensors
    counted: Counted


def _walk(model: keras.Model, inputs: Tensors, prefix: str = "") -> Generator[_Use, None, Tensors]:
    """Yield every call of a layer in `model`, fed with `inputs`; return the model's outputs."""
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            inputs = yield from _visit(layer, inputs, (inputs[0],), {}, prefix)
        return inputs

    tensors = {id(symbol): tensor for symbol, tensor in zip(model.inputs, inputs, strict=True)}
    for node in _calls_in_order(model):
        if node.is_input:
            fed = [tensors[id(symbol)] for symbol in node.outputs]
            yield _Use(prefix + node.operation.name, node.operation, fed, fed, Counted(()))
            continue
        given = [tensors[id(symbol)] for symbol in node.input_tensors]
        args, kwargs = node.arguments.fill_in(tensors)
        outputs = yield from _visit(node.operation, given, args, kwargs, prefix)
        tensors.update(zip(map(id, node.outputs), outputs, strict=True))
    return [tensors[id(symbol)] for symbol in model.outputs]


def _calls_in_order(model: keras.Model) -> list:
    """Return the calls that make up a functional model, each after those it depends on.

    The only place that uses what Keras keeps to itself: `_nodes_by_depth` and its nodes. Of the
    public ways `get_config` fails for a layer that has none of its own, and `clone_model` calls
    layers anew, which would ask Keras for the shapes that are worked out here.
    """
    place = {id(operation): i for i, operation in enumerate(model.operations)}
    by_depth = sorted(model._nodes_by_depth.items(), reverse=True)
    return [
        node
        for _, nodes in by_depth
        for node in sorted(nodes, key=lambda node: place[id(node.operation)])
    ]


def _visit(
    layer: keras.Operation, inputs: Tensors, args: tuple, kwargs: dict, prefix: str
) -> Generator[_Use, None, Tensors]:
    """Yield the call of one layer, or all calls inside a nested model; return the outputs.

    `args` and `kwargs` are the call's arguments, the `inputs` among them.
    """
    name = prefix + layer.name
    if _is_model(layer):
        return (yield from _walk(layer, inputs, f"{name}/"))
    rule = rule_for(layer)
    if rule is not None:
        counted = rule(layer, inputs[0].shape[1:])
        outputs = [keras.KerasTensor((None, *counted.shape_out), dtype=layer.compute_dtype)]
    elif getattr(layer, "weights", []):
        raise CourseError(
            f'Layer "{name}" is a {_kind(layer)}, which has weights but no formula here. Use a '
            "layer the course knows, or add a rule for it to cifarlib/parameters/layer_formulas.py."
        )
    else:
        counted = Counted(())
        outputs = keras.tree.flatten(layer.compute_output_spec(*args, **kwargs))
    yield _Use(name, layer, inputs, outputs, counted)
    return outputs


def _row(use: _Use, frozen: bool, is_again: bool) -> LayerCount:
    learned, measured = use.counted.learned, use.counted.measured
    notes = [use.counted.note] if use.counted.note else []
    if frozen and learned:
        notes.append("frozen")
    if is_again and (learned or measured):
        notes.append("used again: its weights are counted above")
        learned = measured = ()
    parameters = _sum(learned + measured)
    trainable = 0 if frozen else _sum(learned)
    return LayerCount(
        name=use.name,
        kind=_kind(use.layer),
        shape_in=_shapes(use.inputs),
        shape_out=_shapes(use.outputs),
        formula=_written(learned + measured, part=0) or "0",
        arithmetic=_written(learned + measured, part=1) or "0",
        parameters=parameters,
        trainable=trainable,
        non_trainable=parameters - trainable,
        multiply_adds=use.counted.multiply_adds,
        note="; ".join(notes),
    )


def _is_model(layer: object) -> bool:
    return isinstance(layer, (keras.Sequential, keras.Function))


def _kind(layer: object) -> str:
    return type(layer).__name__


def _shapes(tensors: Tensors) -> Shape | tuple[Shape, ...]:
    shapes = tuple(tuple(tensor.shape[1:]) for tensor in tensors)
    return shapes[0] if len(shapes) == 1 else shapes


def _sum(products: Iterable[Product]) -> int:
    return sum(prod(number for _, number in product) for product in products)


def _written(products: Iterable[Product], part: int) -> str:
    return " + ".join("·".join(str(factor[part]) for factor in product) for product in products)


def _cdot(factors: list[str]) -> str:
    return r" \cdot ".join(factors)
