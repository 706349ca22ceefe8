"""The project's own files tell one story."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())


def pins():
    """Every pinned version of every package in the lock, with its environment marker."""
    found = {}
    for line in LOCK.splitlines():
        if re.match(r"[a-zA-Z0-9]", line):
            pin = Requirement(line.rstrip(" \\"))
            (spec,) = pin.specifier
            assert spec.operator == "==", line
            found.setdefault(pin.name.lower().replace("_", "-"), []).append(
                (spec.version, pin.marker)
            )
    return found


def wanted():
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(r) for r in [*PROJECT["dependencies"], *(r for e in extras for r in e)]]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_lock_satisfies_pyproject(requirement):
    versions = pins()[requirement.name.lower()]
    assert all(version in requirement.specifier for version, _ in versions)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_every_python_has_one_pin_a_package(python):
    assert Version(python) in SpecifierSet(PROJECT["requires-python"])
    place = {"python_version": python, "python_full_version": f"{python}.0"}
    for system in [
        {"sys_platform": "linux"},
        {"sys_platform": "darwin", "platform_machine": "arm64"},
    ]:
        for name, versions in pins().items():
            apply = [
                v for v, marker in versions if marker is None or marker.evaluate(place | system)
            ]
            assert len(apply) <= 1, name
        assert any(m is None or m.evaluate(place | system) for _, m in pins()["tensorflow"])


def test_every_pin_has_hashes_and_no_address():
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", LOCK)
    assert len(blocks) > 100
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"https?://|file:|--index|--find-links", LOCK)


def test_conda_environment_installs_this_package_on_the_same_pythons():
    python, pip, packages = CONDA["dependencies"]
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])
    assert pip == "pip"
    assert packages == {"pip": [f"-e .[{','.join(PROJECT['optional-dependencies'])}]"]}
    assert CONDA["name"] == PROJECT["name"]


def test_versions_agree():
    import cifarlib

    assert cifarlib.__version__ == PROJECT["version"]


def test_ci_runs_the_two_commands_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text()
    readme = (ROOT / "README.md").read_text()
    for command in ("make run", "make test"):
        assert re.search(rf"^{command}( NOTEBOOKS=.*)?$", script, re.MULTILINE)
        assert command in readme
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert any(step.get("run") == "bash .ci/run" for step in workflow["jobs"]["course"]["steps"])


@pytest.mark.parametrize(
    ("file", "job", "tests"), [("ci", "course", "bash .ci/run"), ("slow", "slow", "make slow")]
)
def test_workflows_have_a_jail_when_they_test(file, job, tests):
    workflow = yaml.safe_load((ROOT / f".github/workflows/{file}.yml").read_text())
    words = [step.get("run", "") for step in workflow["jobs"][job]["steps"]]
    (jail,) = [n for n, text in enumerate(words) if "install --yes bubblewrap" in text]
    assert jail < words.index(tests)


@pytest.mark.process
@pytest.mark.parametrize("skip", ["", "1"])
def test_ci_without_a_jail_says_what_to_type_or_is_told_that_none_is_needed(tmp_path, skip):
    """A machine without bubblewrap, on which one is not root; its `make` only says what it did."""
    programs = {"id": "echo 1000", "make": 'echo "make $*"'}
    for name, does in programs.items():
        (tmp_path / name).write_text(f"#!{shutil.which('bash')}\n{does}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "dirname").symlink_to(shutil.which("dirname"))
    done = subprocess.run(
        [shutil.which("bash"), str(ROOT / ".ci" / "run")],
        env=os.environ | {"PATH": str(tmp_path), "CIFARLIB_SKIP_JAILS": skip},
        capture_output=True,
        text=True,
    )
    if skip:
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "make test"
    else:
        assert (done.returncode, done.stdout) == (1, "")
        assert "sudo apt-get install bubblewrap" in done.stderr


def test_top_level_holds_only_what_is_planned():
    planned = """
        notebooks cifarlib exercises solutions tests benchmarks environment.yml README.md LICENSE
        pyproject.toml Makefile requirements.lock CONTRIBUTING.md nbgrader_config.py docs
        budget.toml findings
    """
    ignored = ("runs", "gradebook.db", "dist", "build")
    extra = [
        p.name
        for p in ROOT.iterdir()
        if p.name[0] != "." and p.name not in (*planned.split(), *ignored)
    ]
    assert not [name for name in extra if not name.endswith(".egg-info")]
