"""The claims of the five reports: complete, well formed, and quoted from the reports' own texts."""

from __future__ import annotations

import os
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

REPORTS = os.environ.get("CIFARLIB_REPORTS")  # a folder with the reports' texts

IDS = [
    *["R0.1", "R0.2", "R0.3", "R0.4", "R0.5", "R0.6a", "R0.6b", "R0.6c"],
    *[f"R0.{n}" for n in range(7, 11)],
    *[f"R1.{n}" for n in range(1, 11)],
    *[f"R2.{n}" for n in range(1, 11)],
    *[f"R3.{n}" for n in range(1, 7)],
    *[f"R4.{n}" for n in range(1, 13)],
]
NOTEBOOKS = {
    "00_start_here",
    "01_mnist_cnn",
    "02_counting_parameters",
    "03_cifar10_cnn",
    "04_cnn_variants",
    "05_reading_a_model",
    "06_tuning",
    "07_vgg16_frozen",
    "08_vgg16_unfrozen",
    "09_other_backbones",
    "10_augmentation",
    "11_small_data",
    "12_the_ledger",
    "13_beat_the_reports",
}
DATASETS = {"mnist", "cifar10", "cats_vs_dogs", "folder", "none"}
KINDS = {"training", "derivation", "table", "figure", "discussion"}
UNITS = {
    **dict.fromkeys(("parameters", "trainable_parameters", "non_trainable_parameters"), "count"),
    **dict.fromkeys(("base_parameters", "top_parameters"), "count"),
    **dict.fromkeys(("train_accuracy", "val_accuracy", "test_accuracy"), "fraction"),
    **dict.fromkeys(("binary_accuracy", "macro_f1", "micro_f1", "roc_auc"), "fraction"),
    **dict.fromkeys(("train_loss", "val_loss", "test_loss"), "loss"),
    **dict.fromkeys(("seconds", "seconds_per_epoch"), "seconds"),
}
REQUIRED = {
    *("title", "kind", "notebook", "dataset", "where"),
    *("quote", "settings", "wrong", "cause", "claims"),
}
SETTINGS = {
    "optimizer": str,
    "learning_rate": float,
    "loss": str,
    "epochs": int,
    "steps_per_epoch": int,
    "batch_size": int,
    "split": str,
    "n_train": int,
    "seed": int,
    "scaling": str,
    "initializer": str,
    "augmentation": str,
    "validation_split": float,
    "image_size": int,
    "color": str,
    "objective": str,
    "base": str,
    "cut": str,
    "pooling": str,
    "frozen": bool,
}
SPLITS = {"R0-slice", "R1-last-10", "R2-last-20", "R4-80-20"}

RECORDS = tomllib.loads(files("cifarlib.ledger.records").joinpath("claims.toml").read_text("utf-8"))
SYSTEMS, CAUSES = RECORDS["systems"], RECORDS["causes"]
CLAIMS = [
    pytest.param(metric, claim, id=f"{key}-{metric}")
    for key, system in SYSTEMS.items()
    for metric, claim in system["claims"].items()
]


def one_spaced(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def test_all_fifty_systems_in_the_order_of_the_reports() -> None:
    assert list(SYSTEMS) == IDS
    assert len(IDS) == 50


def test_every_report_has_title_file_and_dataset() -> None:
    assert list(RECORDS["reports"]) == ["R0", "R1", "R2", "R3", "R4"]
    for report in RECORDS["reports"].values():
        assert set(report) == {"title", "file", "dataset"}
        assert all(report.values())


@pytest.mark.parametrize("key", IDS)
def test_system_is_well_formed(key: str) -> None:
    system = SYSTEMS[key]
    assert set(system) - {"of"} == REQUIRED
    assert system["title"]
    assert system["where"]
    assert system["notebook"] in NOTEBOOKS
    assert system["dataset"] in DATASETS
    assert system["kind"] in KINDS
    assert system["cause"] in CAUSES
    assert (system["cause"] == "none") == (system["wrong"] == "")
    assert 0 < len(system["quote"]) < 200


def test_every_word_for_a_cause_is_explained_and_used() -> None:
    assert set(CAUSES) == {system["cause"] for system in SYSTEMS.values()}
    assert all(len(words) > 10 for words in CAUSES.values())


def test_of_names_a_training() -> None:
    trained = {system["of"] for system in SYSTEMS.values() if "of" in system}
    assert trained
    assert all(SYSTEMS[key]["kind"] == "training" for key in trained)


@pytest.mark.parametrize("key", IDS)
def test_settings_have_known_names_and_types(key: str) -> None:
    settings = SYSTEMS[key]["settings"]
    for name, value in settings.items():
        assert type(value) is SETTINGS[name], name
    assert settings.get("split", "R0-slice") in SPLITS


@pytest.mark.parametrize("key", IDS)
def test_only_what_is_shown_or_discussed_may_go_without_a_claim(key: str) -> None:
    system = SYSTEMS[key]
    if system["kind"] in {"training", "derivation"}:
        assert system["claims"]
    if system["kind"] in {"figure", "discussion"}:
        assert not system["claims"]


@pytest.mark.parametrize(("metric", "claim"), CLAIMS)
def test_claim_has_a_number_in_its_unit_or_the_words(metric: str, claim: dict) -> None:
    assert set(claim) <= {"value", "unit", "says"}
    assert "value" in claim or claim.get("says")
    assert ("value" in claim) == ("unit" in claim)
    if "value" not in claim:
        return
    value, unit = claim["value"], claim["unit"]
    assert unit == UNITS[metric]
    assert type(value) in {int, float}
    if unit == "count":
        assert type(value) is int
        assert value >= 0
    elif unit == "fraction":
        assert 0 <= value <= 1
    else:
        assert value > 0


@pytest.mark.parametrize("key", IDS)
def test_counts_add_up(key: str) -> None:
    claims = {name: claim.get("value") for name, claim in SYSTEMS[key]["claims"].items()}
    total = claims.get("parameters", claims.get("base_parameters"))
    if {"trainable_parameters", "non_trainable_parameters"} <= set(claims):
        assert claims["trainable_parameters"] + claims["non_trainable_parameters"] == total


def test_derived_counts_are_counts_the_report_does_not_claim() -> None:
    for key, counts in RECORDS["derived"].items():
        for metric, value in counts.items():
            assert metric in {"parameters", "trainable"}
            assert type(value) is int
            assert metric not in SYSTEMS[key]["claims"]


@pytest.mark.parametrize("key", IDS)
def test_quoted_words_occur_in_the_report(key: str) -> None:
    if not REPORTS:
        pytest.skip("the reports' texts are not at hand: CIFARLIB_REPORTS is not set")
    path = Path(REPORTS) / RECORDS["reports"][key.split(".")[0]]["file"]
    text = one_spaced(path.read_text("utf-8"))
    system = SYSTEMS[key]
    words = [claim["says"] for claim in system["claims"].values() if "says" in claim]
    for quoted in [system["quote"], *words]:
        assert one_spaced(quoted) in text
