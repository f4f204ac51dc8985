"""What lies in a user's working folder, and how Snakemake is called there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow_helpers import ROOT

pytestmark = pytest.mark.slow

STUDY = {
    "study": "mine",
    "studies": {"mine": {"seeds": [0], "datasets": {"digits": {"kind": "digits", "n": 40}}}},
}
DATA = "results/mine/data/digits.safetensors"


def snakemake(
    folder: Path, *arguments: str, config: str | None = None, **options
) -> subprocess.CompletedProcess:
    """Run Snakemake in the folder, which is not the repository."""
    (folder / "mine.yaml").write_text(config or yaml.safe_dump(STUDY))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--configfile", "mine.yaml", "--cores", "1", "--", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        **{"stderr": subprocess.STDOUT} | options,
    )


def test_a_file_of_the_users_may_be_called_job(tmp_path):
    (tmp_path / "job.py").write_text("raise SystemExit('a job of my own')\n")
    run = snakemake(tmp_path, DATA)
    assert run.returncode == 0, run.stdout
    assert (tmp_path / DATA).exists()


def test_a_key_that_stands_twice_is_told_before_any_job(tmp_path):
    config = "study: mine\nstudies:\n  mine:\n    datasets: {d: {kind: digits, n: 40, n: 50}}\n"
    run = snakemake(tmp_path, "-n", config=config)
    assert run.returncode
    said = "mine.yaml, line 4: the key n stands in the same block in line 4, and YAML takes"
    assert f"The configuration has a mistake.\n{said}" in run.stdout


def test_a_file_as_data_root_of_the_environment_is_told(tmp_path):
    environment = os.environ | {"AGOP_COLLAPSE_DATA": "mine.yaml"}
    run = snakemake(tmp_path, "-n", env=environment)
    said = "the environment variable AGOP_COLLAPSE_DATA = 'mine.yaml' must be a folder, and is a"
    assert run.returncode
    assert said in run.stdout


def test_data_that_cannot_be_read_are_told_in_a_paragraph(tmp_path):
    (tmp_path / "photos" / "a").mkdir(parents=True)
    os.mkfifo(tmp_path / "photos" / "a" / "x.png")
    config = "study: mine\nstudies:\n  mine:\n    datasets:\n"
    config += "      d: {kind: image_folder, n: 40, path: photos}\n"
    run = snakemake(tmp_path, "-n", config=config)
    assert run.returncode
    assert run.stdout.splitlines()[1:] == [
        "studies.mine.datasets.d.path = 'photos' cannot be read: photos/a/x.png is no regular "
        "file, but a pipe, socket or device; take it away"
    ]
