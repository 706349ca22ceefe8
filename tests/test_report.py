"""The page of a run."""

import pytest

from cifarlib.runner import report


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (8.34, "8.3 s"), (725, "12 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations(seconds, text):
    assert report.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (62006, "62,006"), (0.56784, "0.5678"), (1.0, "1.0000"), ("x", "x")],
)
def test_figures(value, text):
    assert report.formatted(value) == text


def test_page_survives_odd_records(tmp_path):
    folder = tmp_path / "records" / "01_odd"
    folder.mkdir(parents=True)
    rows = ['{"id": "R0.1", "metrics": {}, "data": {"provenance": {"source": "folder"}}}']
    rows += ["[1]", '{"id": "R0', '{"id": "<b>", "metrics": {"a": 1}, "data": null}']
    (folder / "results.jsonl").write_text("\n".join(rows))
    environment = {"python": "3", "platform": "", "cpu": "", "cores": 1, "memory_gb": 1}
    environment |= {"gpus": [], "backend": "", "versions": {}, "settings": {}, "git": None}
    entry = {"slug": "01_odd", "state": "ok", "seconds": 1, "failure": None}
    manifest = {"notebooks": [entry | {"expected_minutes": None}], "environment": environment}
    manifest |= {"state": "ok", "profile": "quick", "seed": 0, "mirror": None, "seconds": 1}
    report.write(tmp_path, manifest | {"started": "2026-01-01T00:00:00+00:00"})
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;" in page
    assert "stand-in" not in page
