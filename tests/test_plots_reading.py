import numpy as np
import pytest

from cifarlib import plots
from cifarlib.evaluation import Evaluation

# Both models are right about 3 of 4 images of class 0; one says 0.95 each time, one 0.75.
LABELS = np.array([0, 0, 0, 1])
BOASTER = Evaluation(np.tile([0.95, 0.05], (4, 1)), LABELS)
HONEST = Evaluation(np.tile([0.75, 0.25], (4, 1)), LABELS)


def drawn(figure):
    """The points of each curve on the left, by its name in the legend."""
    return {line.get_label(): line.get_xydata() for line in figure.axes[0].lines}


def test_calibration_puts_confidence_across_and_accuracy_up():
    curves = drawn(plots.calibration({"boaster": BOASTER, "honest": HONEST}))
    assert curves["boaster"] == pytest.approx(np.array([[0.95, 0.75]]))
    assert curves["honest"] == pytest.approx(np.array([[0.75, 0.75]]))
    assert curves["perfectly calibrated"].tolist() == [[0, 0], [1, 1]]


def test_calibration_averages_within_the_bins():
    mixed = Evaluation(np.array([[0.95, 0.05], [0.92, 0.08], [0.6, 0.4]]), np.array([0, 1, 0]))
    points = drawn(plots.calibration({"mixed": mixed}))["mixed"]
    assert points == pytest.approx(np.array([[0.6, 1.0], [0.935, 0.5]]))


def test_calibration_shows_how_often_each_confidence_occurs():
    right = plots.calibration({"boaster": BOASTER}).axes[1]
    (outline,) = right.patches
    heights = outline.get_xy()
    assert heights[:, 1].max() == pytest.approx(1.0)
    assert heights[heights[:, 1] > 0.5, 0].min() == pytest.approx(0.9)
    assert right.get_xlabel() == "confidence"
    assert right.get_ylabel() == "share of all images"


def test_calibration_says_in_words_what_it_shows():
    text = plots.calibration({"boaster": BOASTER, "honest": HONEST}).get_gid()
    assert "boaster: mean confidence 0.95, accuracy 0.75, expected calibration error 0.20" in text
    assert "honest: mean confidence 0.75, accuracy 0.75, expected calibration error 0.00" in text


COUNTS = np.array([[8, 2], [30, 70]])


def written(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_confusion_writes_counts_or_shares_of_the_row():
    assert written(plots.confusion(COUNTS, ["cat", "dog"])) == ["8", "2", "30", "70"]
    shares = plots.confusion(COUNTS, ["cat", "dog"], shares=True)
    assert written(shares) == ["80%", "20%", "30%", "70%"]
    assert "30% of class dog taken for cat" in shares.get_gid()


def test_confusion_picks_the_commonest_mistake_by_what_it_shows():
    few_and_bad = np.array([[4, 6], [50, 950]])
    counts = plots.confusion(few_and_bad, ["cat", "dog"]).get_gid()
    shares = plots.confusion(few_and_bad, ["cat", "dog"], shares=True).get_gid()
    assert "50 of class dog taken for cat" in counts
    assert "60% of class cat taken for dog" in shares


def test_confusion_of_a_class_without_images_has_no_nan():
    figure = plots.confusion(np.array([[3, 1], [0, 0]]), ["cat", "dog"], shares=True)
    assert written(figure) == ["75%", "25%", "0%", "0%"]
