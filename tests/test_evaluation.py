import re
from functools import partial

import keras
import numpy as np
import pytest
from tqdm.auto import tqdm

from cifarlib.evaluation import Evaluation, evaluate


@pytest.fixture
def evaluation():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    return Evaluation(probabilities, np.array([0, 1, 1, 2]))


def test_accuracy_and_loss_by_hand(evaluation):
    assert evaluation.accuracy == 0.75
    assert evaluation.loss == pytest.approx(-np.log([0.9, 0.5, 0.3, 0.8]).mean())


def test_macro_f1_by_hand(evaluation):
    # class 0: precision 1/2, recall 1; class 1: precision 1, recall 1/2; class 2: both 1
    assert evaluation.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_confusion_has_true_classes_in_rows(evaluation):
    assert evaluation.confusion().tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]


def test_roc_auc_of_perfect_and_blind_models():
    labels = np.array([0, 1, 2, 0, 1, 2])
    assert Evaluation(np.eye(3)[labels], labels).roc_auc == 1.0
    assert Evaluation(np.full((6, 3), 1 / 3), labels).roc_auc == 0.5
    two = np.array([[0.8, 0.2], [0.4, 0.6], [0.7, 0.3], [0.1, 0.9]])
    assert Evaluation(two, np.array([0, 1, 0, 1])).roc_auc == 1.0


def test_calibration_error_by_hand():
    # two bins hold two images each: confidence 0.95 against accuracy 1, and 0.55 against 0
    probabilities = np.array([[0.95, 0.05]] * 2 + [[0.55, 0.45]] * 2)
    error = Evaluation(probabilities, np.array([0, 0, 1, 1])).calibration_error(bins=10)
    assert error == pytest.approx((0.05 * 2 + 0.55 * 2) / 4)


def test_worst_mistakes_come_surest_first(evaluation):
    assert evaluation.worst_mistakes().tolist() == [2]
    sure = Evaluation(np.array([[0.6, 0.4], [0.99, 0.01], [0.2, 0.8]]), np.array([1, 1, 1]))
    assert sure.worst_mistakes(5).tolist() == [1, 0]


def test_prediction_shows_how_far_it_is_and_is_quiet_when_asked(monkeypatch, capsys):
    monkeypatch.setattr("cifarlib._support.progress.PATIENCE", 0)
    monkeypatch.setattr("tqdm.auto.tqdm", partial(tqdm, mininterval=0))  # shows every batch
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="softmax")])
    images, labels = np.zeros((50, 2)), np.zeros(50, int)
    monkeypatch.setenv("CIFARLIB_QUIET", "1")
    evaluate(model, images, labels, batch_size=20)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("CIFARLIB_QUIET", "0")
    evaluate(model, images, labels, batch_size=20)
    shown = capsys.readouterr().err
    assert "predicting" in shown
    assert "/3 [" in shown
    assert re.search(r" [123]/3 \[", shown)
    assert "/? [" not in shown
