"""The course page: built without a network from what is committed, whole, and without answers."""

import html
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cifarlib.checks import tasks
from cifarlib.runner.mathml import mathml, with_mathml

pytest.importorskip("myst_nb", reason="the extra `book` is not installed")

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(p.stem for p in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PARTS = ["README.md", "LICENSE", "docs", "notebooks", "exercises"]
PARTS += ["cifarlib/grader/SECURITY.md", "benchmarks/README.md"]
DEAF = """
import socket, sys
def refuse(*_):
    raise OSError("this build must not reach the network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from sphinx.cmd.build import main
sys.exit(main(sys.argv[1:]))
"""


def build(root, out):
    """Build with warnings as errors, in a process that cannot reach the network."""
    options = ["-q", "-W", "--keep-going", "-b", "html", "-c", str(root / "docs")]
    done = subprocess.run(
        [sys.executable, "-c", DEAF, *options, str(root), str(out)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return out


def copy_of_the_course(folder):
    """Copy what the page is built from; the copy names no public address."""
    for name in PARTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    settings = re.sub(r"^\[project\.urls\]\n(?:\w.*\n)*", "", settings, flags=re.MULTILINE)
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    return folder


def name_address(root):
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[project.urls]\nRepository = "https://github.com/some/course"\n')


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The page of a copy of the course that has a public address."""
    course = copy_of_the_course(tmp_path_factory.mktemp("course"))
    name_address(course)
    return build(course, course / "build" / "book")


def words(text):
    return " ".join(text.split())


def page(book, name):
    return (book / f"{name}.html").read_text(encoding="utf-8")


@pytest.mark.process
def test_every_notebook_and_exercise_has_a_page_that_the_navigation_lists(book):
    front = page(book, "README")
    for name in NOTEBOOKS:
        assert (book / f"notebooks/{name}.html").is_file()
        assert f'href="notebooks/{name}.html"' in front
    listed = page(book, "docs/exercises")
    for slug in tasks.slugs():
        assert (book / f"exercises/{slug}/{slug}.html").is_file()
        points = sum(task.points for task in tasks.assignment(slug[:2]).tasks.values())
        row = re.search(rf'<tr class="row-\w+"><td><p><a[^>]*{slug}\.html.*?</tr>', listed, re.S)
        assert f"<p>{points}</p>" in row[0]


@pytest.mark.process
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_are_those_that_are_committed(book, name):
    made = page(book, f"notebooks/{name}")
    cells = nbformat.read(ROOT / f"notebooks/{name}.ipynb", as_version=4).cells
    outputs = [o for c in cells if c.cell_type == "code" for o in c.outputs]
    alts = [
        words(o.metadata["image/png"]["alt"]) for o in outputs if "image/png" in o.get("data", {})
    ]
    shown = [
        words(html.unescape(alt))
        for alt in re.findall(r'<img alt="([^"]*)" src="[./]*_images', made)
    ]
    assert shown == alts


@pytest.mark.process
def test_previous_next_search_and_copy_buttons(book):
    middle = page(book, f"notebooks/{NOTEBOOKS[1]}")
    assert f'class="left-prev"\n       href="{NOTEBOOKS[0]}.html"' in middle
    assert f'class="right-next"\n       href="{NOTEBOOKS[2]}.html"' in middle
    assert "copybutton.js" in middle
    assert '"vgg16"' in (book / "searchindex.js").read_text(encoding="utf-8")


@pytest.mark.process
def test_formulas_are_drawn_without_a_script(book):
    made = page(book, "notebooks/08_vgg16_unfrozen")
    assert made.count("<math") > 10
    assert "<mfrac>" in made
    assert not re.search(r"<script[^>]*mathjax", made, re.IGNORECASE)


@pytest.mark.process
def test_nothing_comes_from_elsewhere(book):
    """Links may lead out; scripts, styles, fonts and pictures may not."""
    for path in book.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|img|iframe|link)[^>]*(?:src|href)="(?:https?:)?//', text)
        assert 'href="https://fonts' not in text
    for path in book.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", path.read_text(encoding="utf-8"))


@pytest.mark.process
def test_no_answer_is_on_the_page(book):
    assert not list(book.rglob("*solution*"))
    everything = "\n".join(
        path.read_text(encoding="utf-8", errors="ignore")
        for path in book.rglob("*")
        if path.suffix in (".html", ".ipynb", ".txt", ".js", ".md")
    )
    assert "BEGIN SOLUTION" not in everything.replace(page(book, "docs/contributor"), "")
    region = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)\n### END", re.DOTALL)
    seen = 0
    for path in (ROOT / "solutions").glob("*/*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for answer in region.findall(cell.source):
                seen += 1
                assert answer not in everything
    assert seen > 50


def launch(root):
    return subprocess.run(
        [sys.executable, str(root / "docs" / "launch.py")], capture_output=True, text=True
    )


@pytest.mark.process
def test_colab_and_binder_open_a_notebook(book):
    place = f"notebooks/{NOTEBOOKS[1]}.ipynb"
    made = page(book, place.removesuffix(".ipynb"))
    assert f"https://colab.research.google.com/github/some/course/blob/launch/{place}" in made
    assert f"https://mybinder.org/v2/gh/some/course/launch?urlpath=lab/tree/{place}" in made


def test_without_an_address_there_are_no_such_buttons(tmp_path):
    course = copy_of_the_course(tmp_path)
    settings = runpy.run_path(str(course / "docs" / "conf.py"))
    assert "launch_buttons" not in settings["html_theme_options"]
    assert settings["html_theme_options"].get("repository_url") is None


@pytest.mark.process
def test_launch_puts_one_set_up_cell_into_each_notebook(tmp_path):
    small = copy_of_the_course(tmp_path)
    paths = [*small.glob("notebooks/*.ipynb"), *small.glob("exercises/*/*.ipynb")]
    refused = launch(small)
    assert refused.returncode == 1
    assert "Repository = " in refused.stderr
    name_address(small)
    assert launch(small).stdout.startswith(f"{len(paths)} notebooks")
    assert launch(small).stdout.startswith("0 notebooks")
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        first = next(c.source for c in notebook.cells if c.cell_type == "code")
        assert '%pip install --quiet "cifarlib @ git+https://github.com/some/course"' in first


def test_mathml():
    assert mathml("a^2") == (
        '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">'
        "<mrow><msup><mi>a</mi><mn>2</mn></msup></mrow></math>"
    )
    assert 'display="block"' in mathml("a", block=True)
    assert "<mtext>,</mtext>" in mathml("32{,}832")


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("so $a$ and $b^2$.", 2),
        ("$$\na = b\n$$", 1),
        ("`cost $5` and `$x$`", 0),
        ("```\n$HOME and $PATH\n```", 0),
        ("from $5 to $6", 0),
        (r"\$a$", 0),
    ],
)
def test_only_formulas_become_mathml(text, formulas):
    assert with_mathml(text).count("<math") == formulas


def test_pages_of_runs_need_no_network():
    from nbconvert import HTMLExporter

    from cifarlib.runner import worker

    templates = str(Path(worker.__file__).parent / "templates")
    exporter = HTMLExporter(template_name="course", extra_template_basedirs=[templates])
    made, _ = exporter.from_filename(str(ROOT / "notebooks/08_vgg16_unfrozen.ipynb"))
    assert not re.search(r'<(?:script|img|link)[^>]*(?:src|href)="(?:https?:)?//', made)
    assert "<mfrac>" in made
    assert "cdnjs" not in made
