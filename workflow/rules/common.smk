# The configuration as the rules see it, and what several rules share.

import os
from pathlib import Path

from snakemake.exceptions import WorkflowError

from agop_collapse import catalogue, provenance, settings

LIBRARY = Path(workflow.basedir, "workflow", "agop_collapse")
SCRIPTS = Path(workflow.basedir, "workflow", "scripts")

try:
    config = settings.load(config)
except settings.ConfigError as error:
    raise WorkflowError(f"The configuration has a mistake.\n{error}") from None

STUDIES = config["studies"]
DEFAULT_STUDY = config["study"]

# The folder of a run, by the columns that name it in the tables.
DEEP_RFM = "results/{study}/deep_rfm/{dataset}/{kernel}-{feature_map}-{projection}/seed{seed}"
NETWORK = "results/{study}/networks/{dataset}/{model}/seed{seed}"


wildcard_constraints:
    study="|".join(STUDIES),
    dataset="|".join({name for study in STUDIES.values() for name in study["datasets"]}),
    kernel="[a-z]+",
    feature_map="[a-z]+",
    projection="[a-z]+",
    model="[A-Za-z0-9_]+",
    seed="[0-9]+",
    table="[a-z_]+",
    figure="|".join(catalogue.FIGURES),


def code(script):
    """The script's library modules, as inputs: a changed formula derives its results again."""
    modules = provenance.modules_used(SCRIPTS / f"{script}.py", LIBRARY)
    return [os.path.relpath(module) for module in modules]


def find_run(wildcards, runs):
    """The run of the study, one of `runs(study)`, that a path's wildcards name."""
    study = STUDIES[wildcards.study]
    columns = [*catalogue.DEEP_RFM_COLUMNS, "model", "seed"]
    named = {key: wildcards[key] for key in columns if key in wildcards.keys()}
    for run in runs(study):
        if all(str(run[key]) == value for key, value in named.items()):
            return run
    raise WorkflowError(
        f"The study {wildcards.study} has no run {', '.join(named.values())} in the configuration."
    )


def part(study, run, table):
    """Path of one table of one run."""
    folder = NETWORK if "model" in run else DEEP_RFM
    return f"{folder.format(study=study, **run)}/{table}.parquet"


def torch_threads(wildcards):
    return STUDIES[wildcards.study]["torch_threads"]


def device(wildcards):
    return STUDIES[wildcards.study]["device"]


def gpus(wildcards):
    return 0 if device(wildcards) == "cpu" else 1
