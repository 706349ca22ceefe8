"""Results beside claims, bands and the run before, and the curves of their trainings."""

import json
import xml.etree.ElementTree as ET

import pytest

from cifarlib import ledger
from cifarlib.runner.result_rows import result_rows, summary
from cifarlib.runner.sparklines import curves

ROW = {"id": "R0.4", "variant": "report", "seed": 0, "profile": "quick"}


@pytest.fixture
def compared(tmp_path):
    """Return a way to compare one result, and one of the run before."""

    def compare(metrics, before=None, **facts):
        for name, found in (("results", metrics), ("previous", before)):
            if found is not None:
                row = ROW | facts | {"metrics": found}
                (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n")
        (row,) = result_rows(tmp_path, {"slug": "03_cifar10_cnn", "profile": "quick"})
        return row

    return compare


def test_a_figure_stands_beside_its_claim_and_its_band(compared):
    band = ledger.band("R0.4", "test_accuracy")
    row = compared({"test_accuracy": band.mean, "seconds": 3})
    assert (row["label"], row["claimed"], row["verdict"]) == (
        "test accuracy",
        "56.5 %",
        "as recorded",
    )
    assert row["recorded"].endswith(f"({len(band.values)})")
    assert compared({"test_accuracy": 0.1})["verdict"] == "unexpected"
    assert summary([row, row | {"verdict": "unexpected"}])["verdict"] == "1 of 2 as recorded"


def test_the_course_s_own_network_is_compared_too(compared):
    band = ledger.band("C.1", "test_accuracy", "two-epochs")
    row = compared({"test_accuracy": band.mean}, id="C.1", variant="two-epochs")
    assert (row["claimed"], row["verdict"]) == ("", "as recorded")


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"profile": "smoke"}, "stand-in data: not compared"),
        ({"variant": "my own"}, "nothing recorded yet"),
        ({"id": "R9.9"}, "nothing recorded yet"),
    ],
)
def test_what_cannot_be_compared_is_not(compared, facts, verdict):
    assert compared({"test_accuracy": 0.1}, **facts)["verdict"] == verdict


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        ({"test_accuracy": 0.57}, None, "first run"),
        ({"test_accuracy": 0.57, "seconds": 9}, {"test_accuracy": 0.57, "seconds": 3}, "same"),
        ({"test_accuracy": 0.57}, {"test_accuracy": 0.583}, "-1.3 points"),
        (
            {"test_accuracy": 0.57, "test_loss": 1},
            {"test_accuracy": 0.57},
            "1 other figure changed",
        ),
        ({"parameters": 12}, {"parameters": 10}, "+2"),
    ],
)
def test_change(compared, now, before, said):
    row = compared(now, before)
    assert row["change"] == said
    expected = {"same": "same", "first run": "first run"}.get(said, "1 changed")
    assert summary([row])["change"] == expected


def test_curves_are_drawings_with_a_description():
    history = {"accuracy": [0.1, 0.5, 0.6], "val_accuracy": [0.2, 0.4, float("nan")], "loss": [2.0]}
    accuracy, loss = map(ET.fromstring, curves(ROW | {"training": {"history": history}}))
    assert accuracy.get("aria-label") == (
        "R0.4, report, seed 0: accuracy over 3 epochs. training ends at 0.600; "
        "validation ends at 0.400."
    )
    lines = {line.get("class"): line.get("points").split() for line in accuracy.iter("polyline")}
    assert {kind: len(points) for kind, points in lines.items()} == {"training": 3, "validation": 2}
    heights = [float(point.split(",")[1]) for point in lines["training"]]
    assert heights == sorted(heights, reverse=True)  # rising accuracy goes up the page
    assert len(list(loss.iter("circle"))) == 1  # one epoch is a dot


@pytest.mark.parametrize("training", [None, {}, {"history": {}}, {"history": {"loss": []}}])
def test_no_training_no_curves(training):
    assert curves(ROW | {"training": training}) == []


def test_names_in_curves_are_text():
    (drawing,) = curves(ROW | {"id": '"><b>', "training": {"history": {"loss": [1.0, 2.0]}}})
    assert "<b>" not in drawing
    ET.fromstring(drawing)
