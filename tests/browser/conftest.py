"""A real Chromium, and a JupyterLab as `make lab` starts it, on a copy of the course."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` is not installed: pip install -e .[browser]"
)

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LAB_START_SECONDS = 90
NEWS = "@jupyterlab/apputils-extension:announcements"


def executable(playwright) -> str | None:
    """Return the browser of this machine, or Playwright's own, or None."""
    found = [path for path in map(shutil.which, NAMES) if path]
    own = playwright.chromium.executable_path
    return next(iter(found), own if Path(own).exists() else None)


@pytest.fixture(scope="session")
def chromium():
    with sync_api.sync_playwright() as playwright:
        path = executable(playwright)
        if path is None:
            pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
        # Without a sandbox of its own, since CI often runs as root; only our own pages are opened.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def shot():
    """Return a function that keeps a screenshot of a page under a name."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def keep(page, name, **options):
        page.screenshot(path=SHOTS / f"{name}.png", **options)

    return keep


class Lab(NamedTuple):
    """The course's folder, the server's address without a slash, and what lets one in."""

    course: Path
    address: str
    token: str


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab on a copy of notebooks and exercises."""
    home = tmp_path_factory.mktemp("home")
    course = tmp_path_factory.mktemp("course")
    for name in ("notebooks", "exercises"):
        shutil.copytree(ROOT / name, course / name)
    port, token = free_port(), secrets.token_hex(16)
    log = (home / "lab.log").open("w")
    command = [*make_lab(), "--no-browser", "--allow-root", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    server = subprocess.Popen(
        command, cwd=course, env=environment(home), stdout=log, stderr=subprocess.STDOUT
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, home / "lab.log")
        yield Lab(course, f"http://127.0.0.1:{port}", token)
    finally:
        server.terminate()
        server.wait(30)


def make_lab() -> list[str]:
    """Return the command of `make lab`, with this interpreter."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^lab:.*\n\t\$\(BIN\)/jupyter (.*)$", makefile, re.MULTILINE)
    return [sys.executable, "-m", "jupyter", *shlex.split(line)]


def environment(home: Path) -> dict[str, str]:
    """A student's environment: an empty home, no data, nothing that makes the course quiet."""
    dropped = ("CIFARLIB_", "JUPYTER", "IPYTHON", "TF_", "KERAS_", "XDG_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    # All cells stay in the page, also those that are out of sight, so that they can be looked at.
    settings = home / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    # As the Makefile sets it in .venv: nobody is asked about news, which come from a network.
    config = home / ".jupyter" / "labconfig"
    config.mkdir(parents=True)
    (config / "page_config.json").write_text(f'{{"disabledExtensions": {{"{NEWS}": true}}}}')
    return kept | {
        "HOME": str(home),
        "KERAS_HOME": str(home / "keras"),
        "CIFARLIB_PROFILE": "smoke",
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + LAB_START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise AssertionError("JupyterLab did not start:\n" + log.read_text()[-2000:])
