"""Keras models from a student's jail: plain ones are graded, others are refused."""

from __future__ import annotations

import pytest
from attack_course import make_cell, make_notebook, text

from cifarlib.grader import bubblewrap
from cifarlib.grader.limits import JailLimits
from cifarlib.grader.local_grader import LocalGrader
from cifarlib.grader.source import read_source

SLUG = "02_models"
BUILD = """
def build(units):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])
"""
QUESTIONS = {
    "model": (BUILD + "model = build(3)", "assert model.count_params() == 15"),
    "frozen": (
        "frozen = keras.Sequential([keras.Input((4,)), build(3)])\n"
        "frozen.layers[0].trainable = False",
        "assert not frozen.trainable_weights and len(frozen.weights) == 2\n"
        "assert not frozen.layers[0].trainable",
    ),
    "builder": ("builder = build", "assert builder(7).output_shape == (None, 7)"),
    "count": (
        "def count(model):\n    return model.count_params()",
        "assert count(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])) == 6",
    ),
}
HOSTILE = {
    "model": BUILD + "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), "
    "keras.layers.Lambda(lambda x: x)])",
    "frozen": "class Sly(keras.Model):\n    trainable_weights, weights = [], [1, 2]\n"
    "    def get_weights(self): return []\nfrozen = Sly()",
    "builder": "class Sly(keras.Sequential):\n    def to_json(self):\n"
    '        return \'{"module": "os", "class_name": "function", "config": "abort", \'\\\n'
    '            \'"registered_name": "abort"}\'\ndef builder(units): return Sly()',
    "count": "def count(model):\n    return type('Six', (int,), {'__eq__': lambda *a: True})(0)",
}

NO_JAIL = bubblewrap.unavailable()
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(bool(NO_JAIL), reason=f"no jail on this machine: {NO_JAIL}"),
]


def notebook(answers: dict[str, str]) -> bytes:
    cells = [make_cell("import keras")]
    for name, (_, test) in QUESTIONS.items():
        cells.append(make_cell(answers[name], f"{name}_answer", solution=True))
        cells.append(make_cell(test, name, grade=True, locked=True, points=1))
    return text(make_notebook(cells))


@pytest.fixture(scope="module")
def grader(tmp_path_factory):
    path = tmp_path_factory.mktemp("keras") / "solutions" / SLUG / f"{SLUG}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(notebook({name: answer for name, (answer, _) in QUESTIONS.items()}))
    grader = LocalGrader(read_source(path), bubblewrap.open_sandbox(JailLimits()))
    yield grader
    grader.close()


def test_plain_models_and_functions_of_models(grader):
    graded = grader.grade(grader.source.path.read_bytes())
    assert graded.total == len(QUESTIONS), graded.scores


def test_models_that_carry_code(grader):
    graded = grader.grade(notebook(HOSTILE))
    assert graded.total == 0
    assert {id: score.reason for id, score in graded.scores.items()} == {
        "model": "refused",
        "frozen": "refused",
        "builder": "failed",
        "count": "failed",
    }
    assert "carries Python code (Lambda)" in graded.scores["model"].message
    assert "not one of Keras's own (function)" in graded.scores["builder"].detail
    assert not graded.problems
