"""nbgrader itself takes the solutions and exercises as they are, and scores them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.validator import Validator
from traitlets.config import Config

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent
SLUG = "02_counting_parameters"
ANSWERS = {
    "first_layer_answer": "first_layer = 4800",
    "conv_parameters_answer": "import sys\ndef conv_parameters(k, c, f):\n"
    "    print('a warning', file=sys.stderr)\n    return (k[0] * k[1] * c + 1) * f",
    "output_size_answer": "def output_size(size, kernel, stride, padding)\n    return 3",
    "receptive_field_answer": "def receptive_field(layers):\n"
    "    known = {1: 3, 2: 5, 3: 8, 5: 18, 0: 1}\n    return known[len(layers)]",
}
"""Wrong; right but noisy; broken; and right for too few inputs."""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder in which nbgrader made and graded three submissions of one assignment."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "solutions" / SLUG, folder / "solutions" / SLUG)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    nbgrader(folder, "generate_assignment", SLUG)
    source, exercise = (
        folder / f"{kind}/{SLUG}/{SLUG}.ipynb" for kind in ("solutions", "exercises")
    )
    submit(folder, "full", source)
    submit(folder, "empty", exercise)
    submit(folder, "some", exercise, ANSWERS)
    nbgrader(folder, "autograde", SLUG)
    return folder


def nbgrader(folder, *arguments):
    """Run the command; it finds its tools beside this Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "nbgrader", *arguments]
    environment = os.environ | {"PATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def submit(folder, student, notebook, answers=()):
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell["source"] = answers[name]
    target = folder / "submitted" / student / SLUG
    target.mkdir(parents=True)
    (target / f"{SLUG}.ipynb").write_text(json.dumps(content), encoding="utf-8")


def scores(course):
    with Gradebook(f"sqlite:///{course}/gradebook.db", "cifarlib") as gradebook:
        return {
            submission.student.id: {
                grade.name: grade.auto_score
                for notebook in submission.notebooks
                for grade in notebook.grades
                if grade.auto_score
            }
            for submission in gradebook.assignment_submissions(SLUG)
        }


def test_nbgrader_generates_what_we_release(course):
    made = course / "exercises" / SLUG / f"{SLUG}.ipynb"
    assert made.read_bytes() == (ROOT / "exercises" / SLUG / f"{SLUG}.ipynb").read_bytes()


def test_autograde_gives_full_points_to_the_solution(course):
    full = scores(course)["full"]
    assert sum(full.values()) == 21
    assert len(full) == 8


def test_autograde_gives_nothing_to_an_exercise_as_it_stands(course):
    assert scores(course)["empty"] == {}


def test_autograde_scores_each_answer_by_itself(course):
    """Hidden tests count: a table of the visible inputs is worth nothing."""
    assert scores(course)["some"] == {"conv_parameters": 2}


def test_formgrader_lists_the_assignment(course):
    config = Config()
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.release_directory = "exercises"
    api = NbGraderAPI(CourseDirectory(root=str(course), config=config))
    (assignment,) = [a for a in api.get_assignments() if a["name"] == SLUG]
    assert assignment["source_path"] == str(Path("solutions") / SLUG)
    assert assignment["release_path"] == str(Path("exercises") / SLUG)
    assert assignment["status"] == "released" or assignment["status"] == "draft"
    assert assignment["max_score"] == 24
    assert assignment["num_submissions"] == 3


def test_validate_says_what_is_missing(course):
    exercise = course / "exercises" / SLUG / f"{SLUG}.ipynb"
    failed = Validator().validate(str(exercise))["failed"]
    assert len(failed) == 9
    assert failed[0]["raw_error"] == "02.first_layer: Not attempted · 0 of 1 point"


def test_validate_is_content_with_the_solution(course):
    assert Validator().validate(str(course / "solutions" / SLUG / f"{SLUG}.ipynb")) == {}
