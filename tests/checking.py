"""What the tests of the checks share: tables of right and wrong answers, and a count of them."""

from collections import Counter

import pytest

from cifarlib.checks import check
from cifarlib.checks.outcomes import Kind

COUNTS = Counter()


def right_answers(*rows):
    """Parametrise over (task, answers) or (task, answers, part of a remark)."""
    COUNTS["must pass"] += len(rows)
    rows = [row if len(row) == 3 else (*row, "") for row in rows]
    return pytest.mark.parametrize(("task", "answers", "note"), rows, ids=_ids(rows))


def wrong_answers(*rows):
    """Parametrise over (task, answers, part of the message that must appear)."""
    COUNTS["must fail"] += len(rows)
    return pytest.mark.parametrize(("task", "answers", "message"), rows, ids=_ids(rows))


def assert_right(task, answers, note):
    found = check.outcome(task, answers)
    assert (found.kind, found.message) == (Kind.NOTE if note else Kind.RIGHT, found.message), found
    assert note in found.message
    assert found.earned == found.points > 0


def assert_wrong(task, answers, message):
    found = check.outcome(task, answers)
    assert found.kind is Kind.WRONG, found
    assert message in found.message
    assert found.earned == 0


def tasks_of(test):
    """Return how often each task is in a table."""
    (mark,) = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    return Counter(row[0] for row in mark.args[1])


def _ids(rows):
    return [f"{row[0]}-{row[2].replace(' ', '_')[:25]}" for row in rows]
