"""Gains of pairs, against SciPy."""

from math import inf

import numpy as np
import pytest
from scipy import stats

from cifarlib import CourseError
from cifarlib.ledger.paired_difference import paired_gain

AFTER, BEFORE = [0.70, 0.72, 0.69, 0.76], [0.68, 0.71, 0.69, 0.71]


def test_the_interval_is_that_of_a_paired_t_test():
    gain = paired_gain(AFTER, BEFORE)
    truth = stats.ttest_rel(AFTER, BEFORE)
    interval = truth.confidence_interval(0.95)
    assert gain.mean == pytest.approx(2.0)
    assert (gain.low, gain.high) == pytest.approx((100 * interval.low, 100 * interval.high))
    assert str(gain) == "+2.0 points (95 % interval -1.4 to +5.4, 4 pairs)"


@pytest.mark.parametrize(("by", "apart"), [(0.0, False), (0.05, True), (-0.09, True)])
def test_told_apart_is_what_the_t_test_says(by, apart):
    after = np.array(AFTER) + by
    gain = paired_gain(after, BEFORE)
    assert gain.told_apart is apart
    assert gain.told_apart == (stats.ttest_rel(after, BEFORE).pvalue < 0.05)


def test_the_order_of_the_pairs_does_not_matter_but_the_pairing_does():
    assert paired_gain(AFTER[::-1], BEFORE[::-1]).high == pytest.approx(
        paired_gain(AFTER, BEFORE).high
    )
    assert paired_gain(AFTER, sorted(BEFORE)).high != pytest.approx(paired_gain(AFTER, BEFORE).high)


def test_one_pair_tells_nothing_for_sure():
    gain = paired_gain([0.9], [0.1])
    assert (gain.low, gain.high) == (-inf, inf)
    assert not gain.told_apart
    assert str(gain) == "+80.0 points (one pair: no interval)"


def test_equal_differences_leave_no_doubt():
    gain = paired_gain([0.5, 0.75], [0.25, 0.5])
    assert (gain.low, gain.mean, gain.high) == (25, 25, 25)
    assert gain.told_apart
    assert not paired_gain([0.5, 0.7], [0.5, 0.7]).told_apart


@pytest.mark.parametrize(("after", "before"), [([0.5], [0.5, 0.6]), ([], [])])
def test_what_makes_no_pairs_is_refused(after, before):
    with pytest.raises(CourseError, match=f"these are {len(after)} and {len(before)}"):
        paired_gain(after, before)
