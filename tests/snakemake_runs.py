"""Runs of the real workflow in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def snakemake(
    folder: Path, dataset: dict, *arguments: str, repository: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess:
    """Run Snakemake in `folder` for a study `mine` of one data set, `images`.

    Without arguments it prepares that data set.
    """
    config = folder / "mine.yaml"
    config.write_text(
        yaml.safe_dump({"study": "mine", "studies": {"mine": {"datasets": {"images": dataset}}}})
    )
    command = [sys.executable, "-m", "snakemake", "--directory", folder, "--configfile", config]
    command += ["--cores", "1", *(arguments or ["--", "results/mine/data/images.safetensors"])]
    known = {key: value for key, value in os.environ.items() if key != "AGOP_COLLAPSE_DATA"}
    return subprocess.run(
        command, cwd=repository, env=known | environment, capture_output=True, text=True
    )
