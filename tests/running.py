"""What the tests of `cifarlib run` share: tiny notebooks, and a way to run them."""

import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cifarlib.runner.plan import plan
from cifarlib.runner.run import run

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")

NOTE = "This copy is not bit-exact."
RECORD = f"""
import json, os
from pathlib import Path
origin = {{"dataset": "cifar10", "source": "mirror", "digest": "ab12", "exact": False,
           "note": "{NOTE}"}}
row = {{"id": "R0.4", "variant": "report", "profile": PROFILE, "seed": SEED,
       "backend": "tensorflow", "metrics": {{"test_accuracy": 0.5678}},
       "data": {{"provenance": origin}}}}
Path(os.environ["CIFARLIB_RECORDS"], "results.jsonl").write_text(json.dumps(row) + "\\n")
"""


def make(folder: Path, name: str, *sources: str, link: str = "") -> Path:
    """Write a notebook: a title, the parameters, then a code cell for each source."""
    parameters = new_code_cell('PROFILE = "auto"\nSEED = 0', metadata={"tags": ["parameters"]})
    cells = [
        new_markdown_cell(f"# {name}\n\n[next]({link})"),
        parameters,
        *map(new_code_cell, sources),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def read_json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def go(paths, out, seed=0, **options) -> int:
    return run(plan([str(p) for p in paths], profile="smoke", seeds=[seed], out=out, **options))


def printed(out: Path, slug: str) -> str:
    cells = nbformat.read(out / slug / f"{slug}.ipynb", as_version=4).cells
    return "".join(o.get("text", "") for c in cells if c.cell_type == "code" for o in c.outputs)
