"""`cifarlib run` with tiny notebooks: every way in which a notebook can end."""

import io
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import nbformat
import psutil
import pytest
from running import NOTE, RECORD, go, make, posix, printed, read_json
from waiting import GUARD, alive, has_ended, wait_for

from cifarlib.errors import CourseError
from cifarlib.runner.plan import plan
from cifarlib.runner.run import run


class Mixed:
    """One run of good and bad notebooks, which several tests look at."""

    def __init__(self, folder: Path):
        self.out = folder / "out {braces}"
        paths = [
            make(folder, "01_raises", "print('before')", "1 / 0", "print('never')"),
            make(folder, "02_ok", "print(PROFILE, SEED)", RECORD, link="03_exits.ipynb"),
            make(folder, "03_exits", "print('here')", "import os; os._exit(1)"),
            make(
                folder,
                "04_killed",
                "import os, signal, subprocess, sys\n"
                "child = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
                "open('child', 'w').write(str(subprocess.Popen(child).pid))\n"
                "os.kill(os.getpid(), signal.SIGKILL if os.name == 'posix' else 9)",
            ),
        ]
        make(folder, "05_intended", "1 / 0")
        intended = nbformat.read(folder / "05_intended.ipynb", as_version=4)
        intended.cells[-1].metadata["tags"] = ["raises-exception"]
        nbformat.write(intended, folder / "05_intended.ipynb")
        (folder / "06_broken.ipynb").write_text("{ no notebook")
        paths += [folder / "05_intended.ipynb", folder / "06_broken.ipynb"]
        with redirect_stdout(io.StringIO()) as text, redirect_stderr(io.StringIO()) as errors:
            self.code = go(paths, self.out, seed=7)
        self.text, self.errors = text.getvalue(), errors.getvalue()
        self.manifest = read_json(self.out / "manifest.json")
        self.page = (self.out / "index.html").read_text(encoding="utf-8")

    def journal(self, slug: str) -> dict:
        return read_json(self.out / slug / "journal.json")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    before = os.environ.pop("CIFARLIB_MIRROR", None)
    try:
        return Mixed(tmp_path_factory.mktemp("mixed"))
    finally:
        if before is not None:
            os.environ["CIFARLIB_MIRROR"] = before


@pytest.mark.process
def test_every_notebook_has_its_state(mixed):
    assert mixed.code == 1
    assert mixed.manifest["state"] == "failed"
    assert {e["slug"]: e["state"] for e in mixed.manifest["notebooks"]} == {
        "01_raises": "failed",
        "02_ok": "ok",
        "03_exits": "died",
        "04_killed": "died",
        "05_intended": "ok",
        "06_broken": "failed",
    }


@pytest.mark.process
def test_a_good_notebook_gets_its_parameters(mixed):
    assert printed(mixed.out, "02_ok") == "smoke 7\n"
    journal = mixed.journal("02_ok")
    assert (journal["state"], journal["cells"], journal["failure"]) == ("ok", 4, None)
    assert journal["parameters"] == {"PROFILE": "smoke", "SEED": 7}
    html = (mixed.out / "02_ok" / "02_ok.html").read_text(encoding="utf-8")
    assert "smoke 7" in html
    assert 'href="../03_exits/03_exits.html"' in html  # notebook to notebook, page to page


@pytest.mark.process
def test_a_raising_cell_is_told_with_number_and_traceback(mixed):
    failure = mixed.journal("01_raises")["failure"]
    assert failure["cell"] == 4
    assert failure["source"] == "1 / 0"
    assert "ZeroDivisionError: division by zero" in failure["traceback"]
    assert "\x1b" not in failure["traceback"]
    assert "before" in printed(mixed.out, "01_raises")
    assert "never" not in printed(mixed.out, "01_raises")


@pytest.mark.process
def test_a_dead_kernel_is_never_ok(mixed):
    assert "exit code 1" in mixed.journal("03_exits")["failure"]["traceback"]
    assert mixed.journal("03_exits")["failure"]["cell"] == 4
    assert "here" in printed(mixed.out, "03_exits")
    if os.name == "posix":
        text = mixed.journal("04_killed")["failure"]["traceback"]
        assert "SIGKILL" in text
        assert "memory" in text


@pytest.mark.process
def test_intended_errors_leave_no_banner(mixed):
    cells = nbformat.read(mixed.out / "05_intended" / "05_intended.ipynb", as_version=4).cells
    assert [o.output_type for o in cells[-1].outputs] == ["error"]
    assert len(cells) == 4  # title, parameters, injected parameters, error


@pytest.mark.process
def test_a_broken_notebook_file_is_named(mixed):
    text = mixed.journal("06_broken")["failure"]["traceback"]
    assert "06_broken.ipynb is no notebook" in text
    assert "Traceback" not in text


@pytest.mark.process
def test_nothing_temporary_is_left(mixed):
    child = int((mixed.out.parent / "child").read_text())
    assert has_ended(child)
    names = [p.name for p in mixed.out.rglob("*") if p.is_file()]
    assert not [n for n in names if n.endswith(".part") or "partial" in n]


@pytest.mark.process
def test_manifest_says_what_was_run_and_on_what(mixed):
    assert mixed.manifest["profile"] == "smoke"
    assert mixed.manifest["seed"] == 7
    assert mixed.manifest["environment"]["versions"]["keras"]
    assert mixed.manifest["environment"]["cores"] >= 1
    ran = [e for e in mixed.manifest["notebooks"] if e["state"] == "ok"]
    assert ran
    assert all(e["seconds"] > 0 for e in ran)
    (row,) = mixed.manifest["data"]
    assert row["exact"] is False
    assert row["used_by"] == ["02_ok"]


@pytest.mark.process
def test_page_shows_states_results_and_warnings(mixed):
    assert '<p class="banner" role="note">These numbers come from embedded' in mixed.page
    assert f'<p class="banner" role="note">{NOTE}</p>' in mixed.page
    assert '<span class="state died">died</span>' in mixed.page
    assert "0.5678" in mixed.page
    assert "ZeroDivisionError" in mixed.page
    assert 'href="02_ok/02_ok.html"' in mixed.page
    assert str(mixed.out) not in mixed.page.split("</section>")[0].split("<pre")[0]


@pytest.mark.process
def test_failures_are_printed(mixed):
    assert "01_raises.ipynb: failed at cell 4 (In [4])" in mixed.errors
    assert "ZeroDivisionError: division by zero" in mixed.errors
    assert "04_killed.ipynb: died at cell 3" in mixed.errors
    assert "06_broken.ipynb: failed\n" in mixed.errors
    assert "[2/6] 02_ok: ok after" in mixed.errors
    assert str(mixed.out / "index.html") in mixed.text


@pytest.mark.process
def test_timeout(tmp_path, capsys):
    waits = "import os\nopen('pid', 'w').write(str(os.getpid()))\nimport time\ntime.sleep(600)"
    path = make(tmp_path, "01_slow", "print('up')", waits)
    assert go([path], tmp_path / "out", timeout=10) == 1
    assert has_ended(int((tmp_path / "pid").read_text()))
    journal = read_json(tmp_path / "out" / "01_slow" / "journal.json")
    assert journal["state"] == "timeout"
    assert journal["failure"]["cell"] == 4
    assert "10 seconds" in capsys.readouterr().err


@pytest.mark.process
@posix
def test_ctrl_c_stops_all_and_leaves_the_page(tmp_path):
    waits = "from pathlib import Path\nPath('pid').write_text('')\nimport time; time.sleep(600)"
    make(tmp_path / "notebooks", "01_waits", "print('first')", waits)
    make(tmp_path / "notebooks", "02_next", "print('second')")
    command = [sys.executable, "-m", "cifarlib.cli", "run", "--profile", "smoke"]
    process = subprocess.Popen(
        [*command, "--out", "out"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    pid = tmp_path / "notebooks" / "pid"
    wait_for(lambda: pid.exists() or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2  # the worker and its kernel
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=GUARD)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert not alive(family)
    out = tmp_path / "out"
    journal = read_json(out / "01_waits" / "journal.json")
    assert journal["state"] == "interrupted"
    assert journal["failure"]["cell"] == 4
    assert "first" in printed(out, "01_waits")
    manifest = read_json(out / "manifest.json")
    assert manifest["state"] == "interrupted"
    assert [e["state"] for e in manifest["notebooks"]] == ["interrupted", "not run"]
    assert "interrupted" in (out / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["99"], {}, "There is no notebook '99'.*01_fine"),
        (["no.ipynb"], {}, "There is no notebook 'no.ipynb'"),
        ([], {"profile": "fast"}, "no profile 'fast'.*smoke.*quick.*full"),
        ([], {"mirror": "nowhere"}, "--mirror names .*nowhere, which is not a folder.*datasets"),
        ([], {"timeout": -1}, "--timeout must be above 0"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_written(ready, names, options, message):
    with pytest.raises(CourseError, match=f"(?s){message}"):
        run(plan(names, **({"profile": "smoke"} | options)))
    assert not Path("runs").exists()


def test_mirror_variable_is_checked_too(ready, monkeypatch):
    monkeypatch.setenv("CIFARLIB_MIRROR", "nowhere")
    with pytest.raises(CourseError, match="CIFARLIB_MIRROR names"):
        plan([])


def test_notebooks_are_found_by_number_name_or_path(ready):
    for name in ("01", "1", "fine", "01_fine", "01_fine.ipynb", str(ready)):
        assert plan([name], profile="smoke").notebooks == (ready,)


def test_two_notebooks_of_one_name_are_refused(ready, tmp_path):
    other = make(tmp_path / "other", "01_fine", "2")
    with pytest.raises(CourseError, match="same name"):
        plan(["01", str(other)], profile="smoke")


@pytest.mark.process
def test_an_earlier_result_is_replaced_and_its_time_remembered(tmp_path):
    path = make(tmp_path, "01_again", RECORD)
    out = tmp_path / "out"
    assert go([path], out) == 0
    (out / "mine.txt").write_text("keep")
    make(tmp_path, "01_again", "raise SystemExit(3)")
    assert go([path], out) == 1
    entry = read_json(out / "manifest.json")["notebooks"][0]
    assert entry["expected_minutes"] is not None
    assert not (out / "records" / "01_again" / "results.jsonl").exists()
    assert (out / "mine.txt").read_text() == "keep"
