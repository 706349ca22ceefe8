"""What a person does with a notebook in JupyterLab, as functions of a page."""

from __future__ import annotations

import json
import re
import time
import urllib.request

CELL_SECONDS = 240  # that one wait may take, on a busy machine
BARS = ".widget-hprogress .progress-bar"


def open_notebook(page, lab, path: str) -> None:
    """Open a notebook of the course and wait until its kernel is ready."""
    page.goto(f"{lab.address}/lab/tree/{path}?token={lab.token}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=CELL_SECONDS * 1000)
    idle(page)


def idle(page) -> None:
    page.wait_for_selector(
        '.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator[data-status="idle"]',
        timeout=CELL_SECONDS * 1000,
    )


def menu(page, *entries: str) -> None:
    """Click through the menu bar: menu(page, "Run", "Run All Cells")."""
    first, *rest = entries
    page.locator(".lm-MenuBar-item", has_text=re.compile(f"^{first}$")).click()
    for entry in rest:
        label = page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{re.escape(entry)}$"))
        label.first.click()


def select(page, text: str):
    """Click into the code cell that holds `text`, and return it."""
    cell = page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text=text)).first
    cell.scroll_into_view_if_needed()
    cell.locator(".jp-InputPrompt").first.click()
    return cell


def run_above_and(page, text: str):
    """Run all cells above the one that holds `text`, then that one; return the cell."""
    cell = select(page, text)
    menu(page, "Run", "Run All Above Selected Cell")
    page.keyboard.press("Shift+Enter")
    finished(page, cell)
    return cell


def finished(page, cell) -> None:
    """Wait until a cell has run: its prompt shows a number."""
    end = time.monotonic() + CELL_SECONDS
    while not re.search(r"\[\d+\]", cell.locator(".jp-InputPrompt").first.inner_text()):
        assert time.monotonic() < end, "the cell did not finish"
        page.wait_for_timeout(200)


def widths(page) -> list[float]:
    """Return how far each progress bar on the page is, in per cent."""
    read = "bars => bars.map(bar => parseFloat(bar.style.width))"
    return page.locator(BARS).evaluate_all(read)


def saved(page, path) -> dict:
    """Save the open notebook, and return what the file at `path` then holds.

    Jupyter empties the file and then writes it, so what is read in between is half a notebook.
    """
    before = path.stat().st_mtime_ns
    menu(page, "File", "Save Notebook")
    end = time.monotonic() + CELL_SECONDS
    while time.monotonic() < end:
        page.wait_for_timeout(100)
        if path.stat().st_mtime_ns > before:
            try:
                return json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                continue
    raise AssertionError(f"{path} was not saved within {CELL_SECONDS} seconds")


def stop_kernels(lab) -> None:
    """End all kernels of the server."""

    def ask(method: str, path: str) -> bytes:
        address = f"{lab.address}/api/{path}?token={lab.token}"
        with urllib.request.urlopen(urllib.request.Request(address, method=method)) as answer:
            return answer.read()

    for session in json.loads(ask("GET", "sessions")):
        ask("DELETE", f"sessions/{session['id']}")
