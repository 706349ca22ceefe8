import json

import pytest
from model_facts import facts

from cifarlib import ledger, networks
from cifarlib.ledger import result_store
from cifarlib.ledger.costs import cost, counts, time


def run(id, seconds, shape=(32, 32, 3), profile="full", gpus=(), variant="report"):
    return {
        "id": id,
        "variant": variant,
        "profile": profile,
        "seed": int(seconds[0]),
        "backend": "tensorflow",
        "metrics": {},
        "training": {"epochs": len(seconds), "seconds": sum(seconds), "epoch_seconds": seconds},
        "data": {"input_shape": shape},
        "environment": {"cores": 2, "gpus": list(gpus)},
    }


@pytest.fixture
def write(tmp_path, monkeypatch):
    path = tmp_path / "results.jsonl"
    monkeypatch.setattr(result_store, "RESULTS", path)
    return lambda *rows: path.write_text("".join(json.dumps(r) + "\n" for r in rows))


@pytest.mark.parametrize("id", ["R0.7", "R1.5", "R2.2", "R2.3", "R2.8", "R3.1", "R4.1", "R4.7"])
def test_counts_are_those_of_keras(id):
    assert counts(id) == (facts(id).total, facts(id).trainable)


def test_every_network_has_its_counts():
    for id in networks.SYSTEMS:
        total, trainable = counts(id)
        assert total >= trainable > 0, id


def test_counts_of_the_base_alone_are_not_those_of_the_network():
    assert counts("R1.9") == (24_131_402, 566_474)
    assert ledger.claim("R1.9", "trainable_parameters") == 23_519_360
    assert cost("R1.9").base == 23_564_800


def test_claimed_times():
    assert cost("R1.4").claimed_seconds == 12 * 15
    assert cost("R2.4").claimed_seconds == 9000  # the table's, although the log says 562 a epoch
    assert cost("R0.4").claimed_seconds is None
    assert [cost(id).frozen for id in ("R0.4", "R0.9", "R0.10")] == [None, True, False]


def test_times_are_medians_over_the_runs_of_one_machine(write):
    runs = [run("R0.4", [2.0, 1.0]), run("R0.4", [4.0, 3.0]), run("R0.4", [9.0, 9.0])]
    write(*runs, run("R0.4", [0.1], gpus=["A GPU"]), run("R0.4", [50.0], profile="smoke"))
    found = time("R0.4")
    assert (found.runs, found.epochs, found.seconds, found.epoch_seconds) == (3, 2, 7.0, 3.5)
    assert found.machine == "2 CPU cores"
    assert not found.head_only


def test_a_head_on_features_is_said_to_be_one(write):
    write(run("R0.9", [1.0], shape=(1, 1, 512), gpus=["A GPU"]))
    assert time("R0.9").head_only
    assert time("R0.9").machine == "A GPU"


def test_other_variants_have_other_times(write):
    write(run("R0.4", [1.0], variant="all-data"))
    assert time("R0.4") is None
