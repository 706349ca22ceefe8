"""Bars that count: shown where somebody is watching, and not with CIFARLIB_QUIET=1."""

import pytest

from cifarlib._support import progress


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("cifarlib._support.progress.PATIENCE", 0)


def test_each_item_is_counted_when_it_is_done(monkeypatch, capsys):
    monkeypatch.delenv("CIFARLIB_QUIET", raising=False)
    assert list(progress.each("abc", "checking", "item")) == ["a", "b", "c"]
    assert "checking" in capsys.readouterr().err


def test_quiet_when_asked(monkeypatch, capsys):
    monkeypatch.setenv("CIFARLIB_QUIET", "1")
    assert list(progress.each("abc", "checking", "item")) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
