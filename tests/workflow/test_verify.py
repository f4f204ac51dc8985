"""`snakemake manifest`, and `workflow/verify.py`, which derives a study again and compares."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from faults import CHANGES, edit, results, study
from workflow_helpers import Workplace, contents, jobs_run

pytestmark = pytest.mark.slow

MANIFEST = "results/tiny/manifest.json"
LAYER = "results/tiny/deep_rfm/digits/laplace-relu-agop/seed0/layers/layer_02.safetensors"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workplace:
    """A study of few points, with its manifest."""
    place = Workplace.make(tmp_path_factory.mktemp("verify"), {"tiny": study(1)})
    place.run("manifest")
    return place


def verify(place: Workplace, folder: Path, *options: str) -> subprocess.CompletedProcess:
    """As a user calls it in the working folder; temporary folders lie in `folder`."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(place.repository / "workflow" / "verify.py")]
    command += ["--configfile", "../studies.yaml", "--config", "study=tiny", *options]
    environment = place.environment(TMPDIR=str(folder))
    return subprocess.run(command, cwd=place.work, env=environment, capture_output=True, text=True)


def test_the_manifest_lists_all_that_the_study_keeps(place):
    manifest = json.loads((place.work / MANIFEST).read_text())
    found = {path: digest for path, digest in results(place).items() if path != MANIFEST}
    assert {path: of["sha256"] for path, of in manifest["files"].items()} == found
    assert len(found) > 50
    for path, identity in place.identities().items():
        inside = manifest["files"].get(path) or manifest["files"][f"{path}/identity"]
        assert inside["identity"] == identity


def test_again_there_is_nothing_to_do_and_anew_it_is_the_same(place):
    assert "Nothing to be done" in place.run("manifest", "-n").stdout
    before = (place.work / MANIFEST).read_bytes()
    (place.work / MANIFEST).unlink()
    assert jobs_run(place.run("manifest")) == {"make_manifest": 1, "manifest": 1}
    assert (place.work / MANIFEST).read_bytes() == before


def left(folder: Path) -> list[Path]:
    """What `verify` has left in a folder of temporary ones."""
    return list(folder.glob("agop-collapse-verify-*"))


def test_derived_again_elsewhere_it_is_the_same(place, tmp_path):
    run = verify(place, tmp_path, "--cores", "1")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1] == "THE SAME: every file, to the last bit."
    assert not left(tmp_path)
    # The other order: networks before Deep RFM, which comes first in the plan.
    assert run.stderr.index("Training mlp") < run.stderr.index("Deep RFM on digits")


def test_a_damaged_file_is_named_and_so_is_what_another_formula_makes(place, tmp_path):
    other = place.copy(tmp_path / "copy")
    layer = bytearray((other.work / LAYER).read_bytes())
    layer[-1] ^= 1
    (other.work / LAYER).write_bytes(layer)
    edit(other, CHANGES["formula"].formulas)
    before = contents(other.work)
    run = verify(other, tmp_path / "temporary")
    assert run.returncode == 1, run.stdout + run.stderr
    heading = f"other than {MANIFEST} says:"
    here, there = run.stdout.removeprefix(f"Here, {heading}\n").split(f"Derived again, {heading}\n")
    assert here == f"    {LAYER}: other bytes\n"
    named = {line.strip().partition(":")[0] for line in there.splitlines() if line[0] == " "}
    assert "results/tiny/tables/theory_kernel.parquet" in named
    assert "figures/tiny/v1_fig04.pdf" in named
    assert "The two manifests differ in identity, code, runs, too." in there
    assert f"DIFFERENT: {len({*named, LAYER})} of the files." in there
    # Nothing here was touched, and what was derived is left to look at.
    assert contents(other.work) == before
    (derived,) = left(tmp_path / "temporary")
    assert {path for path in named if (derived / path).is_file()} == named


def test_without_a_manifest_it_says_what_makes_one(place, tmp_path):
    bare = place.copy(tmp_path / "copy")
    (bare.work / MANIFEST).unlink()
    run = verify(bare, tmp_path / "temporary")
    assert run.returncode == 1
    said = f"verify: {MANIFEST} is not there; `snakemake manifest` makes it"
    assert run.stderr.splitlines()[-1] == said
    assert not left(tmp_path / "temporary")
