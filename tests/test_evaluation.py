import numpy as np
import pytest

from cifarlib.evaluation import Evaluation


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
