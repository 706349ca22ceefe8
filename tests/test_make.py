"""The installation that `make` does, with a Python that installs nothing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent
MAKES_ENVIRONMENT = """#!/bin/sh
[ "$1 $2" = "-m venv" ] || exit 0
mkdir -p .venv/bin
cat > .venv/bin/python <<'END'
#!/bin/sh
if [ -f breaks ]; then rm breaks; touch .venv/half; exit 1; fi
END
printf '#!/bin/sh\\n' > .venv/bin/jupyter
chmod +x .venv/bin/*
"""


@pytest.fixture
def make(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(MAKES_ENVIRONMENT)
    python.chmod(0o755)
    command = ["make", ".venv/.ready", f"PYTHON={python}"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return lambda: subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env=clean, timeout=60
    )


def test_an_interrupted_installation_starts_anew(make, tmp_path):
    (tmp_path / "breaks").touch()
    assert make().returncode != 0
    assert (tmp_path / ".venv/half").exists()
    assert not (tmp_path / ".venv/.ready").exists()
    again = make()
    assert again.returncode == 0, again.stderr
    assert "interrupted" in again.stdout
    assert not (tmp_path / ".venv/half").exists()
    assert (tmp_path / ".venv/.ready").exists()


def test_an_environment_of_ones_own_is_kept(make, tmp_path):
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/mine").touch()
    assert make().returncode == 0
    assert (tmp_path / ".venv/mine").exists()


def test_it_is_done_once(make):
    assert make().returncode == 0
    assert "up to date" in make().stdout
