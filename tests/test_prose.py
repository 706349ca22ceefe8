"""Change one recorded figure, and every sentence that quotes it is named."""

import json
from pathlib import Path

import pytest

from cifarlib import ledger, prose

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
        monkeypatch.setattr(ledger, "RESULTS", path)
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
    (problem,) = prose.check(ROOT / "README.md")
    assert problem.startswith("README.md: ")
    assert f"to {100 * band.high:.1f} %" in problem
    assert f"to {100 * band.high + 30:.1f} %" in problem
