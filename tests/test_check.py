"""What students see: outcomes, hints, progress, and help where their code is broken."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import cifarlib
from cifarlib.checks import check
from cifarlib.checks.outcomes import CheckFailed, Kind, Outcome
from cifarlib.checks.reference_answers import counting
from cifarlib.errors import CourseError
from cifarlib.runner.kernel import CourseKernelManager

TEST = 'from cifarlib.checks import check\n\ncheck.task("02.conv_parameters")'
RIGHT = """
def conv_parameters(kernel, channels, filters):
    return kernel[0] * kernel[1] * channels * filters + filters
"""
NO_BIAS = RIGHT.replace(" + filters", "")


def run(*sources):
    """Run cells in one kernel, test cells with the tag they have in exercises."""
    tag = {"tags": ["raises-exception"]}
    cells = [new_code_cell(source, metadata=tag) for source in sources]
    return (
        NotebookClient(
            new_notebook(cells=cells), timeout=60, kernel_manager_class=CourseKernelManager
        )
        .execute()
        .cells
    )


def shown(cell):
    return "".join(o.data["text/plain"] for o in cell.outputs if o.output_type == "display_data")


BROKEN = {
    "syntax error": (
        ["def conv_parameters(kernel, channels, filters)\n    return 3"],
        "SyntaxError",
    ),
    "syntax error after a right answer": (
        [RIGHT, "def conv_parameters(k c):\n    pass"],
        "in line 1",
    ),
    "cell stops with an error": (["conv_parameters = 1 / 0"], "ZeroDivisionError"),
    "error after a right answer": ([RIGHT, "x = 1\nconv_parameters = undefined"], "nothing new"),
    "exception in the function": (
        ["def conv_parameters(k, c, f):\n    return kernel"],
        "stops with NameError: name 'kernel' is not defined",
    ),
    "recursion": (
        ["def conv_parameters(k, c, f):\n    return conv_parameters(k, c, f)"],
        "calls itself without end",
    ),
    "name deleted": ([RIGHT, "del conv_parameters"], "There is no `conv_parameters` yet"),
    "out of order": ([], "There is no `conv_parameters` yet"),
    "exit": (["def conv_parameters(k, c, f):\n    raise SystemExit"], "stops with SystemExit"),
    "a class": (["class conv_parameters:\n    pass"], "stops with TypeError"),
    "prints in place of return": (
        ["def conv_parameters(k, c, f):\n    print(k[0] * k[1] * c * f + f)"],
        "gives back None",
    ),
    "always equal": (
        ["class E:\n    __eq__ = lambda s, o: True\ndef conv_parameters(k, c, f):\n    return E()"],
        "an object of type E",
    ),
    "builtins covered": (["print = len = str = None", NO_BIAS], "count without biases"),
    "interrupt": (
        ["def conv_parameters(k, c, f):\n    raise KeyboardInterrupt"],
        "Is there a loop that never ends",
    ),
}


@pytest.fixture(scope="module")
def broken():
    """Run every broken piece in one kernel, with nothing left over from the one before."""
    sources = []
    for pieces, _ in BROKEN.values():
        sources += ["globals().pop('conv_parameters', None);", *pieces, TEST]
    cells = run(*sources, RIGHT, TEST)
    return [cell for cell in cells if cell.source == TEST]


@pytest.mark.process
@pytest.mark.parametrize(
    "number", range(len(BROKEN)), ids=[name.replace(" ", "_") for name in BROKEN]
)
def test_broken_code_gets_help_and_no_points(number, broken):
    _, message = list(BROKEN.values())[number]
    cell = broken[number]
    assert message in shown(cell)
    assert shown(cell).startswith((Kind.WRONG, Kind.NOT_ATTEMPTED))
    (error,) = [output for output in cell.outputs if output.output_type == "error"]
    assert error.ename == "CheckFailed"
    assert len(error.traceback) == 1
    assert "Traceback" not in error.traceback[0]


@pytest.mark.process
def test_after_all_that_a_right_answer_is_right(broken):
    assert shown(broken[-1]).startswith("Right · 2 of 2 points")
    assert not [output for output in broken[-1].outputs if output.output_type == "error"]


@pytest.mark.process
def test_an_error_in_another_cell_does_not_matter():
    cells = run(RIGHT, "conv_parameters(3)", TEST, "1 / 0", TEST)
    assert shown(cells[2]).startswith("Right")
    assert shown(cells[4]).startswith("Right")


@pytest.mark.process
def test_a_warning_costs_nothing():
    noisy = RIGHT.replace(
        "    return", "    import sys; print('note', file=sys.stderr)\n    return"
    )
    (_, cell) = run(noisy, TEST)
    assert shown(cell).startswith("Right")
    assert not [o for o in cell.outputs if o.output_type in ("stream", "error")]


def test_a_checked_function_cannot_change_what_it_is_judged_by():
    def spoil(layers):
        layers.clear()
        return 1

    assert not check.outcome("02.receptive_field", {"receptive_field": spoil}).passed
    assert check.outcome("02.receptive_field", {"receptive_field": counting.field}).passed


def test_hidden_tests_do_not_give_themselves_away():
    table = {((3, 3), 1, 32): 320, ((3, 3), 32, 32): 9248, ((5, 5), 3, 64): 4864}
    table |= {((1, 1), 64, 10): 650, ((1, 7), 16, 8): 904}
    answers = {"conv_parameters": lambda *case: table[case]}
    assert check.outcome("02.conv_parameters", answers).passed
    found = check.outcome("02.conv_parameters", answers, cases=[((9, 9), 9, 9)])
    assert not found.passed
    assert "not for others" in found.message
    assert "9, 9" not in repr(found) + found._repr_html_()
    assert "(9, 9), 9, 9" in found.detail


@pytest.mark.parametrize("empty", [None, ..., lambda k, c, f: None, lambda k, c, f: ...])
def test_nothing_is_no_attempt(empty):
    found = check.outcome("02.conv_parameters", {"conv_parameters": empty})
    assert found.kind in (Kind.NOT_ATTEMPTED, Kind.WRONG)
    assert (found.kind is Kind.WRONG) == (callable(empty) and empty(1, 2, 3) is ...)


def test_a_written_answer_is_nothing_for_a_program():
    assert "a person reads it" in check.outcome("02.same_result", {}).message


def test_it_works_without_a_notebook(capsys):
    namespace = {}
    exec(RIGHT + TEST, namespace)
    exec('check.progress("02")', namespace)
    with pytest.raises(CheckFailed, match=r"02.conv_parameters: Not right yet · 0 of 2 points"):
        exec(NO_BIAS + TEST, namespace)
    text = capsys.readouterr().out
    assert "Right · 2 of 2 points · 02.conv_parameters" in text
    assert "02_counting_parameters: 1 of 8 tasks, 2 of 21 points" in text
    assert "3 points more for what you wrote" in text
    assert 'Stuck? check.hint("02.conv_parameters")' in text


def test_hints_come_in_two_steps(capsys):
    check.hint("02.conv_parameters")
    first = capsys.readouterr().out
    assert 'check.hint("02.conv_parameters", 2)' in first
    check.hint("02.conv_parameters", 2)
    assert capsys.readouterr().out not in ("", first)


@pytest.mark.parametrize("call", [check.hint, check.task, check.names])
def test_unknown_tasks_are_named(call):
    with pytest.raises(CourseError, match=r'no task "02.conv". Choose one of: "02.first_layer"'):
        call("02.conv")
    with pytest.raises(CourseError, match=r'no assignment "99". Known: 01_mnist_cnn'):
        call("99.conv")


def test_the_names_of_a_test_cell():
    source = f"{TEST}\ncheck.task(\"01.trained\")\n  check.task( '01.split', cases=[(1, 2)])"
    wanted = ["conv_parameters", "digits_model", "split", "test_accuracy"]
    assert check.names_in(source) == wanted


def test_html_is_escaped_and_folds_hints():
    found = Outcome("02.x", Kind.WRONG, "`a<b>` is <2", 1, ("use `len`", "or <i>"))
    html = found._repr_html_()
    assert "<code>a&lt;b&gt;</code> is &lt;2" in html
    assert html.count("<details>") == 2
    assert "or &lt;i&gt;" in html
    assert "Not right yet · 0 of 1 point" in html
    assert "<details>" not in Outcome("02.x", Kind.RIGHT, "", 1, ("a", "b"))._repr_html_()


@pytest.mark.process
def test_checks_are_light():
    code = (
        "import sys; from cifarlib.checks import check; n = {'first_layer': 4864};"
        "assert check.outcome('02.first_layer', n).passed;"
        "assert not {'keras', 'matplotlib', 'nbgrader', 'IPython'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_student_facing_modules_do_not_import_grading():
    package = Path(cifarlib.__file__).parent
    instructors = ("checks", "grader", "runner", "cli.py")
    paths = [p for p in package.rglob("*.py") if p.relative_to(package).parts[0] not in instructors]
    assert len(paths) > 40
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            imported = [getattr(node, "module", "")] if isinstance(node, ast.ImportFrom) else []
            imported += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            forbidden = ("cifarlib.grader", "cifarlib.checks")
            assert not any(str(name).startswith(forbidden) for name in imported), path
