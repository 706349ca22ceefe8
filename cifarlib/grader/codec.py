"""Values as bytes, without pickle: JSON, npy for arrays, architecture and weights for models.

The same code runs on both sides. What the student's side sends is believed by nobody: the
referee's side decodes it into exact built-in types and NumPy arrays, or refuses it.
"""

from __future__ import annotations

import base64
import collections
import io
import json
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from cifarlib.grader.exceptions import NotPlainError
from cifarlib.grader.limits import MAX_NESTING
from cifarlib.grader.model_deserialization import rebuild

ARRAY_KINDS = "biufcUS"  # of numpy.dtype.kind: no objects, no structures, no dates
COUNT = struct.Struct(">I")
DICTS = (dict, collections.OrderedDict, collections.defaultdict, collections.Counter)


def dumps(value: Any, keep: Callable[[Callable], int] | None = None) -> bytes:
    """Return `value` as bytes; `keep` gives the number under which a function can be called.

    Raises:
        NotPlainError: the value, or something inside it, is not plain data.
    """
    blobs: list[bytes] = []
    tree = json.dumps(_encode(value, blobs, keep, 0)).encode()
    return b"".join(COUNT.pack(len(part)) + part for part in [tree, *blobs])


def loads(data: bytes, function: Callable[[int, str], Any] | None = None) -> Any:
    """Return the value that `data` stands for; `function` makes what stands for a function.

    Raises:
        NotPlainError: the bytes are not what `dumps` writes.
    """
    try:
        tree, blobs = _split(data)
        return _decode(tree, blobs, function, 0)
    except NotPlainError:
        raise
    except Exception as error:
        raise NotPlainError(f"the value could not be read ({type(error).__name__})") from error


def dumps_mapping(values: dict[str, Any], keep: Callable[[Callable], int]) -> bytes:
    """Return named values as bytes, each on its own: one that is refused does not stop others."""
    parts = []
    for name, value in values.items():
        try:
            parts.append((name, "", dumps(value, keep)))
        except Exception as error:
            plain = isinstance(error, NotPlainError)
            why = str(error) if plain else f"it raised {type(error).__name__}"
            parts.append((name, why[:500], b""))
    sizes = [[name, why, len(part)] for name, why, part in parts]
    return join_head(sizes, b"".join(part for _, _, part in parts))


def loads_mapping(data: bytes) -> dict[str, tuple[str, bytes]]:
    """Return what `dumps_mapping` wrote: for each name why it was refused, or "", and its bytes.

    Raises:
        NotPlainError: the bytes are not what `dumps_mapping` writes.
    """
    try:
        sizes, body = split_head(data)
        start, found = 0, {}
        for name, why, size in sizes:
            found[str(name)] = (str(why), body[start : start + int(size)])
            start += int(size)
        return found
    except Exception as error:
        raise NotPlainError("the submission's values could not be read") from error


def join_head(head: Any, body: bytes) -> bytes:
    """Return bytes with JSON data in front that says what they are."""
    text = json.dumps(head).encode()
    return COUNT.pack(len(text)) + text + body


def split_head(data: bytes) -> tuple[Any, bytes]:
    """Return what `join_head` put together."""
    (length,) = COUNT.unpack_from(data)
    start = COUNT.size + length
    return json.loads(data[COUNT.size : start]), data[start:]


def _encode(value: Any, blobs: list[bytes], keep: Callable | None, depth: int) -> Any:
    kind = type(value)
    if depth > MAX_NESTING:
        raise NotPlainError(f"it is nested more than {MAX_NESTING} levels deep")
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [_encode(item, blobs, keep, depth + 1) for item in value]
    if kind in (tuple, set, frozenset) or _is_named_tuple(kind):
        items = [_encode(item, blobs, keep, depth + 1) for item in value]
        return {"$": kind.__name__ if kind in (set, frozenset) else "tuple", "items": items}
    if kind in DICTS:
        pairs = [[_encode(part, blobs, keep, depth + 1) for part in pair] for pair in value.items()]
        return {"$": "dict", "items": pairs}
    if kind is complex:
        return {"$": "complex", "items": [value.real, value.imag]}
    if kind is bytes:
        return {"$": "bytes", "text": base64.b64encode(value).decode()}
    if kind is range:
        return {"$": "range", "items": [value.start, value.stop, value.step]}
    if isinstance(value, np.ndarray | np.generic):
        return _encode_array(value, blobs, scalar=isinstance(value, np.generic))
    keras = sys.modules.get("keras")  # whoever made a model or a tensor has imported it
    if keras is not None:
        if isinstance(value, keras.Model):
            weights = [_encode_array(weight, blobs) for weight in value.get_weights()]
            return {"$": "model", "architecture": value.to_json(), "weights": weights}
        if keras.ops.is_tensor(value) or isinstance(value, keras.Variable):
            return _encode_array(keras.ops.convert_to_numpy(value), blobs)
    if callable(value) and keep is not None and not isinstance(value, type):
        name = str(getattr(value, "__name__", kind.__name__))[:80]
        return {"$": "function", "number": keep(value), "name": name}
    raise NotPlainError(
        f"it is an object of type {kind.__name__}; what is graded must be numbers, text, lists, "
        "dicts, NumPy arrays, functions, or Keras models made of Keras's own layers"
    )


def _is_named_tuple(kind: type) -> bool:
    return kind.__bases__ == (tuple,) and hasattr(kind, "_fields")


def _encode_array(value: Any, blobs: list[bytes], scalar: bool = False) -> dict:
    array = np.asarray(value)
    if array.dtype.kind not in ARRAY_KINDS:
        raise NotPlainError(f"it is an array of dtype {array.dtype}; use numbers, booleans or text")
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    blobs.append(file.getvalue())
    return {"$": "scalar" if scalar else "array", "blob": len(blobs) - 1}


def _split(data: bytes) -> tuple[Any, list[bytes]]:
    parts, start = [], 0
    while start < len(data):
        (length,) = COUNT.unpack_from(data, start)
        start += COUNT.size + length
        parts.append(data[start - length : start])
    return json.loads(parts[0]), parts[1:]


def _decode(tree: Any, blobs: list[bytes], function: Callable | None, depth: int) -> Any:
    if depth > 2 * MAX_NESTING:
        raise NotPlainError("it is nested too deeply")
    if isinstance(tree, list):
        return [_decode(item, blobs, function, depth + 1) for item in tree]
    if not isinstance(tree, dict):
        return tree
    kind = tree["$"]
    if kind == "function" and function is not None:
        return function(int(tree["number"]), str(tree["name"]))
    if kind in ("array", "scalar"):
        array = _decode_array(blobs[tree["blob"]])
        return array if kind == "array" else array[()]
    if kind == "bytes":
        return base64.b64decode(tree["text"])
    if kind == "model":
        weights = [_decode_array(blobs[weight["blob"]]) for weight in tree["weights"]]
        return rebuild(tree["architecture"], weights)
    items = [_decode(item, blobs, function, depth + 1) for item in tree["items"]]
    if kind in ("complex", "range"):
        return {"complex": complex, "range": range}[kind](*items)
    return {"tuple": tuple, "set": set, "frozenset": frozenset, "dict": dict}[kind](items)


def _decode_array(blob: bytes) -> np.ndarray:
    array = np.load(io.BytesIO(blob), allow_pickle=False)
    if type(array) is not np.ndarray or array.dtype.kind not in ARRAY_KINDS:
        raise NotPlainError("it is an array of a kind that is not graded")
    return array
