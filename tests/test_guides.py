"""Every command in the README and the guides exists, and would be understood as it stands."""

import itertools
import json
import re
import shlex
from base64 import b64decode
from pathlib import Path

import pytest

from cifarlib.cli import _parser
from cifarlib.ledger import prose

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += [ROOT / "cifarlib/grader/SECURITY.md"]
# What is none of ours: tried by hand, and named here so that a new one is thought about.
OTHERS = {
    *("apt install", "conda env", "docker build", "docker run", "nbgrader export"),
    *("export CIFARLIB_MIRROR", "sysctl kernel.apparmor_restrict_unprivileged_userns"),
    *(".venv/bin/python -m", "git clone", "pip install", "cd cifarlib", "rm .venv/.ready"),
}
FENCED = re.compile(r"^( *)```(\S*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^    (\w.*)", re.MULTILINE)
STANDS_FOR = {"NN": "03", "…": "runs", "ID": "R0.4", "DIR": "runs", "FILE": "README.md"}


def commands(path):
    """Return the commands of a page: of its blocks without a language, and in backticks."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = []
    for _, language, body in FENCED.findall(text):
        if language == "":
            lines += body.splitlines()
    text = FENCED.sub("", text)
    if path.name == "SECURITY.md":
        lines += INDENTED.findall(text)
    spans = re.findall(r"`([^`]+)`", text)
    first = {"make", "cifarlib", ".venv/bin/cifarlib", ".venv/bin/python", "apt", "conda"}
    lines += [" ".join(span.split()) for span in spans if span.split()[0] in first]
    stripped = [re.sub(r"\s+#.*", "", line).strip() for line in lines]
    return [line for line in stripped if line and " " in line]


ALL = [
    pytest.param(path, line, id=f"{path.name}: {line}")
    for path in PAGES
    for line in dict.fromkeys(commands(path))
]


def targets():
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def understood(words):
    """Say whether `cifarlib` takes these words; a command may be named alone, as `grade`."""
    choices = _parser()._subparsers._group_actions[0].choices
    if words[0] not in choices or len(words) == 1:
        return words[0] in choices
    try:
        _parser().parse_args(words)
    except SystemExit as end:
        return end.code == 0  # --help
    return True


@pytest.mark.parametrize(("path", "line"), ALL)
def test_command_is_understood(path, line):
    for word, example in STANDS_FOR.items():
        line = re.sub(rf"(?<![A-Z]){word}(?![A-Z])", example, line)
    name, *rest = shlex.split(line)
    if name == "make":
        asked = {word for word in rest if "=" not in word}
        assert asked
        assert asked <= targets()
    elif name.removeprefix(".venv/bin/") == "cifarlib":
        assert understood(rest), f"{path.name}: {line!r}"
    else:
        assert any(line.startswith(other) for other in OTHERS), f"{path.name}: {line!r}"


def test_commands_are_found():
    """The test above would pass on pages in which it sees nothing."""
    seen = [parameter.values[1] for parameter in ALL]
    assert len(seen) > 30
    assert "make run" in " ".join(seen)
    assert any(line.startswith("docker run") for line in seen)
    assert any("--dry-run" in line for line in seen)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_files_that_a_page_names_exist(path):
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#]+)", text):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target
    for folder in ("notebooks", "cifarlib", "tests", "docs", "benchmarks", "solutions"):
        for named in re.findall(rf"`({folder}/[\w./-]+)`", text):
            example = re.search("slug|NN", named) or named.endswith("/")
            assert example or (ROOT / named).exists(), named


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_figures_in_guides_are_the_ledgers(path):
    assert prose.check(path) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_headings_step_down_one_at_a_time(path):
    if path.name == "contents.md":
        return
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_picture_of_the_readme_is_a_committed_output():
    """When notebook 03 is measured again, the picture is copied again."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    ((alt, picture, notebook),) = re.findall(
        r"!\[(.*?)\]\((.*?)\)\n\n\*From \[.*?\]\((.*?)\)", text, re.DOTALL
    )
    outputs = [
        o for c in json.loads((ROOT / notebook).read_text())["cells"] for o in c.get("outputs", [])
    ]
    pictures = [
        b64decode(o["data"]["image/png"]) for o in outputs if "image/png" in o.get("data", {})
    ]
    assert (ROOT / picture).read_bytes() in pictures
    assert len(alt) > 20
