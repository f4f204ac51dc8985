# The hand-over from the plan to the rules: which files a job reads, what it is given, what it needs.

import math
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.types import SharedFSUsage

from agop_collapse.data import addresses
from agop_collapse.plan import existing, forecast, packing, shared
from agop_collapse.plan.config_errors import ConfigError
from agop_collapse.plan.config_files import expect_plain
from agop_collapse.plan.configuration import data_root, load
from agop_collapse.files.contents import Contents
from agop_collapse.plan.job import COMBINE, COMBINED, TargetError
from agop_collapse.plan.jobs import Jobs
from agop_collapse.plan.paths import ARCHIVE, CLAIM_VALUES, CLAIMS, DATA, FIGURE
from agop_collapse.plan.paths import LOGS, MANIFEST, PACKED, REPORT, RUN, TABLE, TABLES

try:
    if workflow.is_main_process:
        expect_plain(workflow.configfiles)
    configuration = load(config)
    DATA_ROOT = data_root(configuration, os.environ)
except ConfigError as error:
    raise WorkflowError(f"The configuration has a mistake.\n{error}") from None

STUDY = configuration.study
REPOSITORY = Path(workflow.basedir)
# With `--resources gpu=0`, or where there is none, jobs compute on the CPU, and need its memory.
NO_GPU = workflow.global_resources.get("gpu").value == 0
JOBS = Jobs(
    configuration,
    Path(workflow.basedir, "workflow"),
    DATA_ROOT,
    Contents(Path(".snakemake", "agop_collapse", "contents.json")),
    with_gpus=not NO_GPU,
)

# Whether jobs see the files of the machine where Snakemake runs: on Kubernetes they do not.
SHARED_FILES = SharedFSUsage.INPUT_OUTPUT in workflow.storage_settings.shared_fs_usage

# conda-forge has builds of PyTorch for CPUs and for GPUs (docs/environments.md).
COMPUTE = f"../../envs/compute{'_cuda' if JOBS.on_gpu(STUDY) else ''}.yaml"

# On a cluster a job is more than its script: two processes of Snakemake's start it, three in a group.
SNAKEMAKE_MB = 600

# What the site's profile says of all jobs (docs/cluster.md).
SITE = {
    name: resource.raw.strip("'") if isinstance(resource.raw, str) else resource.raw
    for name, resource in (workflow.resource_settings.default_resources or {}).items()
}

# Of some studies layers and weights stay; of others they go once all has read them that reads them.
# A regular expression for each; if there are none, one that nothing fits.
KEPT, NOT_KEPT = (
    "|".join(name for name in JOBS.studies if JOBS.keeps_all(name) == kept) or "(?!)"
    for kept in (True, False)
)

DEEP_RFM = RUN.replace("{kind}", "deep_rfm")
NETWORK = RUN.replace("{kind}", "networks")
OWN_NETWORK = RUN.replace("{kind}", "own_networks")


wildcard_constraints:
    study="|".join(JOBS.studies),
    dataset="[A-Za-z0-9_]+",
    run="[A-Za-z0-9_,=.+-]+",
    seed="[0-9]+",
    table="[a-z_]+",
    figure="[A-Za-z0-9_]+",


def ask(question, *about):
    """What JOBS answers, or Snakemake's error where it has nothing."""
    try:
        return question(*about)
    except TargetError as error:
        raise WorkflowError(str(error)) from None


# Jobs that take a whole study with them, and the code.
WHOLE = {
    "archive_study": shared.archived,
    "make_manifest": shared.listed,
    "pack_study": packing.packed,
}


def job(rule, wildcards):
    if whole := WHOLE.get(rule):
        return ask(whole, JOBS, wildcards["study"], REPOSITORY, config["studies"])
    return ask(JOBS.of, rule, wildcards)


def inputs(rule, name):
    """Input function: the files of one name that a job reads."""
    return lambda wildcards: job(rule, wildcards).inputs[name]


def identity(rule):
    """Parameter function: all that Snakemake compares to tell whether a job's results are today's."""
    return lambda wildcards: f"{rule} {job(rule, wildcards).identity}"


def settings(rule):
    """Parameter function: what a script is given. For its `input`, Snakemake does not compare it."""
    return lambda wildcards, input: job(rule, wildcards).settings


def on_gpu(rule):
    """Resources of a job that may compute on a GPU: how many, and what the site says of such jobs.

    Of its default resources `on_gpu_slurm_partition` stands for `slurm_partition` there, and so on.
    Where `on_gpu_gres` asks Slurm for the GPU, it is not asked for by number too.
    """

    def resource(name):
        return lambda wildcards: SITE.get(f"on_gpu_{name}" if job(rule, wildcards).gpus else name)

    said = [name.removeprefix("on_gpu_") for name in SITE if name.startswith("on_gpu_")]
    by_number = {"gpu": 0 if "gres" in said else needs(rule, "gpus")}
    return by_number | {name: resource(name) for name in said}


def needs(rule, resource):
    """Resource function: memory and minutes, more of it at each attempt; or GPUs, or threads."""

    def value(wildcards, attempt=1):
        needed = getattr(job(rule, wildcards), resource)
        match resource:
            case "mem_mb":
                return needed * attempt + SNAKEMAKE_MB * workflow.non_local_exec
            case "minutes":
                return min(needed * attempt, SITE.get("max_runtime", math.inf))
        return needed

    return value
