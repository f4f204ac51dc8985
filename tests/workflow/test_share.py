"""`snakemake reference`, `compare` and `archive`, as a user and as a maintainer call them."""

import json
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from studies import TINY
from workflow_helpers import Workplace, contents, jobs_run

pytestmark = pytest.mark.slow

TABLE = "results/tiny/tables/network_nc.parquet"


@pytest.fixture
def referenced(spare) -> Workplace:
    """With a reference of the study tiny, made of what was built."""
    spare.run("reference")
    return spare


def test_a_study_is_its_own_reference_until_a_number_is_changed(referenced):
    before = contents(referenced.work / "results")
    run = referenced.run("compare")
    assert "THE SAME: all that is compared, to the last bit." in run.stdout
    assert jobs_run(run) == {"compare": 1}
    changed = pd.read_parquet(referenced.work / TABLE)
    changed.loc[7, "nc2"] += 1e-3
    changed.to_parquet(referenced.work / TABLE)
    said = referenced.run("compare", succeed=False).stdout
    row = changed.loc[7]
    key = f"digits mlp seed {row['seed']} epoch {row['epoch']} layer {row['layer']} {row['stage']}"
    assert re.search(rf"differs +network_nc +{key} +nc2 +{row['nc2']:.10g} ", said)
    assert "DIFFERENT: 1 of them, in network_nc." in said
    # Nothing was built or derived again: not the table, which Snakemake's records know as another.
    after = contents(referenced.work / "results")
    assert {path for path in after if after[path] != before.get(path)} == {TABLE[len("results/") :]}


def test_what_is_not_there_is_said_and_not_made(referenced):
    (referenced.work / TABLE).unlink()
    said = referenced.run("compare").stdout
    assert "Not there, and not compared: the table network_nc." in said
    assert not (referenced.work / TABLE).exists()
    shutil.rmtree(referenced.work / "results" / "tiny" / "tables")
    said = referenced.run("compare", succeed=False).stdout
    assert "no table of the study tiny is there to compare; `snakemake tables` makes them" in said


def test_points_that_are_not_the_references_are_not_compared(referenced):
    facts = referenced.repository / "reference" / "tiny" / "reference.json"
    known = json.loads(facts.read_text())
    assert known["data"]["digits"]["n"] == TINY["datasets"]["digits"]["n"]
    known["data"]["digits"]["n"] += 1
    facts.write_text(json.dumps(known))
    said = referenced.run("compare").stdout
    assert "Of other data than the reference's, and not compared: digits." in said


def test_without_a_reference_those_that_there_are_are_named(referenced):
    said = referenced.run("compare", study="sweeps", succeed=False).stdout
    assert "there is no reference" in said
    assert "there is one: tiny" in said


def test_an_archive_draws_its_figures_again_alone(spare, tmp_path_factory):
    """Elsewhere, from copies with other times: by drawing and nothing else, and the same bytes."""
    spare.run("archive")
    folder = spare.work / "archive" / "tiny"
    assert not [path for path in folder.rglob("*") if path.suffix == ".safetensors"]
    manifest = json.loads((folder / "manifest.json").read_text())
    digests = contents(folder)
    assert manifest["sha256"].items() <= digests.items()
    # Again there is nothing to do, and made anew it is the same.
    assert "Nothing to be done" in spare.run("archive", "-n").stdout
    shutil.rmtree(folder)
    spare.run("archive")
    assert contents(folder) == digests
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "archive"
    shutil.copytree(folder, elsewhere, copy_function=shutil.copyfile)
    shutil.rmtree(elsewhere / "figures")
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "figures/"],
        cwd=elsewhere,
        env=spare.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    (log,) = (elsewhere / ".snakemake" / "log").glob("*.log")
    run.log = log.read_text()
    assert jobs_run(run) == {"plot_figure": len(TINY["figures"])}
    drawn = contents(elsewhere / "figures" / "tiny")
    assert drawn == contents(spare.work / "figures" / "tiny")
    assert len(drawn) == 2 * len(TINY["figures"])
    # The whole workflow is there too, and knows all results as its own.
    plan = subprocess.run(
        [sys.executable, "-m", "snakemake", "-s", "everything.smk", "plan"],
        cwd=elsewhere,
        env=spare.environment(),
        capture_output=True,
        text=True,
    )
    assert plan.returncode == 0, plan.stdout + plan.stderr
