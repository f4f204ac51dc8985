# The hand-over from the plan to the rules: which files a job reads, what it is given, what it needs.

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from agop_collapse.data import addresses
from agop_collapse.plan import existing, forecast, shared
from agop_collapse.plan.config_errors import ConfigError
from agop_collapse.plan.config_files import expect_plain
from agop_collapse.plan.configuration import data_root, load
from agop_collapse.files.contents import Contents
from agop_collapse.plan.jobs import COMBINE, COMBINED, Jobs, TargetError
from agop_collapse.plan.paths import ARCHIVE, DATA, FIGURE, LOGS, RUN, TABLE, TABLES

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
GPUS = workflow.global_resources.get("gpu")
JOBS = Jobs(
    configuration,
    Path(workflow.basedir, "workflow"),
    DATA_ROOT,
    Contents(Path(".snakemake", "agop_collapse", "contents.json")),
    with_gpus=GPUS is None or GPUS.value != 0,
)

# conda-forge has builds of PyTorch for CPUs and for GPUs (docs/environments.md).
COMPUTE = f"../../envs/compute{'_cuda' if JOBS.on_gpu(STUDY) else ''}.yaml"

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


def job(rule, wildcards):
    whole_study = JOBS, wildcards["study"], REPOSITORY, config["studies"]
    return (
        ask(shared.archived, *whole_study)
        if rule == "archive_study"
        else ask(JOBS.of, rule, wildcards)
    )


def inputs(rule, name):
    """Input function: the files of one name that a job reads."""
    return lambda wildcards: job(rule, wildcards).inputs[name]


def identity(rule):
    """Parameter function: all that Snakemake compares to tell whether a job's results are today's."""
    return lambda wildcards: f"{rule} {job(rule, wildcards).identity}"


def settings(rule):
    """Parameter function: what a script is given. For its `input`, Snakemake does not compare it."""
    return lambda wildcards, input: job(rule, wildcards).settings


def needs(rule, resource):
    """Resource function: memory and minutes, more of it at each attempt; or GPUs, or threads."""
    grows = resource in ("mem_mb", "minutes")
    return lambda wildcards, attempt=1: getattr(job(rule, wildcards), resource) * (
        attempt if grows else 1
    )
