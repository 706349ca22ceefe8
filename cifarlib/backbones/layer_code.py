"""Whose code a model runs: Keras's, the course's, or somebody else's.

A model's configuration and weights say what Keras's own layers compute. They do not say what a
custom layer, a Lambda or a custom activation does, nor which global variables it reads.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import keras

from cifarlib._support.digests import file_digest
from cifarlib._support.keras_layers import RUNS_CODE


def foreign_code(model: keras.Model) -> str | None:
    """Name a part of `model` whose code is neither Keras's nor the course's; None if all is.

    The live layers are looked at, with what they wrap and the functions they hold, and then the
    model's configuration, which may name what a layer hides.
    """
    for name, part in _parts(model, set()):
        if why := _foreign(part):
            return f'its layer "{name}" ({why})'
    for config in _named_parts(model.get_config()):
        if why := _foreign_config(config):
            return f"a part of it ({why})"
    return None


def course_code(model: keras.Model) -> dict[str, str]:
    """Return the SHA-256 of the source of each module of the course that has a layer in `model`."""
    own = {type(part) for _, part in _parts(model, set()) if _root(type(part)) == "cifarlib"}
    return {kind.__module__: source_digest(kind) for kind in own}


def source_digest(kind: type) -> str:
    """Return the SHA-256 of the source file in which a class is written."""
    return file_digest(inspect.getfile(kind))


def _parts(part: keras.Operation, seen: set[int]) -> Iterator[tuple[str, object]]:
    """Yield a layer and all that it holds: layers, operations, functions; each with its name.

    What a functional or Sequential model holds besides layers (its loss, its training step) has
    no part in its predictions.
    """
    if id(part) in seen:
        return
    seen.add(id(part))
    yield part.name, part
    held = list(vars(part).values())
    while held:
        value = held.pop(0)
        if isinstance(value, keras.Operation):
            yield from _parts(value, seen)
        elif isinstance(value, list | tuple):
            held += value
        elif isinstance(value, dict):
            held += value.values()
        elif callable(value) and not isinstance(part, keras.Model):
            yield part.name, value


def _root(code: object) -> str:
    return str(getattr(code, "__module__", None)).partition(".")[0]


def _foreign(part: object) -> str:
    """Say what a live part is that is not Keras's own; "" for Keras's and the course's."""
    is_code = isinstance(part, type) or hasattr(part, "__qualname__")
    code = part if is_code else type(part)
    if code.__name__ in RUNS_CODE:
        return f"a {code.__name__}"
    if isinstance(part, keras.Operation):
        known = ("keras", "cifarlib")
    else:  # a function, whose library's version is known if it is the backend
        known = ("keras", "cifarlib", "builtins", "jaxlib", keras.config.backend())
    if _root(code) in known:
        return ""
    return f"{code.__qualname__} of {code.__module__}"


def _named_parts(config: object) -> Iterator[dict]:
    """Yield each part of a configuration that names a class or function."""
    if isinstance(config, dict):
        if {"class_name", "module", "registered_name"} & config.keys():
            yield config
        config = [value for key, value in config.items() if key != "compile_config"]
    if isinstance(config, list | tuple):
        for value in config:
            yield from _named_parts(value)


def _foreign_config(config: dict) -> str:
    name, registered = str(config.get("class_name")), config.get("registered_name")
    if name in RUNS_CODE or name == "__lambda__":
        return f"a {name}"
    if name == "function":
        called = str(config.get("config"))
        own = hasattr(keras.activations, called) or hasattr(keras.ops, called)
        return "" if own else f"the function {called}"
    module = str(config.get("module")).partition(".")[0]
    if str(registered).startswith("cifarlib>") or module in ("keras", "cifarlib"):
        return ""  # a layer that only claims to be the course's was found alive
    return f"a {name}" if registered is not None or module != "None" else ""
