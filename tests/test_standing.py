"""Standing, causes, the figures systems are judged by, and a student's own results."""

import json
from functools import partial

import pytest
import results

from cifarlib import CourseError, cli, ledger, profile
from cifarlib.ledger import own_results, reproduction_status, result_store
from cifarlib.ledger.overview import overview

result = partial(results.result, profile="full")


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that makes the given results the whole ledger."""
    path = tmp_path / "results.jsonl"
    monkeypatch.setattr(result_store, "RESULTS", path)
    monkeypatch.setattr(result_store, "_session", [])
    monkeypatch.delenv("CIFARLIB_RECORDS", raising=False)

    def rows(*results):
        path.write_text("".join(json.dumps(r) + "\n" for r in results))

    rows()
    return rows


def test_reproduced_says_how_many_figures_hold(write):
    counted = result("R0.4", "counted", parameters=122570)
    write(counted, *(result("R0.4", seed=s, test_accuracy=0.56 + s / 100) for s in range(3)))
    found = reproduction_status.status("R0.4")
    assert found.state == "reproduced"
    assert found.why == "2 of 2 tested figures hold"
    assert found.command == ""


def test_not_reproduced_names_the_figures_that_fail_and_only_those(write):
    figures = [{"test_accuracy": 0.60 + s / 50, "test_loss": 1.50 + s / 100} for s in range(2)]
    write(*(result("R0.6c", seed=s, **figures[s]) for s in range(2)))
    found = reproduction_status.status("R0.6c")
    assert found.state == "not reproduced"
    assert "1 of 2 tested" in found.why
    assert "test loss claimed 1.232, 2 runs gave 1.500 to 1.510" in found.why
    assert "accuracy" not in found.why


def test_a_wrong_count_fails(write):
    write(result("R0.5", parameters=895))
    assert reproduction_status.failing("R0.5") == ["parameters claimed 896, 1 run gave 895"]


def test_measured_once_asks_for_more_seeds_with_the_epochs_of_the_run(write):
    write(result("R4.1", test_accuracy=0.62, training={"epochs": 70, "n_train": 40000}))
    found = reproduction_status.status("R4.1")
    assert (found.state, found.why) == ("measured once", "one seed, and a verdict takes two")
    assert found.command == "cifarlib ledger measure R4.1 --epochs 70 --seeds 0-4"


def test_not_measured_says_what_it_takes(write):
    assert reproduction_status.missing("R2.4").startswith(
        "ImageNet's weights of resnet50, all of it trained"
    )
    assert "256 pixels" in reproduction_status.missing("R2.4")
    assert "the report's own pictures" in reproduction_status.missing("R3.3")
    assert "no optimizer" in reproduction_status.missing("R4.2")
    assert reproduction_status.missing("R0.4") == "its own recipe was not yet run"
    assert (
        reproduction_status.missing("R3.6") == "its notebook has recorded nothing on real data yet"
    )


def test_a_shortened_training_says_by_how_much(write):
    short = {"epochs": 1, "n_train": 7500}
    write(*(result("R0.10", "short", s, training=short, test_accuracy=0.1) for s in range(2)))
    assert reproduction_status.missing("R0.10").endswith(
        "so far shortened with 10 % of the training: test accuracy 10.0 %"
    )


def test_overview_has_every_system_with_what_was_recorded(write):
    short = {"epochs": 1, "n_train": 7500}
    write(
        *(result("R0.4", seed=s, test_accuracy=0.56 + s / 100) for s in range(3)),
        *(result("R0.10", "short", s, training=short, test_accuracy=0.1) for s in range(2)),
        result("R2.8", "repaired", test_accuracy=0.5),
        results.result("R0.9", profile="smoke", test_accuracy=0.5),
    )
    lines = {line.split()[0]: line for line in overview().splitlines()[2:52]}
    assert list(lines) == list(ledger.systems())
    assert "test accuracy 56.5 %; parameters 122,570" in lines["R0.4"]
    assert " 3 runs of its own recipe " in lines["R0.4"]
    assert " 2 runs with 10 % of the training " in lines["R0.10"]
    assert " 1 result " in lines["R2.8"]
    assert " - " in lines["R0.9"]
    assert overview().endswith(
        "50 systems: 1 reproduced, 49 not measured.\n3 of them have results on real data."
    )


@pytest.mark.parametrize(
    ("id", "share"), [("R0.4", 0.2), ("R4.2", 15000 / 4_000_000), ("R2.2", None)]
)
def test_share_counts_images_passed(id, share):
    assert reproduction_status.share(id, {"epochs": 1, "n_train": 15000}) == share


@pytest.mark.parametrize("id", ledger.systems())
def test_every_system_stands_somewhere_and_its_command_can_be_typed(write, id):
    found = reproduction_status.status(id)
    assert found.state in reproduction_status.STATES
    assert found.why
    assert reproduction_status.cause(id)
    assert bool(found.command) == ("measured" in found.state)
    if found.command:
        words = found.command.replace(" N ", " 5 ").split()
        assert words[0] == "cifarlib"
        assert cli._parser().parse_args(words[1:]).command


def test_every_system_of_the_ledger_stands_somewhere_now():
    states = [reproduction_status.status(id).state for id in ledger.systems()]
    assert len(states) == 50
    assert set(states) <= set(reproduction_status.STATES)


def test_headline_prefers_a_claimed_test_accuracy(write):
    write(result("R0.1", test_accuracy=0.98), result("R1.2", test_accuracy=0.65))
    assert reproduction_status.headline("R1.5")[:2] == ("test_accuracy", 0.78)
    assert reproduction_status.headline("R1.2") == ("val_accuracy", 0.7066, None)
    metric, claimed, band = reproduction_status.headline("R0.1")
    assert (metric, claimed, band.values) == ("test_accuracy", None, (0.98,))
    assert reproduction_status.headline("R0.2") is None


def test_an_evaluation_has_the_results_of_the_training_it_reads(write):
    write(*(result("R1.5", seed=s, test_accuracy=0.77, macro_f1=0.7) for s in range(2)))
    assert ledger.band("R1.6", "macro_f1").values == (0.7, 0.7)
    assert reproduction_status.status("R1.6").state == "not reproduced"


def test_own_results_come_from_the_session_and_from_the_run(write, tmp_path, monkeypatch):
    write(*(result("R0.4", seed=s, test_accuracy=0.56 + s / 100) for s in range(3)))
    records = tmp_path / "run" / "records"
    (records / "03").mkdir(parents=True)
    (records / "03" / "results.jsonl").write_text(json.dumps(result("R0.4", test_accuracy=0.3)))
    assert len(own_results.own_table()) == 0
    for id in ("C.1", "R0.1"):
        ledger.record(id, {"test_accuracy": 0.5}, seed=0, profile=profile("smoke"))
    assert [row[0] for row in own_results.own_table().rows] == ["R0.1", "C.1"]
    monkeypatch.setenv("CIFARLIB_RECORDS", str(records / "12"))
    first, second, _ = own_results.own_table().rows
    assert first[-1] == "stand-in data: not compared"
    assert second[4:] == ("30.0 %", "56.0 to 58.0 % (3)", "unexpected")


def test_own_results_of_a_broken_run_are_named(write, tmp_path):
    (tmp_path / "results.jsonl").write_text("{}\n")
    with pytest.raises(CourseError, match="line 1: a result lacks id"):
        own_results.own_results(tmp_path)
