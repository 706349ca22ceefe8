"""JupyterLab as a student meets it: notebook 01 to its end, sliders, and an exercise."""

import json
import re
import time

import pytest

from notebooks import (
    CELL_SECONDS,
    finished,
    idle,
    menu,
    open_notebook,
    run_above_and,
    saved,
    select,
    stop_kernels,
    widths,
)

pytestmark = pytest.mark.process

NOTEBOOK_SECONDS = 300  # half a minute on an idle machine
IMAGES = ".jp-OutputArea-output img"


@pytest.fixture
def page(chromium, lab):
    """A fresh window; afterwards no kernel is left, so the next test has the machine to itself."""
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(CELL_SECONDS * 1000)
    yield page
    page.close()
    stop_kernels(lab)


def test_make_lab_opens_the_first_notebook(page, lab, shot):
    page.goto(f"{lab.address}/?token={lab.token}")
    page.wait_for_selector(".jp-Notebook h1")
    idle(page)
    assert page.locator(".jp-Notebook h1").inner_text().startswith("00 · ")
    assert page.locator(".Toastify__toast").count() == 0
    shot(page, "lab-00-first-view")


def test_notebook_01_runs_to_its_end(page, lab, shot):
    open_notebook(page, lab, "notebooks/01_mnist_cnn.ipynb")
    menu(page, "Edit", "Clear Outputs of All Cells")
    assert page.locator(IMAGES).count() == 0
    menu(page, "Run", "Run All Cells")
    seen, texts = watch_bars(page, shot)
    assert any(0 < width < 100 for width in seen), "no progress bar moved"
    assert 100 in seen
    assert not [text for text in texts if "/?" in text], "a bar does not know its end"
    assert page.locator(".widget-hprogress:visible").count() == 0
    assert page.locator(IMAGES).count() >= 6
    assert page.locator(".jp-OutputArea-output table").count() >= 2
    assert all(page.locator(IMAGES).evaluate_all("found => found.map(i => i.naturalWidth > 100)"))
    last = page.locator(IMAGES).last
    last.scroll_into_view_if_needed()
    shot(page, "lab-01-end")
    notebook = saved(page, lab.course / "notebooks/01_mnist_cnn.ipynb")
    outputs = [o for c in notebook["cells"] for o in c.get("outputs", [])]
    assert len(outputs) > 20
    assert [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"] == []


def watch_bars(page, shot):
    """Return widths and texts of the progress bars until the last cell has run."""
    seen, texts = [], []
    last = page.locator(".jp-CodeCell .jp-InputPrompt").last
    end = time.monotonic() + NOTEBOOK_SECONDS
    while time.monotonic() < end:
        bars = widths(page)
        if any(0 < width < 100 for width in bars) and not any(0 < width < 100 for width in seen):
            page.locator(".widget-hprogress").first.scroll_into_view_if_needed()
            shot(page, "lab-01-progress")
        seen += bars
        texts += page.locator(".widget-hprogress ~ .widget-html").all_inner_texts()
        if re.search(r"\[\d+\]", last.inner_text()):
            return seen, texts
        page.wait_for_timeout(150)
    shot(page, "lab-01-unfinished")
    raise AssertionError("notebook 01 did not finish")


def turn(page, cell, label, key="ArrowRight", times=1):
    """Move the slider with a label by the keyboard, as somebody without a mouse would."""
    row = cell.locator(".widget-inline-hbox", has=page.get_by_text(label, exact=True))
    handle = row.locator(".noUi-handle").first
    handle.focus()
    for _ in range(times):
        handle.press(key)


def changed(page, read, before):
    """Wait until `read()` no longer gives `before`, and return what it gives."""
    for _ in range(150):
        if (now := read()) != before:
            return now
        page.wait_for_timeout(100)
    raise AssertionError(f"what is shown did not change: {before[:200]!r}")


def test_the_sliders_of_02_change_shape_formula_and_counts(page, lab, shot):
    open_notebook(page, lab, "notebooks/02_counting_parameters.ipynb")
    cell = select(page, "parameter_explorer(kernel")
    page.keyboard.press("Shift+Enter")
    finished(page, cell)
    table = cell.locator(".widget-html table")
    table.wait_for()

    def rows():
        text = table.inner_text()
        return dict(line.split("\t", 1) for line in text.splitlines() if "\t" in line)

    first = rows()
    assert first["parameters"] == "896"
    assert first["shape out"] == "(30, 30, 32)"
    moves = {
        "kernel size": {"shape of the kernels", "shape out", "calculation", "multiply-adds"},
        "filters": {"shape out", "parameters", "multiply-adds"},
        "input channels": {"shape in", "parameters", "multiply-adds"},
        "input size": {"shape in", "shape out", "multiply-adds"},
        "stride": {"shape out", "places of the window", "multiply-adds"},
    }
    for label, lines in moves.items():
        before = rows()
        turn(page, cell, label)
        after = changed(page, rows, before)
        assert lines <= {name for name in after if after[name] != before[name]}, label
    before = rows()
    cell.locator("select").select_option("same")
    after = changed(page, rows, before)
    assert after["shape out"] != before["shape out"]
    shot(page, "lab-02-explorer")


def test_the_browser_of_05_shows_other_images(page, lab, shot):
    open_notebook(page, lab, "notebooks/05_reading_a_model.ipynb")
    cell = run_above_and(page, "image_browser(data.x_test")
    image = cell.locator(IMAGES)
    image.wait_for()
    assert image.count() == 1
    first = image.get_attribute("src")
    turn(page, cell, "page")
    second = changed(page, lambda: image.get_attribute("src"), first)
    path = lab.course / "notebooks/05_reading_a_model.ipynb"
    assert "page 2 of" in json.dumps(saved(page, path))
    cell.locator("select").nth(1).select_option(label="another class (wrong)")
    changed(page, lambda: image.get_attribute("src"), second)
    assert "page 2 of" not in json.dumps(saved(page, path))
    image.scroll_into_view_if_needed()
    shot(page, "lab-05-browser")


def test_the_sliders_of_10_change_the_picture(page, lab, shot):
    open_notebook(page, lab, "notebooks/10_augmentation.ipynb")
    cell = run_above_and(page, "augmentation_explorer(original)")
    image = cell.locator(".widget-html img")
    image.wait_for()
    shown = image.get_attribute("src")
    labels = ("rotation (degrees)", "shift to the right", "shift down", "part that is seen")
    for label in labels:
        turn(page, cell, label, times=3)
        shown = changed(page, lambda: image.get_attribute("src"), shown)
    cell.get_by_label("flip left-right").check()
    shown = changed(page, lambda: image.get_attribute("src"), shown)
    assert "rotation 23" in image.get_attribute("alt")
    shot(page, "lab-10-augmentation")


def answer(page, text, code):
    """Replace the answer cell that holds `text`, run it and the check below; give its words."""
    cell = select(page, text)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    check = page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text="check.task"))
    finished(page, check.first)
    idle(page)
    return check.first.locator(".jp-OutputArea-output").all_inner_texts()


def test_an_exercise_answered_wrongly_and_then_rightly(page, lab, shot):
    open_notebook(page, lab, "exercises/01_mnist_cnn/01_mnist_cnn.ipynb")
    wrong = "import numpy as np\n\ndef to_unit(images):\n    return images"
    right = (
        "import numpy as np\n\ndef to_unit(images):\n    return (images / 255).astype('float32')"
    )
    said = "\n".join(answer(page, "def to_unit", wrong))
    assert "Not right yet · 0 of 2 points" in said
    assert "uint8" in said
    shot(page, "lab-exercise-wrong")
    said = "\n".join(answer(page, "def to_unit", right))
    assert "Right · 2 of 2 points" in said
    shot(page, "lab-exercise-right")
