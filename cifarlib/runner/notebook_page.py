"""The page of an executed notebook: what nbconvert makes of it with the course's own template.

A page decides nothing about a result, so a change here or in `templates/` draws pages anew and
executes no notebook.
"""

from __future__ import annotations

import re
from pathlib import Path

from cifarlib._support.digests import tree_digest
from cifarlib._support.files import write_atomic

TEMPLATES = Path(__file__).parent / "templates"
NOTEBOOK_LINK = re.compile(r'href="(\d\d_\w+)\.ipynb"')


def write_page(folder: Path, slug: str) -> None:
    """Write `slug.html` beside the executed notebook in `folder`."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="course", extra_template_basedirs=[str(TEMPLATES)], embed_images=True
    )
    names = {"metadata": {"name": slug, "path": str(folder)}}
    html, _ = exporter.from_filename(str(folder / f"{slug}.ipynb"), resources=names)
    write_atomic(folder / f"{slug}.html", NOTEBOOK_LINK.sub(r'href="../\1/\1.html"', html))


def page_digest() -> str:
    """Return one digest over all that decides how a page looks, besides the notebook itself."""
    root = Path(__file__).parent
    files = [path for path in TEMPLATES.rglob("*") if path.is_file()]
    return tree_digest([*files, root / "notebook_page.py", root / "mathml.py"], root)
