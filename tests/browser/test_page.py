"""The course page in a browser: links, pictures, phone width, contrast, search."""

import functools
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest

pytest.importorskip("myst_nb", reason="the extra `book` is not installed")

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
PHONE = {"width": 375, "height": 740}
SOME = ["README", "notebooks/01_mnist_cnn", "docs/exercises", "docs/api"]
SOME += ["exercises/09_other_backbones/09_other_backbones"]
WIDE = ["notebooks/02_counting_parameters", "notebooks/12_the_ledger", "docs/instructor"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Build the page as it stands, serve it, and give its address."""
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-c", "docs", ".", str(out)]
    subprocess.run(command, cwd=ROOT, check=True)
    handler = functools.partial(Quiet, directory=str(out))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture
def page(chromium):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def links(page):
    return page.eval_on_selector_all("a[href]", "found => found.map(a => a.href)")


def test_every_page_is_whole(page, book):
    """Follow every link of every page that stays on the page; look at every picture."""
    answers, anchors, wanted = {}, {}, {}
    page.on("response", lambda answer: answers.update({answer.url: answer.status}))
    outside = []
    page.on("request", lambda asked: outside.append(asked.url) if book not in asked.url else None)
    queue, seen = [urljoin(book, "README.html")], set()
    while queue:
        address = queue.pop()
        if address in seen:
            continue
        seen.add(address)
        if not address.endswith(".html"):
            assert page.request.get(address).ok, address
            continue
        assert page.goto(address).ok, f"{address}, linked from {wanted.get(address)}"
        anchors[address] = set(page.eval_on_selector_all("[id]", "a => a.map(e => e.id)"))
        lazy = "images => images.filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
        page.wait_for_load_state("load")
        assert page.eval_on_selector_all("article img", lazy) == [], address
        for link in links(page):
            target, _ = urldefrag(link)
            if target.startswith(book):
                wanted.setdefault(link, address)
                queue.append(target)
    missing = [
        f"{link} on {where}"
        for link, where in wanted.items()
        if (parts := urldefrag(link)).fragment and parts.fragment not in anchors[parts.url]
    ]
    assert missing == []
    assert {url: status for url, status in answers.items() if status >= 400} == {}
    assert [url for url in outside if not url.startswith("data:")] == []
    assert len(seen) > 2 * len(list((ROOT / "notebooks").glob("*.ipynb")))


@pytest.mark.parametrize("name", SOME + WIDE)
def test_a_phone_does_not_scroll_sideways(page, book, shot, name):
    page.set_viewport_size(PHONE)
    page.goto(urljoin(book, f"{name}.html"))
    shot(page, f"book-phone-{name.rpartition('/')[2]}")
    wide = page.evaluate("document.scrollingElement.scrollWidth")
    assert wide <= PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SOME)
def test_contrast_and_names(page, book, shot, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    page.goto(urljoin(book, f"{name}.html"))
    shot(page, f"book-{scheme}-{name.rpartition('/')[2]}")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    told = [(v["id"], v["help"], [n["html"][:150] for n in v["nodes"]][:5]) for v in serious]
    assert told == []


def test_search_finds_a_notebook(page, book, shot):
    page.goto(urljoin(book, "search.html?q=calibration"))
    page.wait_for_selector("#search-results li")
    shot(page, "book-search")
    assert any("05_reading_a_model.html" in link for link in links(page))


def test_formulas_are_drawn(page, book, shot):
    page.goto(urljoin(book, "notebooks/08_vgg16_unfrozen.html"))
    formula = page.locator("div.math math").first
    formula.scroll_into_view_if_needed()
    shot(page, "book-formula")
    box, row = formula.bounding_box(), page.locator("math mfrac").first.bounding_box()
    assert box["width"] > 100
    assert row["height"] > 15


def test_code_is_copied_by_a_button(page, book):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(urljoin(book, "notebooks/01_mnist_cnn.html"))
    cell = page.locator("div.cell_input div.highlight").nth(1)
    cell.hover()
    cell.locator("button.copybtn").click()
    page.wait_for_timeout(300)
    assert page.evaluate("navigator.clipboard.readText()").startswith("import cifarlib")
