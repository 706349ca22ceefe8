"""Which names of a graded cell come from the student, and which from the instructor."""

from __future__ import annotations

import pytest

from cifarlib.errors import CourseError
from cifarlib.grader.name_ownership import imports_of_tests, only_shows, plan_tests
from cifarlib.grader.source import SourceCell


def plain(source):
    return SourceCell("", "code", source)


def answer(source):
    return SourceCell("answer", "code", source, solution=True)


def graded(source, id="test"):
    return SourceCell(id, "code", source, grade=True, locked=True, points=1)


def planned(*cells):
    """Return what the referee does for the last cell."""
    return list(plan_tests(cells).values())[-1]


STUDENTS = {
    "assigned": ([answer("x = 1")], "assert x == 1", ["x"]),
    "function": ([answer("def f(a):\n    return a")], "assert f(1) == 1", ["f"]),
    "several at once": ([answer("a, (b, *c) = 1, (2, 3)")], "assert a + b + c[0]", ["a", "b", "c"]),
    "in a loop": ([answer("for i in range(3):\n    last = i")], "assert last == i", ["i", "last"]),
    "with a walrus": ([answer("print(n := 3)")], "assert n == 3", ["n"]),
    "declared global": ([answer("def f():\n    global g\n    g = 1\nf()")], "assert g == 1", ["g"]),
    "counted up": ([plain("n = 0"), answer("n += 1")], "assert n == 1", ["n"]),
    "item set": ([plain("table = {}"), answer("table['a'] = 1")], "assert table", ["table"]),
    "attribute set": ([plain("m = make()"), answer("m.a.b = 1")], "assert m.a.b", ["m"]),
    "item deleted": ([plain("t = [1, 2]"), answer("del t[0]")], "assert t == [2]", ["t"]),
    "changed by a method": (
        [plain("rows = []"), answer("rows.append(3)")],
        "assert rows",
        ["rows"],
    ),
    "computed from it": ([answer("x = 1"), plain("y = x + 1")], "assert y == 2", ["y"]),
    "through a helper": (
        [answer("x = 1"), plain("def double():\n    return 2 * x")],
        "assert double() == 2",
        ["x"],
    ),
    "through a helper's helper": (
        [answer("x = 1"), plain("def a():\n    return x"), plain("def b():\n    return a()")],
        "assert b() == 1",
        ["x"],
    ),
    "used inside a function of the test": (
        [answer("x = 1")],
        "def look():\n    return x\nassert look() == 1",
        ["x"],
    ),
    "covers the instructor's": ([plain("x = 1"), answer("x = 2")], "assert x == 2", ["x"]),
}


@pytest.mark.parametrize("case", STUDENTS)
def test_what_a_solution_cell_makes_is_the_students(case):
    cells, code, names = STUDENTS[case]
    assert planned(*cells, graded(code)).names == names


INSTRUCTORS = {
    "import": ([plain("import numpy as np")], "assert np.pi"),
    "import in an answer": ([answer("import numpy as np")], "assert np.pi"),
    "data": ([plain("DATA = [1, 2]")], "assert DATA"),
    "helper": ([plain("def close(a, b):\n    return abs(a - b) < 1")], "assert close(1, 1)"),
    "class": ([plain("class Case:\n    pass")], "assert Case"),
    "computed from data": ([plain("a = 1"), plain("b = a + 1")], "assert b == 2"),
    "set again after the answer": ([answer("x = 2"), plain("x = 1")], "assert x == 1"),
    "imported after the answer": ([answer("np = 3"), plain("import numpy as np")], "assert np.pi"),
    "helper after the answer": (
        [answer("def f():\n    return 2"), plain("def f():\n    return 1")],
        "assert f() == 1",
    ),
    "local to the test's function": (
        [answer("x = 1")],
        "def f(x):\n    return x\nassert f(2) == 2",
    ),
    "local to the student's function": ([answer("def f():\n    y = 1")], "assert y"),
    "attribute of the same name": ([answer("pi = 3"), plain("import math")], "assert math.pi"),
    "helper whose attribute is set": (
        [plain("def close():\n    pass"), answer("close.__code__ = None")],
        "close()",
    ),
    "never mentioned": ([answer("x = 1")], "assert True"),
}


@pytest.mark.parametrize("case", INSTRUCTORS)
def test_everything_else_is_the_instructors(case):
    cells, code = INSTRUCTORS[case]
    assert planned(*cells, graded(code)).names == []


def test_the_referee_runs_the_instructors_code_and_none_of_the_students():
    cells = [
        plain("import numpy as np\nDATA = np.arange(3)\nprint(DATA)\nDATA\ncheck.hint('x')"),
        answer("mean = DATA.mean()"),
        plain("def close(a, b):\n    return a == b"),
        plain("text = f'{mean}'"),
    ]
    found = planned(*cells, graded("assert close(mean, 1)"))
    wanted = "import numpy as np\nDATA = np.arange(3)\ndef close(a, b):\n    return a == b"
    assert "\n".join(line for line in found.before.splitlines() if line) == wanted
    assert found.names == ["mean"]


def test_a_helpers_own_data_is_run_with_it():
    found = planned(plain("LEAST = 3"), plain("def f(x):\n    return x > LEAST"), graded("f(4)"))
    assert found.before.startswith("LEAST = 3")
    assert found.names == []


def test_code_is_run_once_before_the_test_that_follows_it():
    cells = [
        plain("a = 1"),
        graded("assert a", "first"),
        plain("b = 2"),
        graded("assert b", "second"),
    ]
    assert {id: t.before for id, t in plan_tests(cells).items()} == {
        "first": "a = 1",
        "second": "b = 2",
    }


def test_a_name_stays_the_students_for_all_later_tests():
    cells = [answer("x = 1"), graded("x", "first"), plain("c = 3"), graded("x + c", "second")]
    assert [t.names for t in plan_tests(cells).values()] == [["x"], ["x"]]


@pytest.mark.process
def test_checks_say_which_names_they_read():
    code = 'from cifarlib.checks import check\n\ncheck.task("02.conv_parameters")'
    assert planned(answer("def conv_parameters(k, c, f):\n    return 3"), graded(code)).names == [
        "conv_parameters"
    ]
    assert planned(plain("conv_parameters = 3"), graded(code)).names == []


def test_written_cells_and_text_decide_nothing():
    essay = SourceCell("essay", "markdown", "x = 1", grade=True, solution=True, points=1)
    assert planned(essay, graded("assert x")).names == []


def test_magic_commands_are_understood():
    assert planned(plain("%matplotlib inline"), answer("x = !ls"), graded("assert x")).names == [
        "x"
    ]


@pytest.mark.parametrize("make", [plain, answer])
def test_a_cell_that_is_no_python_is_named(make):
    with pytest.raises(CourseError, match=r"is no Python .*line 1"):
        plan_tests([make("def f(:"), graded("f")])


def test_imports_are_collected_once_each():
    cells = [plain("import math\nfrom os import path"), graded("import math\nimport json\nmath.pi")]
    assert imports_of_tests(plan_tests(cells), cells) == [
        "import math",
        "from os import path",
        "import json",
    ]


@pytest.mark.parametrize(
    ("code", "shows"),
    [
        ("from cifarlib.checks import check\ncheck.progress('02')", True),
        ('check.hint("02.recover", 2)', True),
        ("# nothing\n", True),
        ("check.task('02.recover')", False),
        ("x = 1\ncheck.progress('02')", False),
        ("import os", False),
    ],
)
def test_cells_that_only_show_something_need_not_run(code, shows):
    assert only_shows(plain(code)) is shows
