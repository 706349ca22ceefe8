import json
import re

import pytest
from results import result

from cifarlib import CourseError, ledger, profile
from cifarlib._support.files import write_atomic
from cifarlib.ledger import comparison, merging, prose, result_store


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A ledger with five seeds of R0.4's recipe, three of its repair, and a smoke result."""
    rows = [result(seed=s, test_accuracy=v) for s, v in enumerate([0.55, 0.56, 0.57, 0.58, 0.59])]
    rows += [
        result(seed=s, variant="all-data", test_accuracy=v)
        for s, v in enumerate([0.64, 0.65, 0.66])
    ]
    rows += [result(seed=9, profile="smoke", test_accuracy=0.1)]
    rows += [result("R0.1", test_accuracy=0.98)]
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    monkeypatch.setattr(result_store, "RESULTS", path)
    monkeypatch.setattr(result_store, "_session", [])
    return path


def test_claims():
    assert ledger.claim("R0.4", "parameters") == 122570
    assert ledger.claim("R0.4", "test_accuracy") == 0.565
    assert len(ledger.systems()) == 50
    with pytest.raises(CourseError, match=r"system 'R9\.9'.*R0\.1"):
        ledger.system("R9.9")
    with pytest.raises(CourseError, match=r"no 'roc_auc'.*parameters"):
        ledger.claim("R0.4", "roc_auc")


def test_band_leaves_smoke_out(recorded):
    band = ledger.band("R0.4", "test_accuracy")
    assert band.values == (0.55, 0.56, 0.57, 0.58, 0.59)
    assert (band.low, band.high, band.profile, band.exact) == (0.55, 0.59, "quick", False)
    assert band.mean == pytest.approx(0.57)
    assert ledger.band("R0.4", "roc_auc") is None
    assert ledger.band("R1.2", "test_accuracy") is None


def test_prediction_interval_by_hand(recorded):
    # standard deviation 0.0158, times sqrt(1 + 1/5), times t(0.975, 4) = 2.776: 0.048
    band = ledger.band("R0.4", "test_accuracy")
    assert band.in_prediction_interval(0.617)
    assert not band.in_prediction_interval(0.619)


def test_states(recorded):
    assert ledger.state("R0.4") == "reproduced"
    assert ledger.state("R1.2") == "not measured"
    assert ledger.state("R1.1") == "not measured"
    write_atomic(recorded, recorded.read_text().replace("0.5", "0.3"))  # another file, as `merge`
    assert ledger.state("R0.4") == "not reproduced"


def test_states_of_figures_and_counts(recorded):
    rows = [result("R0.3"), result("R1.4", "counted", parameters=1084234)]
    rows += [result("R0.2", parameters=320), result("R0.5", parameters=895)]
    recorded.write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert ledger.state("R0.3") == "shown"
    recorded.write_text(recorded.read_text() + json.dumps(result("R0.6c", test_accuracy=0.6)))
    assert ledger.state("R0.6c") == "measured once"
    assert ledger.state("R1.4") == "not measured"  # it claims accuracies too
    assert ledger.state("R0.2") == "reproduced"
    assert ledger.state("R0.5") == "not reproduced"


def test_record_and_merge(recorded, tmp_path, monkeypatch):
    monkeypatch.setenv("CIFARLIB_RECORDS", str(tmp_path / "out" / "03"))
    for name, value in [("quick", 0.5), ("smoke", 0.1)]:
        ledger.record("R0.4", {"test_accuracy": value}, seed=0, profile=profile(name))
    assert [r["profile"] for r in ledger.session_results("R0.4")] == ["quick", "smoke"]
    assert merging.merge(tmp_path / "out") == 1
    assert ledger.band("R0.4", "test_accuracy").values == (0.5, 0.56, 0.57, 0.58, 0.59)
    ids = [r["id"] for r in ledger.results()]
    assert ids == sorted(ids)


def test_a_folder_may_be_named_for_a_record(recorded, tmp_path, monkeypatch):
    monkeypatch.setenv("CIFARLIB_RECORDS", str(tmp_path / "variable"))
    facts = {"seed": 0, "profile": profile("quick")}
    ledger.record("R0.4", {"test_accuracy": 0.5}, **facts, folder=tmp_path / "named" / "a")
    ledger.record("R0.4", {"test_accuracy": 0.6}, **facts)
    for folder, value in (("named", 0.5), ("variable", 0.6)):
        (row,) = result_store.read_below(tmp_path / folder)
        assert row["metrics"] == {"test_accuracy": value}


def test_merge_can_leave_what_is_there(recorded, tmp_path, monkeypatch):
    monkeypatch.setenv("CIFARLIB_RECORDS", str(tmp_path / "out" / "03"))
    for seed in (0, 9):
        ledger.record("R0.4", {"test_accuracy": 0.5}, seed=seed, profile=profile("quick"))
    assert merging.merge(tmp_path / "out", replace=False) == 1
    assert ledger.band("R0.4", "test_accuracy").values == (0.55, 0.56, 0.57, 0.58, 0.59, 0.5)


def test_the_courses_own_networks_have_results_and_no_claims(recorded, tmp_path, monkeypatch):
    monkeypatch.setenv("CIFARLIB_RECORDS", str(tmp_path / "out" / "13"))
    ledger.record("C.1", {"test_accuracy": 0.8}, seed=0, profile=profile("quick"))
    merging.merge(tmp_path / "out")
    assert ledger.band("C.1", "test_accuracy").values == (0.8,)
    assert [r["id"] for r in ledger.results()][-1] == "C.1"
    assert "C.1" not in ledger.systems()
    assert all(not own.claims for own in ledger.own_systems().values())


def test_record_refuses_unknown_systems():
    with pytest.raises(CourseError, match="system 'R7'"):
        ledger.record("R7", {}, seed=0, profile=profile("smoke"))


def test_broken_line_is_named(recorded):
    recorded.write_text('{"id": "R0.4"\n')
    with pytest.raises(CourseError, match=r"results\.jsonl, line 1"):
        ledger.results()
    recorded.write_text('{"id": "R0.4"}\n')
    with pytest.raises(CourseError, match="lacks variant"):
        ledger.results()


def test_compare_shows_claim_session_and_band(recorded):
    ledger.record("R0.4", {"test_accuracy": 0.571}, seed=0, profile=profile("smoke"))
    text = str(comparison.compare("R0.4"))
    line = next(x for x in text.splitlines() if "report" in x and "test accuracy" in x)
    assert re.search(r"56\.5 %.*57\.1 %.*55\.0 to 59\.0 % \(5 recorded runs\)", line)
    assert "122,570" in text


def test_compare_shows_of_other_variants_only_what_is_claimed(recorded):
    measured = {"test_accuracy": 0.6, "test_loss": 1.2, "parameters": 122570}
    ledger.record("R0.4", measured, variant="all-data", seed=0, profile=profile("smoke"))
    ledger.record(
        "R1.1", {"test_accuracy": 0.5, "test_loss": 1.0}, seed=0, profile=profile("smoke")
    )
    assert [row[2] for row in comparison.compare("R0.4").rows if row[1] == "all-data"] == [
        "test accuracy"
    ]
    assert [row[2] for row in comparison.compare("R1.1").rows] == ["test accuracy"]


@pytest.mark.parametrize(
    ("value", "words"), [(0.56, "inside"), (0.61, "just outside"), (0.2, "outside that band")]
)
def test_verdict(recorded, value, words):
    assert words in comparison.compare_with_band("R0.4", "test_accuracy", value)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("claim R0.4 parameters", "122,570"),
        ("claim R0.4 test_accuracy", "56.5 %"),
        ("band R0.4 report test_accuracy", "55.0 to 59.0 %"),
        ("mean R0.4 report test_accuracy", "57.0 %"),
        ("runs R0.4 all-data test_accuracy", "3"),
        ("gain R0.4 all-data report test_accuracy", "+8.0 points"),
        ("gain R0.4 all-data R0.4:report test_accuracy", "+8.0 points"),
        ("band R0.1 report test_accuracy", "98.0 %"),
    ],
)
def test_figures(recorded, source, text):
    assert prose.quoted_value(source) == text


@pytest.mark.parametrize(
    "source", ["claim R0.4", "median R0.4 report test_accuracy", "band R0.4 x test_accuracy", ""]
)
def test_bad_sources(recorded, source):
    with pytest.raises(CourseError):
        prose.quoted_value(source)


GOOD = (
    "It claims <!--=claim R0.4 test_accuracy-->56.5 %<!--/-->, in `12,345` ways.\n\n> “99 % sure”\n"
)


def test_prose_finds_what_no_longer_matches(recorded, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(GOOD)
    assert prose.check(page) == []
    page.write_text(GOOD.replace("56.5 %", "65.5 %"))
    (problem,) = prose.check(page)
    assert "page.md" in problem
    assert "It claims 65.5 %" in problem
    assert prose.update(page) == 1
    assert page.read_text() == GOOD


def test_prose_finds_figures_without_a_source(recorded, tmp_path):
    page = tmp_path / "page.md"
    for figure in ["57 %", "1,234,567", "0.123"]:
        page.write_text(f"We got {figure} here.\n")
        (problem,) = prose.check(page)
        assert figure in problem
    page.write_text("Three of 10 of 15,000, in 2 steps, 3.5 times, $0.123$.\n")
    assert prose.check(page) == []


def test_prose_reads_markdown_cells_of_notebooks(recorded, tmp_path):
    page = tmp_path / "page.ipynb"
    stale = GOOD.replace("56.5 %", "1.0 %")
    cells = [
        {"cell_type": "code", "source": ["x = '77 %'"]},
        {"cell_type": "markdown", "source": stale.splitlines(keepends=True)},
    ]
    page.write_text(json.dumps({"cells": cells}))
    (problem,) = prose.check(page)
    assert "page.ipynb, cell 1" in problem
    assert prose.update(page) == 1
    assert prose.check(page) == []


def test_changing_one_recorded_figure_is_noticed(recorded, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("Between <!--=band R0.4 report test_accuracy-->55.0 to 59.0 %<!--/-->.\n")
    assert prose.check(page) == []
    recorded.write_text(recorded.read_text().replace("0.59", "0.62"))
    assert "62.0" in prose.check(page)[0]
