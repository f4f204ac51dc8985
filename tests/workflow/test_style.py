"""Formatters and linters have nothing to say."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "tool",
    [
        "ruff check",
        "ruff format --check",
        "snakefmt --check Snakefile workflow",
        "snakemake --lint",
    ],
)
def test_tool_is_content(tool):
    command = [sys.executable, "-m", *tool.split()]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
