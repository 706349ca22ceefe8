"""Change one recorded figure, and every sentence that quotes it is named."""

import json
from pathlib import Path

import pytest

from cifarlib import CourseError, ledger
from cifarlib.ledger import prose, result_store
from cifarlib.ledger.paired_difference import paired_gain

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]


def quotes(path):
    """Return the source of every filled band and mean on a page, in order."""
    marks = [mark for _, text in prose._texts(path) for mark in prose.MARK.finditer(text)]
    kinds = ("band", "mean")
    return [m["source"] for m in marks if m["source"].split()[0] in kinds and m["text"]]


QUOTED = {path: quotes(path) for path in PAGES}


@pytest.fixture
def spoil(tmp_path, monkeypatch):
    """Return a function that adds to the highest value of one band; the ledger stays whole."""

    def change(id, variant, metric, added):
        band = ledger.band(id, metric, variant)
        rows = json.loads(json.dumps(ledger.results()))
        row = next(
            r
            for r in rows
            if (r["id"], r["variant"]) == (ledger.system(id).of or id, variant)
            and r["profile"] == band.profile
            and r["metrics"].get(metric) == band.high
        )
        row["metrics"][metric] += added
        path = tmp_path / "results.jsonl"
        path.write_text("".join(json.dumps(r) + "\n" for r in rows))
        monkeypatch.setattr(result_store, "RESULTS", path)
        return band

    return change


@pytest.mark.parametrize("page", [p for p in PAGES if QUOTED[p]], ids=lambda p: p.stem)
def test_one_changed_figure_is_reported_at_every_sentence_that_quotes_it(page, spoil):
    figure = QUOTED[page][0].split()[1:]
    before = prose.check(page)
    spoil(*figure, 0.5)
    stale = [p for p in prose.check(page) if p not in before and "the ledger" in p]
    quoting = [source for source in QUOTED[page] if source.split()[1:] == figure]
    assert len(stale) >= len(quoting) > 0
    assert all(problem.startswith(page.name) for problem in stale)


def test_a_change_is_reported_with_its_sentence_and_both_figures(spoil):
    band = spoil("R0.4", "report", "test_accuracy", 0.3)
    problems = prose.check(ROOT / "README.md")  # the band, and a gain that rests on it
    assert all(problem.startswith("README.md: ") for problem in problems)
    (problem,) = [p for p in problems if f"to {100 * band.high + 30:.1f} %" in p]
    assert f"to {100 * band.high:.1f} %" in problem


def recorded(variant, values, base):
    """Return results like `base`, one a seed."""
    made = {"variant": variant, "profile": "quick", "backend": "tensorflow"}
    return [
        base | made | {"seed": seed, "metrics": {"test_accuracy": value}}
        for seed, value in values.items()
    ]


@pytest.fixture
def two_variants(tmp_path, monkeypatch):
    base = ledger.results("R0.4")[0]
    rows = recorded("old", {0: 0.50, 1: 0.52, 2: 0.49, 9: 0.90}, base)
    rows += recorded("new", {2: 0.55, 0: 0.53, 1: 0.54, 5: 0.10}, base)
    rows += recorded("lonely", {9: 0.60}, base)
    longer = recorded("longer", {0: 0.61, 1: 0.62, 2: 0.63}, base)
    rows += [row | {"profile": "full"} for row in longer]
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    monkeypatch.setattr(result_store, "RESULTS", path)


def test_the_interval_of_a_gain_pairs_runs_by_their_seeds(two_variants):
    wanted = paired_gain([0.53, 0.54, 0.55], [0.50, 0.52, 0.49])
    said = prose.quoted_value("sure R0.4 new old test_accuracy")
    assert said == f"{wanted.low:+.1f} to {wanted.high:+.1f}"
    assert prose.quoted_value("sure R0.4 new R0.4:old test_accuracy") == said


@pytest.mark.parametrize("variant", ["lonely", "longer"])
def test_an_interval_without_two_pairs_is_refused(variant, two_variants, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"It is <!--=sure R0.4 {variant} old test_accuracy-->+1.0 to +2.0<!--/-->.")
    (problem,) = prose.check(page)
    assert "two seeds that both have" in problem
    assert prose.update(page) == 0, "what cannot be computed stays as it is"


def test_an_interval_in_points_of_what_has_no_points_is_refused():
    with pytest.raises(CourseError, match="no source of a figure"):
        prose.quoted_value("sure R0.4 all-data report test_loss")


def test_no_source_begins_a_line(tmp_path):
    page = tmp_path / "page.md"
    mark = "<!--=claim R0.4 test_accuracy-->56.5 %<!--/-->"
    page.write_text(f"- It claims\n  that {mark}\n  and {mark} are right.\n")
    assert prose.check(page) == []
    page.write_text(f"- It claims\n  {mark} of all.\n")
    (problem,) = prose.check(page)
    assert "'56.5 %' begins a line" in problem
