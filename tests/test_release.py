"""`cifarlib release`: what it makes, what it finds stale, and what it refuses."""

import json
import re
import shutil
from pathlib import Path

import pytest

from cifarlib.cli import main
from cifarlib.errors import CourseError
from cifarlib.grader import release

ROOT = Path(__file__).parent.parent
SLUG = "02_counting_parameters"


@pytest.fixture
def course(tmp_path):
    """A course folder with one released assignment."""
    for name in (f"solutions/{SLUG}", f"exercises/{SLUG}"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    for target in ("notebooks/02_counting_parameters", "solutions/03_cifar10_cnn/03_cifar10_cnn"):
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{target}.ipynb").touch()
    (tmp_path / "solutions/03_cifar10_cnn/03_cifar10_cnn.ipynb").unlink()
    text = solution(tmp_path).read_text(encoding="utf-8")
    solution(tmp_path).write_text(text.replace("../03_cifar10_cnn/03_cifar10_cnn.ipynb", ".."))
    release.release(tmp_path)
    return tmp_path


def solution(course):
    return course / "solutions" / SLUG / f"{SLUG}.ipynb"


def exercise(course):
    return course / "exercises" / SLUG / f"{SLUG}.ipynb"


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def change_cell(path, name, change):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name:
            change(cell)
    path.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")


def test_releasing_twice_changes_nothing(course):
    before = exercise(course).read_bytes()
    assert release.release(course) == []
    exercise(course).unlink()
    assert release.release(course, ["02"]) == [exercise(course)]
    assert exercise(course).read_bytes() == before
    assert release.stale(course) == []


def test_an_exercise_has_no_answers_and_its_cells_are_locked(course):
    cells = json.loads(exercise(course).read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        assert cell["metadata"]["deletable"] is False
        is_answer = cell["metadata"].get("nbgrader", {}).get("solution", False)
        assert cell["metadata"].get("editable", True) is is_answer
        assert not cell.get("outputs")
        text = "".join(cell["source"])
        assert not re.search("SOLUTION|HIDDEN", text)
        if is_answer:
            stub = "# YOUR CODE HERE" if cell["cell_type"] == "code" else "*Your answer here.*"
            assert stub in text


@pytest.mark.parametrize(
    ("old", "new", "cell"),
    [
        ("Use a pencil, and no Keras.", "Use a pencil.", r'cell 1 \("## Task 1 · Predict'),
        ("def recover(printed, channels):", "def recover(text, channels):", "recover_answer"),
        ("R0_4 += [", "R0_4 = R0_4 + [", "networks"),
    ],
)
def test_an_edited_sentence_or_cell_is_found(course, old, new, cell, monkeypatch, capsys):
    edit(solution(course), old, new)
    (line,) = release.stale(course)
    assert re.search(rf"^exercises/{SLUG}/{SLUG}.ipynb, cell \d+ \(.*is stale", line)
    assert re.search(cell, line)
    monkeypatch.chdir(course)
    assert main(["release", "--check"]) == 1
    assert line in capsys.readouterr().err
    assert main(["release"]) == 0
    assert f"wrote exercises/{SLUG}" in capsys.readouterr().out
    assert main(["release", "--check"]) == 0


def test_an_edited_answer_is_found_where_it_shows(course):
    """The model answer itself is not in the exercise: but the exercise edited by hand is found."""
    edit(exercise(course), "# YOUR CODE HERE", "first_layer = 4864")
    (line,) = release.stale(course)
    assert "first_layer_answer" in line


def test_missing_and_left_over_exercises_are_found(course):
    exercise(course).unlink()
    other = course / "exercises" / "99_other" / "99_other.ipynb"
    other.parent.mkdir()
    other.write_text("{}")
    assert release.stale(course) == [
        f"exercises/{SLUG}/{SLUG}.ipynb is missing. `cifarlib release {SLUG}` mends it.",
        "exercises/99_other/99_other.ipynb: there is no solution for it.",
    ]
    assert set(release.release(course)) == {exercise(course), other}
    assert not other.parent.exists()


def set_points(cell):
    cell["metadata"]["nbgrader"]["points"] = 7


def drop_tag(cell):
    cell["metadata"]["tags"] = []


def call_another(cell):
    cell["source"] = "".join(cell["source"]).replace("02.recover", "02.first_layer")


def add_output(cell):
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("recover", set_points, 'cell "recover" has 7 points in its metadata'),
        ("recover", drop_tag, 'cell "recover" needs the tag "raises-exception"'),
        ("recover", call_another, 'must call check.task("02.recover"), and no other'),
        ("recover", add_output, "has outputs. Clear them"),
        ("recover", lambda cell: cell["metadata"].pop("nbgrader"), "graded cells are first_layer"),
    ],
)
def test_a_solution_that_disagrees_with_its_checks_is_refused(course, name, change, message):
    before = exercise(course).read_bytes()
    change_cell(solution(course), name, change)
    with pytest.raises(CourseError, match=r"need mending before a release") as caught:
        release.release(course)
    assert message in str(caught.value)
    assert f"{SLUG}.ipynb" in str(caught.value)
    assert exercise(course).read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Count any convolution (2 points)", "Count any convolution (3 points)", "heading is"),
        ("../../notebooks/02_counting", "../../notebooks/2_counting", "which is not there"),
    ],
)
def test_wrong_headings_and_links_are_refused(course, old, new, message):
    edit(solution(course), old, new)
    with pytest.raises(CourseError, match=message):
        release.stale(course)


def test_a_region_without_its_end_is_refused(course):
    edit(solution(course), "### END SOLUTION", "### END")
    with pytest.raises(CourseError, match=f"nbgrader could not convert solutions/{SLUG}/"):
        release.release(course)


def test_unknown_places_and_names(course, tmp_path):
    with pytest.raises(CourseError, match="is no course folder"):
        release.release(tmp_path / "notebooks")
    with pytest.raises(CourseError, match=f'no solution "12".*Known: {SLUG}'):
        release.release(course, ["12"])
    for name in ("02", SLUG, "counting_parameters", f"solutions/{SLUG}/{SLUG}.ipynb"):
        assert release.stale(course, [name]) == []
