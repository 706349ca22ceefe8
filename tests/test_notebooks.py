"""What holds for every notebook of the course, read as a file. Running them is nbval's part."""

import itertools
import re
import statistics
from pathlib import Path

import nbformat
import pytest

from cifarlib import ledger
from cifarlib.ledger import prose

FOLDER = Path(__file__).parent.parent / "notebooks"
PATHS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
MAX_LINES, MEDIAN_LINES = 25, 8

UNMEASURED: set[str] = set()
"""Notebooks that pass in smoke but were not yet run on real data: no outputs, no figures."""
MEASURED = [p for p in PATHS if p.stem not in UNMEASURED]

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
measured_notebook = pytest.mark.parametrize("path", MEASURED, ids=lambda p: p.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code(path):
    return [c for c in read(path).cells if c.cell_type == "code" and c.source.strip()]


def outputs(path):
    return [o for cell in code(path) for o in cell.outputs]


def test_there_are_notebooks():
    assert len(PATHS) >= 4
    assert {p.stem for p in PATHS} <= {s.notebook for s in ledger.systems().values()} | {
        "00_start_here",
        "12_the_ledger",
        "13_beat_the_reports",
    }


@every_notebook
def test_is_valid(path):
    nbformat.validate(read(path))


@measured_notebook
def test_cells_are_short(path):
    lengths = [len(c.source.splitlines()) for c in code(path)]
    assert max(lengths) <= MAX_LINES
    assert statistics.median(lengths) <= MEDIAN_LINES


@every_notebook
def test_has_one_parameters_cell_with_the_defaults(path):
    (cell,) = [c for c in code(path) if "parameters" in c.metadata.get("tags", [])]
    assert re.search(r'^PROFILE = "auto"', cell.source, re.MULTILINE)
    assert re.search(r"^SEED = 0$", cell.source, re.MULTILINE)
    assert not [c for c in code(path) if "injected-parameters" in c.metadata.get("tags", [])]
    text = "\n".join(c.source for c in code(path))
    repeats = re.search(r"^SEEDS = ", text, re.MULTILINE)
    assert bool(re.search(r"^N_SEEDS = None\b", cell.source, re.MULTILINE)) == bool(repeats)
    profile_alone = re.findall(r"SEEDS = .*(?<!N_SEEDS or )profile\.pick", text)
    assert not profile_alone, f"N_SEEDS has no say in {profile_alone}"


@every_notebook
def test_headings_step_down_one_at_a_time(path):
    text = "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    levels = [len(m) for m in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert text.startswith(f"# {path.stem[:2]} · ")


@measured_notebook
def test_is_finished(path):
    text = "\n".join(c.source for c in read(path).cells)
    assert not re.search(r"@@|\bTODO\b|\bTBD\b|\bFIXME\b|\bXXX\b|<!--=[^>]*--><!--/-->", text)


@every_notebook
def test_ends_with_summary_and_next(path):
    headings = re.findall(r"^## (.+)$", "\n".join(c.source for c in read(path).cells), re.MULTILINE)
    assert any(h.startswith("Summary") for h in headings[-3:])
    assert headings[-1].startswith("Next")


@measured_notebook
def test_was_run_from_top_to_bottom_on_real_data(path):
    counts = [c.execution_count for c in code(path)]
    assert counts == list(range(1, len(counts) + 1))
    text = "".join(str(o.get("text", "")) for o in outputs(path))
    assert "(stand-in for" not in text
    assert "Profile 'smoke'" not in text


@pytest.mark.parametrize("name", sorted(UNMEASURED))
def test_an_unmeasured_notebook_shows_nothing(name):
    """Outputs come from a whole run on real data, or there are none."""
    assert not outputs(FOLDER / f"{name}.ipynb")


@every_notebook
def test_outputs_hold_no_error_and_no_noise(path):
    assert not [o for o in outputs(path) if o.output_type == "error"]
    assert not [o for o in outputs(path) if o.get("name") == "stderr"]


@every_notebook
def test_outputs_name_no_place_on_the_authors_machine(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|Users|work)/", text)


@every_notebook
def test_every_picture_has_alternative_text(path):
    for output in outputs(path):
        if "image/png" in output.get("data", {}):
            text = output.metadata.get("image/png", {}).get("alt", "")
            assert len(text) > 20
            assert "without a description" not in text


@measured_notebook
def test_every_figure_in_a_sentence_is_the_ledgers(path):
    assert prose.check(path) == []


@every_notebook
def test_links_lead_to_files(path):
    text = "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (FOLDER / target).exists(), target


@every_notebook
def test_records_the_systems_it_treats(path):
    """Every system that claims.toml assigns to a notebook is recorded in it."""
    mine = [id for id, s in ledger.systems().items() if s.notebook == path.stem]
    source = "\n".join(c.source for c in code(path))
    assert [id for id in mine if f'"{id}"' not in source] == []


def test_readme_quotes_the_ledger():
    assert prose.check(FOLDER.parent / "README.md") == []


def test_readme_lists_every_notebook():
    rows = re.findall(r"^\| \d\d \| .*", (FOLDER.parent / "README.md").read_text(), re.MULTILINE)
    listed = re.findall(r"\(notebooks/(\w+)\.ipynb\)", "\n".join(rows))
    assert listed == [p.stem for p in MEASURED]
