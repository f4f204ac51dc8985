"""The set-up that `make figures` and `make test` share, with requirements that need no network."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path):
    """A folder with the Makefile, and nothing to install."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements.txt").write_text("# nothing\n")
    return folder


def make(folder: Path, target: str, python: object = sys.executable):
    command = ["make", target, f"PYTHON={python}"]
    # Without what `make test` tells those that it starts.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_help_names_every_target_and_what_contributing_says(checkout):
    text = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.+)$", text, flags=re.MULTILINE)[1].split()
    said = make(checkout, "help").stdout
    assert re.findall(r"^make ([\w-]+) ", said, flags=re.MULTILINE) == [
        target for target in targets if target not in ("help", "venv")
    ]
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([\w-]+)", contributing, flags=re.MULTILINE):
        assert target in targets
    assert "make test-fast" in contributing


def python_that(folder: Path, begins_with: str) -> Path:
    """A Python that runs some code before that given to it with -c."""
    script = folder / "python-stand-in"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{begins_with}\n$2"\n')
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("target", ["figures", "test", "test-fast"])
@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ("import sys; sys.version_info = (3, 9, 18)", "is Python 3.9: install a newer one, or"),
        ("import sys; sys.version_info = (2, 7, 18)", "is Python 2.7: install a newer one, or"),
        ("import sys; sys.modules['ensurepip'] = None", "needs the venv module that"),
        (None, "there is no command"),
    ],
)
def test_unfit_python_is_refused_in_one_sentence(checkout, target, python, sentence):
    command = python_that(checkout, python) if python else checkout / "no-such-python"
    run = make(checkout, target, command)
    assert run.returncode != 0
    complaint, by_make = run.stderr.splitlines()
    assert sentence in complaint
    assert by_make.startswith("make: ***")
    assert not (checkout / ".venv").exists()


def test_folder_with_a_space_is_refused(checkout):
    folder = checkout.rename(checkout.with_name("a checkout"))
    run = make(folder, "figures")
    assert run.returncode != 0
    assert f'cannot be in "{folder}"' in run.stderr
    assert not (folder / ".venv").exists()


@pytest.mark.slow
def test_environment_is_made_once_and_again_when_outdated_or_half_made(checkout):
    venv = checkout / ".venv"
    stale = venv / "stale"

    def is_made_anew() -> bool:
        stale.touch()
        run = make(checkout, "venv")
        assert run.returncode == 0, run.stderr
        return not stale.exists()

    assert make(checkout, "venv").returncode == 0
    assert not is_made_anew()
    (checkout / "requirements.txt").write_text("# still nothing\n")
    assert is_made_anew()
    assert not is_made_anew()
    (venv / "requirements.txt").unlink()  # as after a set-up that was killed
    assert is_made_anew()
    (venv / "bin" / "python").unlink()  # as after its Python was uninstalled
    assert is_made_anew()


@pytest.mark.slow
def test_failed_set_up_leaves_nothing(checkout):
    (checkout / "requirements.txt").write_text("./no-such-folder\n")
    run = make(checkout, "venv")
    assert run.returncode != 0
    assert "The set-up of .venv failed" in run.stderr
    assert not (checkout / ".venv").exists()
