"""Plain data crosses as it is; everything else is refused."""

from __future__ import annotations

import collections
import json
import pickle
import struct

import numpy as np
import pytest

from cifarlib.grader import codec
from cifarlib.grader.exceptions import NotPlainError


class Odd:
    """An object that is no plain data."""


PLAIN = [
    None,
    True,
    7,
    -(2**200),
    1.5,
    float("inf"),
    "text with ü and \x00",
    [1, [2.0, "a"], (3,)],
    {"a": {1: 2}, (1, 2): {3}},
    {1, 2},
    frozenset({"x"}),
    2 + 3j,
    b"\x00\xff",
    range(1, 9, 2),
]


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: type(value).__name__)
def test_plain_values_come_back_with_their_types(value):
    back = codec.loads(codec.dumps(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "complex64", "<U5", "S3"])
def test_arrays_come_back_with_dtype_and_shape(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    back = codec.loads(codec.dumps({"a": array}))["a"]
    assert type(back) is np.ndarray
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert np.array_equal(back, array)
    assert type(codec.loads(codec.dumps(array[0, 0]))) is type(array[0, 0])


def test_relatives_of_plain_types_become_plain():
    point = collections.namedtuple("Point", "x y")(1, 2)
    counts = collections.Counter("aab")
    assert codec.loads(codec.dumps([point, counts])) == [(1, 2), {"a": 2, "b": 1}]
    assert type(codec.loads(codec.dumps(np.ma.masked_array([1], [True])))) is np.ndarray


class Text(str):
    """A text that compares as it likes."""


@pytest.mark.parametrize(
    "value",
    [Odd(), Text("a"), [Odd()], {"a": Odd()}, Odd, np, np.array([Odd()]), iter([1]), lambda: 1],
    ids=lambda value: type(value).__name__,
)
def test_other_values_are_refused(value):
    with pytest.raises(NotPlainError):
        codec.dumps(value)


def test_a_value_that_holds_itself_is_refused():
    value: list = []
    value.append(value)
    with pytest.raises(NotPlainError, match="nested"):
        codec.dumps(value)


def _raw(tree: object, *blobs: bytes) -> bytes:
    parts = [json.dumps(tree).encode(), *blobs]
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


OBJECTS = np.array([Odd()], dtype=object)
RUBBISH = {
    "nothing": b"",
    "noise": b"\xff" * 40,
    "cut": codec.dumps([1, 2])[:-1],
    "pickle": pickle.dumps([1]),
    "unknown_kind": _raw({"$": "pickle", "items": []}),
    "no_kind": _raw({"items": []}),
    "missing_blob": _raw({"$": "array", "blob": 3}),
    "pickle_as_array": _raw({"$": "array", "blob": 0}, pickle.dumps([1])),
    "array_of_objects": _raw({"$": "array", "blob": 0}, b"\x93NUMPY" + OBJECTS.dumps()),
    "array_that_lies": _raw(
        {"$": "array", "blob": 0},
        codec.dumps(np.zeros(2))[-144:].replace(b"(2,)", b"(9,)"),
    ),
    "deep": _raw(json.loads("[" * 300 + "]" * 300)),
    "very_deep": struct.pack(">I", 200_000) + b"[" * 200_000,
    "unhashable_key": _raw({"$": "dict", "items": [[[1], 2]]}),
    "function_where_none_may_be": _raw({"$": "function", "number": 1, "name": "f"}),
    "class_attribute": _raw({"$": "__class__", "items": []}),
    "enormous_range": _raw({"$": "range", "items": [0, "a", 1]}),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_is_refused(name):
    with pytest.raises(NotPlainError):
        codec.loads(RUBBISH[name])


def test_one_bad_value_does_not_stop_the_others():
    found = codec.loads_mapping(
        codec.dumps_mapping({"good": 1, "bad": Odd(), "f": len}, lambda f: 5)
    )
    assert codec.loads(found["good"][1]) == 1
    assert "an object of type Odd" in found["bad"][0]
    assert codec.loads(found["f"][1], lambda number, name: (number, name)) == (5, "len")


@pytest.mark.parametrize("data", [b"", b"\xff" * 9, struct.pack(">I", 2) + b"[]"[:1], _raw([1])])
def test_a_mapping_of_rubbish_is_refused(data):
    with pytest.raises(NotPlainError):
        codec.loads_mapping(data)
