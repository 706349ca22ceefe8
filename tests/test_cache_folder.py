"""The cache folder: where users have had it, on each system."""

from __future__ import annotations

from pathlib import Path

import platformdirs.macos
import pytest

from cifarlib._support.environment import checkout, environment
from cifarlib._support.folders import cache_folder


def test_the_argument_wins_then_the_variable_then_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("CIFARLIB_CACHE", str(tmp_path / "named"))
    assert cache_folder(tmp_path) == tmp_path
    assert cache_folder() == tmp_path / "named"
    monkeypatch.setenv("CIFARLIB_CACHE", "~/here")
    assert cache_folder() == Path.home() / "here"


@pytest.mark.skipif(platformdirs.PlatformDirs.__name__ != "Unix", reason="Linux's rule")
def test_linux(monkeypatch, tmp_path):
    monkeypatch.delenv("CIFARLIB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "cifarlib"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "cifarlib"


def test_macos(monkeypatch):
    monkeypatch.delenv("CIFARLIB_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.macos.MacOS)
    assert cache_folder() == Path.home() / "Library" / "Caches" / "cifarlib"


def test_windows(monkeypatch, tmp_path):
    windows = pytest.importorskip("platformdirs.windows")
    monkeypatch.delenv("CIFARLIB_CACHE", raising=False)
    monkeypatch.setattr(platformdirs, "PlatformDirs", windows.Windows)
    monkeypatch.setattr(windows, "get_win_folder", lambda name: str(tmp_path / "Local"))
    assert cache_folder() == tmp_path / "Local" / "cifarlib"


def test_the_checkout_is_found_wherever_the_module_lies():
    assert checkout() == Path(__file__).parents[1]
    assert set(environment()["git"] or {"commit": 0, "dirty": 0}) == {"commit", "dirty"}
