import json

import pytest

from cifarlib import ledger
from cifarlib.ledger import result_store
from cifarlib.plots import ledger_plots


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Three runs of R0.4, a shortened one of R0.10, and nothing else."""
    rows = [("R0.4", "report", s, {"test_accuracy": 0.50 + s / 100}) for s in range(3)]
    rows += [("R0.10", "short", 0, {"test_accuracy": 0.11})]
    path = tmp_path / "results.jsonl"
    names = ("id", "variant", "seed", "metrics")
    common = {"profile": "full", "backend": "tensorflow", "training": None, "data": None}
    lines = [json.dumps(common | dict(zip(names, row, strict=True))) + "\n" for row in rows]
    path.write_text("".join(lines))
    monkeypatch.setattr(result_store, "RESULTS", path)


def points(axis, marker):
    lines = [line for line in axis.lines if line.get_marker() == marker and len(line.get_xdata())]
    return [(float(x), float(y)) for line in lines for x, y in line.get_xydata()]


def test_claims_shows_claim_runs_interval_and_shortened(recorded):
    figure = ledger_plots.claims("R0")
    (axis,) = figure.axes
    labels = [label.get_text() for label in axis.get_yticklabels()]
    row = labels.index("R0.4  test")
    assert (0.565, row - 0.22) in points(axis, "X")
    assert [x for x, y in points(axis, "o")] == [0.50, 0.51, 0.52]
    (low, _), (high, _) = points(axis, "|")
    assert (low, high) == pytest.approx(ledger.band("R0.4", "test_accuracy").interval)
    assert [x for x, _ in points(axis, "D")] == [0.11]
    alt = figure.get_gid()
    assert "R0.4: 56.5 % claimed, 3 runs gave 50.0 to 52.0 %;" in alt
    assert "R0.10: 10.0 % claimed, shortened 11.0 %, not measured" in alt
    assert "R0.2" not in alt


def test_accuracy_against_parameters_joins_claim_and_measurement(recorded):
    figure = ledger_plots.accuracy_against("parameters", ["R0.4", "R0.9", "R0.10"])
    (axis,) = figure.axes
    assert points(axis, "o") == [(122570, 0.565), (122570, pytest.approx(0.51))]
    assert points(axis, "s") == [(14748170, 0.5576)]
    assert points(axis, "^") == [(14748170, 0.1)]
    assert sorted(text.get_text() for text in axis.texts) == ["R0.10", "R0.4", "R0.9"]
    assert "R0.4 claimed 0.56 at 1.23e+05 and measured 0.51" in figure.get_gid()
    assert axis.get_xscale() == "log"


def test_accuracy_against_minutes_leaves_out_what_has_no_time(recorded):
    (axis,) = ledger_plots.accuracy_against("minutes", ["R0.4", "R1.4"]).axes
    assert points(axis, "o") == [(3.0, 0.7812)]


def test_names_do_not_cover_each_other(recorded):
    ids = ["R0.9", "R4.5", "R1.2", "R1.3", "R1.4"]
    figure = ledger_plots.accuracy_against("parameters", ids)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == len(ids)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_stacked_parts_differ_without_colour():
    figure = ledger_plots.stacked({"one": {"a": 2, "b": 1}, "two": {"a": 0, "b": 3}}, label="n")
    (axis,) = figure.axes
    first, second = axis.containers
    assert [bar.get_width() for bar in first] == [2, 0]
    assert [bar.get_x() for bar in second] == [2, 0]
    assert first[0].get_hatch() != second[0].get_hatch()
    assert figure.get_gid() == "Bars of n. one: 2 a, 1 b; two: 3 b."
