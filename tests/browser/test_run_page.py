"""The page of a run in a real Chromium: readable, sortable by keyboard, accessible."""

import json

import pytest

from cifarlib.runner import report

axe = pytest.importorskip("axe_playwright_python.sync_playwright")

pytestmark = pytest.mark.process
SIZES = {"light": (1200, 900), "dark": (1200, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """Write the page of a run with good, failed and reused notebooks, and return its path."""
    out = tmp_path_factory.mktemp("run")
    entries = []
    for number, state in enumerate(["ok", "failed", "memory", "ok"]):
        slug = f"{number:02d}_book"
        failure = {"cell": 3, "execution_count": 2, "source": "1 / 0", "traceback": "x" * 300}
        entries.append(
            {
                "slug": slug,
                "state": state,
                "seconds": [75.0, 8.0, 700.0, 9.5][number],
                "expected_minutes": 1.0,
                "failure": None if state == "ok" else failure,
                "reused": number == 3,
                "profile": "quick",
                "seed": 0,
            }
        )
        (out / slug).mkdir()
        (out / slug / f"{slug}.html").write_text("page")
        records = out / "records" / slug
        records.mkdir(parents=True)
        history = {"accuracy": [0.3, 0.5, 0.6], "val_accuracy": [0.3, 0.4, 0.5], "loss": [2, 1, 1]}
        origin = {"dataset": "cifar10", "source": "mirror", "digest": "ab" * 32, "exact": False}
        row = {"id": "R0.4", "variant": "report", "seed": 0, "profile": "quick"}
        row |= {"metrics": {"test_accuracy": 0.5 + number / 20}, "training": {"history": history}}
        row |= {"data": {"provenance": origin | {"note": "Not bit-exact."}}}
        (records / "results.jsonl").write_text(json.dumps(row) + "\n")
    environment = {"python": "3", "platform": "Linux", "cpu": "a", "cores": 2, "memory_gb": 8}
    environment |= {"gpus": [], "backend": "tensorflow", "versions": {"keras": "3"}}
    environment |= {"settings": {}, "git": None}
    manifest = {"state": "failed", "profile": "quick", "seed": 0, "mirror": None, "seconds": 800}
    manifest |= {"started": "2026-01-01T00:00:00+00:00", "notebooks": entries}
    report.write(out, manifest | {"environment": environment})
    return out / "index.html"


@pytest.fixture(params=SIZES)
def page(request, chromium, page_file):
    width, height = SIZES[request.param]
    scheme = "dark" if request.param == "dark" else "light"
    page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.wrong, page.asked, page.size = [], [], request.param
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.goto(page_file.as_uri())
    yield page
    page.close()


def test_it_is_accessible_and_fits(page, shot):
    shot(page, f"run-{page.size}", full_page=True)
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
    width = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(width)
    assert page.wrong == []
    assert len(page.asked) == 1  # nothing but the page itself


def test_tables_are_sorted_with_the_keyboard(page):
    def names():
        return page.locator("section:has(#notebooks) tbody th").all_inner_texts()

    button = page.get_by_role("button", name="Time").first
    button.focus()
    page.keyboard.press("Enter")
    assert [name[:2] for name in names()] == ["01", "03", "00", "02"]
    heading = page.locator("section:has(#notebooks) thead th[aria-sort]")
    assert heading.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert [name[:2] for name in names()] == ["02", "00", "03", "01"]
    assert heading.get_attribute("aria-sort") == "descending"


def test_every_curve_has_a_description(page):
    drawings = page.locator("svg")
    assert drawings.count() == 8
    assert all("over 3 epochs" in drawings.nth(n).get_attribute("aria-label") for n in range(8))
