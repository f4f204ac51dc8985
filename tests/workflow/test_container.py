"""The container: its recipe as far as that goes without an engine, and how Snakemake uses it."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from workflow_helpers import ROOT, Workplace, jobs_run

STAND_IN = ROOT / "tests" / "fixtures" / "apptainer" / "bin"


class Instruction(NamedTuple):
    """A line of the recipe, whatever it is broken into."""

    name: str
    text: str


def recipe() -> list[Instruction]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [Instruction(*line.split(maxsplit=1)) for line in lines if line.strip()]


def texts(name: str) -> list[str]:
    return [instruction.text for instruction in recipe() if instruction.name == name]


def test_python_is_that_of_the_conda_environments():
    (image,) = texts("FROM")
    for file in (ROOT / "envs").glob("*.yaml"):
        (python, *_) = yaml.safe_load(file.read_text())["dependencies"]
        assert image == f"python:{python.removeprefix('python =')}-slim"


def test_what_is_copied_is_there_and_not_ignored():
    (copied,) = texts("COPY")
    source, destination = copied.split()
    assert destination == "."
    assert (ROOT / source).is_file()
    assert (ROOT / ".dockerignore").read_text().splitlines()[1:] == ["*", f"!{source}"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with a venv that sees what is installed here, pip among it, and no index."""
    folder = tmp_path_factory.mktemp("image")
    venv.create(folder / "venv", symlinks=True, with_pip=False)
    place = sysconfig.get_path("purelib", vars={"base": str(folder / "venv")})
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(place, "here.pth").write_text(
        "".join(f"import site; site.addsitedir({path!r})\n" for path in sorted(here))
    )
    pip = folder / "venv" / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\nexec "{pip.with_name("python")}" -m pip "$@"\n')
    pip.chmod(0o755)
    return folder


def run_step(folder: Path, torch: str, requirements: str) -> subprocess.CompletedProcess:
    """The recipe's RUN, in a plain folder with a list of packages."""
    (step,) = texts("RUN")
    (folder / "requirements.txt").write_text(requirements)
    environment = {
        "PATH": f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TORCH": torch,
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }
    command = ["sh", "-c", step]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("torch", ["cpu", "cuda"])
def test_the_step_ends_with_all_of_requirements_and_nothing_amiss(installed, torch):
    """Of what is there already, pip installs nothing; without an index, it could not."""
    run = run_step(installed, torch, (ROOT / "requirements.txt").read_text())
    assert run.returncode == 0, run.stderr
    assert "No broken requirements found." in run.stdout
    assert "Requirement already satisfied: torch==" in run.stdout


@pytest.mark.slow
def test_the_step_fails_where_a_package_is_not_to_be_had(installed):
    run = run_step(installed, "cpu", "no-such-package==1\n")
    assert run.returncode != 0
    assert "no-such-package==1" in run.stderr


def test_pytorch_is_for_cpu_or_cuda(installed):
    assert texts("ARG") == ["TORCH=cpu"]
    run = run_step(installed, "gpu", "")
    assert run.returncode == 1
    assert run.stderr == "TORCH is cpu or cuda, and not gpu\n"


@pytest.fixture
def place(tmp_path) -> Workplace:
    made = Workplace.make(tmp_path, {})
    study = {
        "seeds": [0],
        "datasets": {"digits": {"kind": "digits", "n": 100}},
        "deep_rfm": [{"depth": 2, "width": 16}],
        "figures": {"fig03": None},
    }
    made.configure({"tiny": study})
    return made


def in_container(place: Workplace, *arguments: str, **options) -> subprocess.CompletedProcess:
    path = [str(STAND_IN), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {"PATH": os.pathsep.join(path)}
    return place.run(*arguments, "--sdm", "apptainer", environment=environment, **options)


@pytest.mark.slow
def test_every_job_runs_in_the_image_and_makes_what_it_makes_outside(place):
    image = place.repository / "agop-collapse.sif"
    image.touch()
    run = in_container(place, "figures/tiny/fig03.pdf")
    assert (place.work / "figures" / "tiny" / "fig03.pdf").is_file()
    jobs = sum(jobs_run(run).values())
    assert jobs >= 4
    assert len(image.read_text().splitlines()) == jobs
    # And is not made again without it.
    assert place.plan("figures/tiny/fig03.pdf") == {}


@pytest.mark.slow
def test_an_image_that_is_missing_is_named(place):
    run = in_container(place, "figures/tiny/fig03.pdf", succeed=False)
    assert f"could not open image {place.repository / 'agop-collapse.sif'}" in run.stdout


def test_page_has_the_commands_of_the_public_ci():
    """Those that need an engine, which no test here has."""
    page = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    steps = [step["run"] for step in jobs["container"]["steps"] if "run" in step]
    for step in steps:
        if not step.startswith("pip install"):
            assert step in page
    assert shutil.which(str(STAND_IN / "apptainer"))
