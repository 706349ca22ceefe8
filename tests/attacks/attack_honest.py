"""Submissions without bad intentions. Those that are right must get all points."""

from __future__ import annotations

import json

from attack_course import FULL, RIGHT, cell, released, text
from attack_files import changed
from attack_table import Attack, honest


def _shuffled(notebook: dict) -> None:
    """Put the answers below their tests, and some in another order."""
    for name in ("double_answer", "mean_answer"):
        moved = cell(notebook, name)
        notebook["cells"].remove(moved)
        notebook["cells"].append(moved)


def _copied_answer(notebook: dict) -> None:
    place = notebook["cells"].index(cell(notebook, "double_answer"))
    old = json.loads(json.dumps(notebook["cells"][place])) | {"source": "def double(values): pass"}
    notebook["cells"].insert(place, old)


def _answer_made_text(notebook: dict) -> None:
    cell(notebook, "mean_answer")["cell_type"] = "markdown"


def _helpers_edited(notebook: dict) -> None:
    cell(notebook, "helpers")["source"] = "import numpy as np"


HONEST: dict[str, Attack] = {
    "right": honest({}),
    "half": honest({"scale": "def scale(x): return x", "share": "share = 0.25"}, FULL - 4),
    "nothing_done": Attack(text(released()), 0, {"essay": "left empty", "mean": "failed"}),
    "warnings": honest(
        {
            "double": "import sys, warnings\ndef double(values):\n    warnings.warn('old')\n"
            "    print('E external/local_xla: cuda', file=sys.stderr)\n"
            "    return [2 * v for v in values]",
            "mean": "import os\nos.write(2, b'a C library warns\\n')\nmean = 4.5",
        }
    ),
    "slow": honest({"mean": "import time\ntime.sleep(3)\nmean = 4.5"}),
    "unusual_values": honest(
        {
            "mean": "import numpy as np\nmean = np.float32(4.5)",
            "double": "import functools\ndef _times(factor, values):\n"
            "    return [factor * v for v in values]\ndouble = functools.partial(_times, 2)",
            "scale": "class Scaler:\n    def __call__(self, x):\n"
            "        return np.subtract(x, x.min()) / np.ptp(x)\nscale = Scaler()",
            "facts": "from collections import defaultdict\nfacts = defaultdict(list)\n"
            "facts['layers'] += [1, 2, 3]\nfacts['name'] = 'relu'",
            "share": "from fractions import Fraction\nshare = float(Fraction(1, 2))",
        }
    ),
    "lambda_and_method": honest(
        {
            "double": "double = lambda values: list(map((2).__mul__, values))",
            "scale": "class Tools:\n    @staticmethod\n"
            "    def scale(x): return (x - min(x)) / (max(x) - min(x))\nscale = Tools.scale",
        }
    ),
    "asynchronous_cell": honest(
        {"mean": "import asyncio\nawait asyncio.sleep(0.01)\nmean = await asyncio.sleep(0, 4.5)"}
    ),
    "magics_and_pictures": honest(
        {
            "mean": "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
            "plt.show()\nfiles = !ls\n%time mean = 4.5"
        }
    ),
    "cells_out_of_order": changed(_shuffled, RIGHT, FULL),
    "answer_copied_and_mended": changed(_copied_answer, RIGHT, FULL),
    "answer_made_text": changed(_answer_made_text, RIGHT, FULL, odd="the kind of the cell"),
    "helpers_edited": changed(_helpers_edited, RIGHT, FULL, odd='"helpers" was changed'),
    "error_in_a_cell_of_its_own": honest({"extra": "1 / 0"}),
    "answer_that_does_not_parse": honest({"double": "def double(values:\n  return"}, FULL - 2),
    "uses_an_earlier_answer": honest({"share": "share = double([mean])[0] / 18"}),
    "module_of_its_own": honest(
        {"mean": "open('mine.py', 'w').write('value = 4.5')\nfrom mine import value as mean"}
    ),
}
