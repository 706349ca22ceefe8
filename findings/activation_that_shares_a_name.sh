#!/usr/bin/env bash
# An activation of your own that is called like one of Keras's comes back as Keras's.
#
# Versions: keras 3.15.1 with jax 0.10.2, seen on Python 3.11.
# One would guess: a function that Keras does not know is refused when a saved model is loaded
#   ("could not be deserialized"), so a model that loads predicts what it predicted.
# What happens: a function is saved by its bare name. One called `relu`, written in a notebook, is
#   looked up among Keras's own when the model is loaded: no error, no warning, other predictions.
#   A function with a name that Keras does not have is refused, as one would guess.
# Who meets it: whoever tries a variant of a known activation, keeps its name, and saves the model;
#   and whoever compares models, or keys a cache, by `get_config()`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 jaxlib==0.10.2
cat > look.py <<'PY'
import keras
import numpy as np


def relu(x):
    """A leaky one."""
    return keras.ops.leaky_relu(x, 0.3)


def my_relu(x):
    return keras.ops.leaky_relu(x, 0.3)


def saved_and_loaded(activation):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation=activation)])
    model.save("model.keras")
    return model, keras.saving.load_model("model.keras")


images = np.random.RandomState(0).normal(size=(5, 4)).astype("float32")
before, after = saved_and_loaded(relu)
old, new = before.predict(images, verbose=0), after.predict(images, verbose=0)
print("keras", keras.__version__)
print("saved as:", before.layers[-1].get_config()["activation"])
print(f"smallest output before saving {old.min():.3f}, after loading {new.min():.3f}")
assert before.layers[-1].get_config()["activation"] == "relu"
assert before.layers[-1].activation is relu
assert after.layers[-1].activation is keras.activations.relu
assert old.min() < 0 <= new.min()
try:
    saved_and_loaded(my_relu)
except TypeError:
    print("my_relu: refused when loading")
else:
    raise SystemExit("my_relu was loaded: that has changed")
PY
KERAS_BACKEND=jax KERAS_HOME="$work/keras" env/bin/python look.py
