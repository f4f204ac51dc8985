"""The public CI says what is there: targets, files, versions, and what CONTRIBUTING.md says."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from workflow_helpers import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
CI, NEWEST = (GITHUB / "workflows" / name for name in ("ci.yml", "newest.yml"))
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]


def jobs(workflow: Path) -> dict[str, dict]:
    return yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]


def steps(workflow: Path) -> list[dict]:
    return [step for job in jobs(workflow).values() for step in job["steps"]]


def commands(workflow: Path) -> list[str]:
    return [step["run"] for step in steps(workflow) if "run" in step]


COMMANDS = [command for workflow in WORKFLOWS for command in commands(workflow)]


def pythons() -> set[str]:
    """Versions that the tests run with, as "3.11"."""
    matrix = jobs(CI)["test"]["strategy"]["matrix"]
    return {*matrix["python"], *(extra["python"] for extra in matrix["include"])}


@pytest.mark.parametrize("file", sorted(GITHUB.rglob("*.yml")), ids=lambda path: path.stem)
def test_file_is_yaml(file):
    assert yaml.safe_load(file.read_text(encoding="utf-8"))


def test_commands_name_targets_that_there_are():
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    made = [shlex.split(command) for command in COMMANDS if command.startswith("make ")]
    assert made
    for _, *words in made:
        words = words[: words.index(">")] if ">" in words else words
        named = [word for word in words if "=" not in word and not word.startswith("-")]
        assert named
        assert {*named} <= {*phony}


def test_commands_name_files_that_there_are_or_are_made_there():
    made = {"newest.txt", "notes.md", "agop-collapse.tar", "agop-collapse.sif"}
    named = {
        word
        for command in COMMANDS
        for word in re.findall(r"[\w./-]*\w\.(?:py|txt|md|tar|sif)\b|\bDockerfile\b", command)
    }
    assert made < named
    for name in named - made:
        assert (ROOT / name).is_file(), name


def test_every_command_is_documented():
    """But for a runner's own: its name of Python, and what only runs as GitHub releases."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in DOCUMENTS)
    for command in commands(CI) + commands(NEWEST):
        words = command.replace(" PYTHON=python", "")
        assert words in text, f"`{words}` is in no page"


def test_oldest_python_is_the_one_that_the_project_needs():
    oldest, *_ = sorted(pythons())
    settings = (ROOT / "pyproject.toml").read_text()
    assert f'target-version = "py{oldest.replace(".", "")}"' in settings
    makefile = (ROOT / "Makefile").read_text()
    assert f"sys.version_info[:2] < ({oldest.replace('.', ', ')})" in makefile
    assert f"Python ≥ {oldest}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_pythons_leave_none_out_and_are_those_that_the_readme_names():
    minors = sorted(int(version.removeprefix("3.")) for version in pythons())
    assert minors == list(range(minors[0], minors[-1] + 1))
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"Python 3.{minors[0]} to 3.{minors[-1]}" in readme


def test_actions_are_of_a_major_version():
    used = [step["uses"] for file in WORKFLOWS for step in steps(file) if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action), action


def test_plugins_are_those_that_the_pages_name():
    pages = [ROOT / "profiles" / "slurm" / "config.yaml", ROOT / "docs" / "cluster.md"]
    named, installed = (
        {pin for text in texts for pin in re.findall(r"snakemake-exec[\w-]+==[\d.]*\d", text)}
        for texts in ((page.read_text(encoding="utf-8") for page in pages), COMMANDS)
    )
    assert named == installed
    assert len(named) == 3


def notes(version: str) -> subprocess.CompletedProcess:
    command = ["make", "--silent", "notes", f"VERSION={version}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_notes_are_the_section_of_the_changelog():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    section = text.partition("## [Unreleased]\n")[2].partition("\n## ")[0]
    assert notes("Unreleased").stdout.strip() == section.strip()
    assert "### Fixed" in section


def test_notes_of_a_version_that_the_changelog_lacks_are_an_error():
    run = notes("0.0.0")
    assert run.returncode != 0
    assert 'CHANGELOG.md has no "## [0.0.0]"' in run.stderr
    assert run.stdout == ""
