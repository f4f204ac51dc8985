"""`snakemake plan`, the refusal of what does not fit the disk, and needs that jobs keep to."""

import sys
from pathlib import Path

import pytest
from agop_collapse.files.contents import Contents
from agop_collapse.plan.configuration import load
from agop_collapse.plan.jobs import Jobs
from studies import STUDIES
from workflow_helpers import ROOT, Workplace

sys.path.append(str(ROOT / "benchmarks"))
from resources import taken

pytestmark = pytest.mark.slow

# Width squared in float64, as a root of the second layer takes, is eight terabytes.
HUGE = {
    "seeds": [0],
    "device": "cpu",
    "datasets": {"digits": {"kind": "digits", "n": 40}},
    "deep_rfm": [{"depth": 2, "width": 10**6}],
    "figures": {"fig03": None},
}


@pytest.mark.parametrize("options", [(), ("-n",)], ids=["run", "dry run"])
def test_plan_says_what_each_study_takes_and_makes_nothing(fresh, options):
    said = fresh.run("plan", *options).stdout
    rows = {line[:33].strip(): line[33:].split() for line in said.splitlines()}
    assert {"study tiny", "study sweeps", "study bare"} <= rows.keys()
    assert rows["study tiny"][1] == "0"
    assert "Free on this disk" in said
    assert "Job stats" not in said
    assert not (fresh.work / "results").exists()


def test_plan_knows_what_is_there(tiny):
    said = tiny.run("-n", "plan").stdout
    (row,) = (line.split() for line in said.splitlines() if line.startswith("study tiny "))
    assert row[2] == row[3]


def test_what_does_not_fit_the_disk_is_refused_before_the_first_job(tmp_path):
    place = Workplace.make(tmp_path, {"tiny": HUGE})
    said = place.run("figures/", succeed=False).stdout
    assert "The disk is too small" in said
    assert "TB, and" in said
    assert not (place.work / "results").exists()
    # What fits is made, whatever the rest of the study takes.
    place.run("results/tiny/data/digits.safetensors")


def test_jobs_keep_to_the_memory_and_disk_that_are_planned(tiny):
    """At this size memory is that of the process: of what lies above it, another test knows."""
    configuration = load({"study": "tiny", "studies": STUDIES})
    contents = Contents(Path(tiny.root, "contents.json"))
    jobs = Jobs(configuration, tiny.repository / "workflow", "data", contents, with_gpus=False)
    found = list(taken(jobs, "tiny", tiny.work))
    assert len(found) == 2 * len(jobs.studies["tiny"].runs)
    for each in found:
        assert 0 < each.mem_mb <= each.job.mem_mb <= 2 * each.mem_mb + 300, each
        assert each.disk_mb <= each.job.disk_mb <= 2 * each.disk_mb + 2, each
