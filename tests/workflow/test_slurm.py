"""The workflow on a Slurm cluster, of one node, that is started for it."""

import importlib.util
import os
import subprocess
import time
from pathlib import Path

import one_node_slurm
import pytest
from slurm_queue import queue, waiting_for_ever
from studies import RELU
from workflow_helpers import ROOT, Workplace, contents

pytestmark = pytest.mark.slow

if reason := one_node_slurm.why_not():
    pytest.skip(reason, allow_module_level=True)

RUN = "results/tiny/deep_rfm/digits/laplace-relu-agop/seed0"
TARGETS = [f"{RUN}/run.json"]
TARGETS += [f"results/tiny/tables/{table}.parquet" for table in ("runs", "theory_kernel")]
STUDY = {
    "seeds": [0],
    "datasets": {"digits": {"kind": "digits", "n": 100}},
    "deep_rfm": [RELU],
    "theory_kernel": {"width": 64, "draws": 2},
}
WORDS = {"ACCOUNT": "root", "GPU_PARTITION": "with_gpus", "PARTITION": "main", "1440": "7"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with one_node_slurm.cluster(tmp_path_factory.mktemp("slurm")) as variables:
        yield variables


def ask(cluster: dict[str, str], *command: str) -> str:
    return subprocess.run(
        command, env=cluster, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.skipif(
    not importlib.util.find_spec("snakemake_executor_plugin_slurm"),
    reason="needs snakemake-executor-plugin-slurm",
)
def test_slurm_makes_the_same_bytes_with_what_the_site_says(cluster, tmp_path):
    """Two small jobs in one ask for too little memory in their first try."""
    place = Workplace.make(tmp_path, {"tiny": STUDY})
    text = (ROOT / "profiles" / "site.yaml").read_text()
    for word, here in WORDS.items():
        text = text.replace(f": {word}\n", f": {here}\n")
    lines = [line for line in text.splitlines() if "on_gpu_gpu_model" not in line]
    site = tmp_path / "my_site.yaml"
    site.write_text("\n".join(lines).replace("gpu:a100:1", "gpu:1"))
    profiles = ["--workflow-profile", "profiles/slurm", "--profile", str(site)]
    hasty = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "1"]
    small = ("list_runs", "simulate_theory_kernel")
    little = ["--set-resources", *(f"{rule}:mem_mb=100*attempt**5" for rule in small)]
    run = place.run(*TARGETS, *profiles, *hasty, *little, cores=1, environment=cluster)

    # Slurm's jobs: what, partition, GPUs, minutes, how it ended; and their memory.
    found = ask(cluster, "squeue", "--states=all", "--noheader", "--format=%k|%P|%b|%l|%T|%m")
    *jobs, memory = zip(*sorted(line.split("|") for line in found.splitlines()), strict=True)
    build = "rule_build_deep_rfm_wildcards_tiny_digits_laplace-relu-agop_0"
    group = "rule_theory_list_runs_simulate_theory_kernel"
    assert [*zip(*jobs, strict=True)] == [
        (build, "with_gpus", "gres:gpu:1", "7:00", "COMPLETED"),
        ("rule_prepare_data_wildcards_tiny_digits", "main", "N/A", "7:00", "COMPLETED"),
        (group, "main", "N/A", "14:00", "COMPLETED"),
        (group, "main", "N/A", "14:00", "FAILED"),
    ]
    assert memory[2:] == ("3200M", "100M")
    assert "exceeded memory limit" in run.stdout
    assert run.stdout.count("It comes again.") == 1
    # A granted gres counts as a GPU.
    log = place.log(f"{RUN}/logs/build_deep_rfm.log")
    assert "a GPU was granted" in log or "computing on cuda" in log

    there = contents(place.work / "results")
    assert len(there) > len(TARGETS)
    (place.work / "results").rename(tmp_path / "of_slurm")
    place.run(*TARGETS, cores=1)
    assert contents(place.work / "results") == there


def test_what_waits_for_ever_is_told_and_no_other_wait(cluster, tmp_path, monkeypatch):
    for name in ("PATH", "SLURM_CONF"):
        monkeypatch.setenv(name, cluster[name])
    submit = ["sbatch", "--parsable", "--comment=rule_of_a_test", "--wrap=true", "--chdir"]
    too_many = f"--cpus-per-task={os.cpu_count() + 1}"
    number = ask(cluster, *submit, str(tmp_path), too_many)
    ask(cluster, *submit, str(tmp_path), "--begin=now+1hour")
    ask(cluster, *submit, str(tmp_path.parent), too_many)
    end = time.monotonic() + 20
    while "|None|" in queue() and time.monotonic() < end:
        time.sleep(0.2)
    assert len(queue().splitlines()) == 3
    told = waiting_for_ever(queue(), Path(tmp_path))
    assert list(told) == [number]
    assert told[number].startswith(
        f"Slurm's job {number} (rule_of_a_test) will wait for ever: PartitionConfig. It asks "
        f"partition main for CPUs: {os.cpu_count() + 1}, memory: "
    )
    assert '"Where it stops"' in told[number]
    assert "\n## Where it stops\n" in (ROOT / "docs" / "cluster.md").read_text()
