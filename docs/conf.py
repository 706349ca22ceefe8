"""Settings of the course page: `make book` builds it with Sphinx and MyST-NB.

The source folder is the repository's root, so that links between notebooks, exercises and
guides are the same in the repository and on the page.
"""

import os
import sys
import tomllib
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the library page loads Keras
ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(Path(__file__).parent))

from launch import address  # noqa: E402

_project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = _project["name"]
version = release = _project["version"]
author = f"the authors of {project}"
extensions = [
    "book",
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]

root_doc = "README"
include_patterns = [
    "README.md",
    "docs/*.md",
    "cifarlib/grader/SECURITY.md",
    "benchmarks/README.md",
    "notebooks/[0-9][0-9]_*.ipynb",
    "exercises/*/*.ipynb",
]
exclude_patterns = ["docs/contents.md", ".*", "runs", "build", "solutions", "tests"]
exclude_patterns += ["**/.ipynb_checkpoints"]

# The outputs are those that are committed: nothing is run here.
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_title = project
html_theme = "sphinx_book_theme"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_extra_path = ["front"]  # index.html: leads on to the first page
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"
html_theme_options = {
    "show_navbar_depth": 1,
    "navbar_persistent": [],  # the search field stands in the side bar
    "use_download_button": False,
    "use_fullscreen_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

# The one place for the project's public address is [project.urls] in pyproject.toml. With it,
# notebooks get buttons that open them in Colab and Binder, on the branch that book.yml makes.
if address():
    html_theme_options |= {
        "repository_url": address(),
        "repository_branch": "launch",
        "use_repository_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        },
    }

copybutton_exclude = ".linenos, .gp, .go"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"


def without_tables(app, what, name, obj, options, lines):
    """Leave the table of a room's modules to those who read the code."""
    if what == "module":
        lines[:] = [line for line in lines if not line.startswith("|")]


def setup(app):
    app.connect("autodoc-process-docstring", without_tables)
