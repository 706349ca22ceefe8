import subprocess
import sys

import pytest

from cifarlib import ledger
from cifarlib.cli import main


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("run 77", "03_cifar10_cnn"),
        ("run 01 --profile fast", "smoke"),
        ("run 01 --mirror /no/such/folder", "not a folder"),
        ("data verify --mirror /no/such/folder", "not a folder"),
        ("data fetch imagenet", "cifar10"),
        ("ledger measure R9.9", "R9.9"),
        ("ledger measure R0.10", "cifarlib run 08"),
        ("accept /no/such/folder", "holds no run"),
    ],
)
def test_mistakes_are_explained_without_a_traceback(command, words, capsys, tmp_path):
    extra = ["--out", str(tmp_path / "out")] if command.startswith("run") else []
    assert main([*command.split(), *extra]) == 2
    text = capsys.readouterr().err
    assert text.startswith("cifarlib: ")
    assert words in text
    assert "Traceback" not in text
    assert not (tmp_path / "out").exists()


def test_sync_outside_the_course_says_where_to_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["ledger", "sync"]) == 2
    assert "There is no README.md here. Change into the course's folder." in capsys.readouterr().err


def test_version_and_help(capsys):
    for option, words in [("--version", "cifarlib 0."), ("--help", "execute notebooks")]:
        with pytest.raises(SystemExit, match="0"):
            main([option])
        assert words in capsys.readouterr().out


def test_ledger_lists_every_system(capsys):
    assert main(["ledger"]) == 0
    text = capsys.readouterr().out
    assert "50 systems" in text
    assert all(f"\n{id} " in text for id in ledger.systems())


def test_sync_says_which_sentence_is_wrong(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("It is <!--=claim R0.4 test_accuracy-->1 %<!--/--> or 77 %.\n")
    assert main(["ledger", "sync", str(page)]) == 1
    assert page.read_text().startswith("It is <!--=claim R0.4 test_accuracy-->56.5 %<!--/-->")
    assert "77 %" in capsys.readouterr().err


@pytest.mark.process
def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m cifarlib.cli ledger | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert "system" in done.stdout
    assert done.stderr == ""


@pytest.mark.process
def test_commands_do_not_load_keras():
    code = (
        "import sys; from cifarlib.cli import main; main(['ledger']);"
        "print([m for m in ('keras', 'tensorflow', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
