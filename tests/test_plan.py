"""Plans of `cifarlib run`: what is asked for, what is refused, and what a dry run shows."""

import json
from argparse import ArgumentTypeError
from pathlib import Path

import pytest
from running import RECORD, make, printed, read_json
from work import calls, files_opened

from cifarlib.cli import main
from cifarlib.errors import CourseError
from cifarlib.ledger import result_store
from cifarlib.profiles import PURPOSES
from cifarlib.runner import cells, durations
from cifarlib.runner.plan import plan
from cifarlib.runner.promote_outputs import promote_outputs
from cifarlib.runner.run_arguments import seeds


def test_one_profile_and_seed_use_the_folder_itself(ready, tmp_path):
    (task,) = plan([], profile="smoke", seeds=[3], out=tmp_path / "out").tasks
    assert task.folder == tmp_path / "out" / "01_fine"
    assert task.records == tmp_path / "out" / "records" / "01_fine"
    assert task.parameters == {"PROFILE": "smoke", "SEED": 3}


def test_several_profiles_and_seeds_get_a_folder_each(ready, tmp_path):
    tasks = plan([], profile="smoke, full", seeds=[0, 1], out=tmp_path / "out").tasks
    names = [t.group.relative_to(tmp_path / "out").as_posix() for t in tasks]
    assert names == ["smoke-seed0", "smoke-seed1", "full-seed0", "full-seed1"]


@pytest.mark.parametrize(
    ("text", "numbers"), [("3", [3]), ("0-4", [0, 1, 2, 3, 4]), ("0,2,5-6", [0, 2, 5, 6])]
)
def test_seeds(text, numbers):
    assert seeds(text) == numbers


@pytest.mark.parametrize("text", ["", "4-0", "one", "1-2-3"])
def test_no_seeds(text):
    with pytest.raises(ArgumentTypeError, match="is no seed or range such as 0-4"):
        seeds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("1e-3", 0.001), ("adam", "adam"), ("[1, 2]", [1, 2]), ("{1}", "{1}")],
)
def test_parameters_are_read_as_python_where_they_are(ready, text, value):
    path = make(ready.parent, "02_more", "1")
    notebook = json.loads(path.read_text())
    cell = notebook["cells"][1]
    cell["source"] = "".join(cell["source"]) + "\nEPOCHS: int = 5\nx[0] = 1"
    path.write_text(json.dumps(notebook))
    assert cells.parameter_names(path) == ["PROFILE", "SEED", "EPOCHS"]
    (task,) = plan(["02"], profile="smoke", parameters={"EPOCHS": text}).tasks
    assert task.parameters == {"PROFILE": "smoke", "SEED": 0, "EPOCHS": value}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameters": {"EPOCH": "5"}}, "01_fine.ipynb has no parameter 'EPOCH'.*PROFILE, SEED"),
        ({"parameters": {"SEED": "5"}}, "use --seeds instead"),
        ({"profile": "smoke,fast"}, "no profile 'fast'"),
        ({"scheduler": "tcp://a:1", "mirror": "."}, "Set CIFARLIB_MIRROR on the workers"),
        ({"jobs": 0}, "--jobs must be at least 1, not 0"),
        ({"memory": -1.0}, "--memory must be above 0 GB"),
        ({"minutes": 0}, "--minutes must be above 0 minutes"),
    ],
)
def test_wrong_plans_are_refused(ready, options, message):
    with pytest.raises(CourseError, match=message):
        plan([], **({"profile": "smoke"} | options))


def test_dry_run_shows_the_plan_and_writes_nothing(ready, tmp_path, monkeypatch, capsys):
    recorded = tmp_path / "durations.json"
    recorded.write_text(json.dumps({"smoke": {"01_fine": 90}}))
    monkeypatch.setattr(result_store, "RESULTS", tmp_path / "results.jsonl")
    assert main(["run", "--profile", "smoke,quick", "--seeds", "0-1", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split(maxsplit=4) == ["01_fine", "smoke", "0", "1.5", "run: not run before"]
    assert lines[3].split()[:4] == ["01_fine", "quick", "0", "?"]
    assert lines[-1] == "4 to run, 0 reused, about 3 minutes, 2 of unknown length."
    assert not (tmp_path / "runs").exists()


def test_durations_of_good_runs_are_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(result_store, "RESULTS", tmp_path / "results.jsonl")
    entries = [{"slug": "02_b", "seconds": 71.04}, {"slug": "01_a", "seconds": None}]
    durations.remember({"profile": "quick", "notebooks": entries})
    durations.remember({"profile": "full", "notebooks": entries})
    assert durations.recorded() == {"quick": {"02_b": 71.0}, "full": {"02_b": 71.0}}


def test_durations_that_come_with_the_course_are_of_its_notebooks():
    notebooks = {p.stem for p in (Path(__file__).parent.parent / "notebooks").glob("*.ipynb")}
    assert {"smoke", "quick"} <= durations.recorded().keys() <= PURPOSES.keys()
    for seconds in durations.recorded().values():
        assert seconds.keys() <= notebooks
        assert all(value > 0 for value in seconds.values())


def test_a_thousand_runs_are_planned_quickly(tmp_path, monkeypatch, capsys):
    """Of each further run nothing is read but its journal, and little is computed."""
    monkeypatch.chdir(tmp_path)
    for number in range(20):
        make(tmp_path / "notebooks", f"{number:02d}_one", *(f"x = {n}" for n in range(30)))

    def work(seeds):
        with files_opened() as opened, calls() as called:
            assert main(["run", "--profile", "smoke", "--seeds", seeds, "--dry-run"]) == 0
        notebooks = [n for path, n in opened.items() if path.suffix == ".ipynb"]
        journals = [n for path, n in opened.items() if path.name == "journal.json"]
        others = sum(opened.values()) - sum(notebooks) - sum(journals)
        return notebooks, journals, others, called.total()

    work("0")  # what is read once in a process is read here
    few, many = work("0-4"), work("0-49")
    assert "1000 to run" in capsys.readouterr().out
    assert few[0] == many[0] == []
    assert (few[1], many[1]) == ([1] * 100, [1] * 1000)
    assert few[2] == many[2] < 100
    assert (many[3] - few[3]) / 900 < 4_000


@pytest.mark.process
def test_several_seeds_leave_a_page_each_and_one_above(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("CIFARLIB_MIRROR", raising=False)
    path, out = make(tmp_path, "01_fine", RECORD, "print(PROFILE, SEED)"), tmp_path / "out"
    words = ["run", str(path), "--profile", "smoke", "--seeds", "0-1", "--jobs", "2"]
    assert main([*words, "--out", str(out)]) == 0
    errors = capsys.readouterr().err
    assert "01_fine (smoke, seed 1): ok after" in errors
    for seed in (0, 1):
        manifest = read_json(out / f"smoke-seed{seed}" / "manifest.json")
        assert (manifest["state"], manifest["profile"], manifest["seed"]) == ("ok", "smoke", seed)
        assert printed(out / f"smoke-seed{seed}", "01_fine") == f"smoke {seed}\n"
    above = read_json(out / "manifest.json")
    assert above["runs"] == ["smoke-seed0", "smoke-seed1"]
    assert [(e["seed"], e["state"]) for e in above["notebooks"]] == [(0, "ok"), (1, "ok")]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert 'href="smoke-seed1/index.html"' in page
    assert 'href="smoke-seed1/01_fine/01_fine.html"' in page
    assert page.count(">0.5678<") == 2
    with pytest.raises(CourseError, match="several runs: smoke-seed0, smoke-seed1"):
        promote_outputs(out)
