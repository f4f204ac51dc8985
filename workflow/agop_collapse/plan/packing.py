"""A study's jobs as plain values, for a machine without Snakemake: see `packed`."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ..data import addresses
from .identity import digest_of
from .job import MADE, MEASURE, Job, TargetError
from .jobs import Jobs
from .paths import LOGS, PACKED, RUN
from .run_jobs import made_here
from .runs import Run, checkpoint_of
from .shared import digests, project_files

# Of the project, what computes.
CODE = ("workflow/agop_collapse", "workflow/scripts", "LICENSE")
# What it imports that such a machine need not have: small, and Python alone.
CARRIED = ("tqdm",)


def packed(jobs: Jobs, study: str, repository: Path, blocks: Mapping[str, Any]) -> Job:
    """The file of a study: its jobs from the data to the measurements, prepared data, and code.

    Parameters
    ----------
    repository : the project's folder, of which the code is taken
    blocks : the studies of the configuration, which the jobs say all of

    Raises
    ------
    TargetError : when a file of the user's own lies outside the working folder.
    """
    runs = jobs.studies[study].runs
    datasets = jobs.studies[study].datasets
    prepared = {name: jobs.prepare_data(study, name) for name in datasets}
    listed = [_of_data(study, name, datasets[name].kind, job) for name, job in prepared.items()]
    made = {run: jobs.make(run) for run in made_here(runs)}
    for run in runs:
        if run in made:
            listed.append(_of_run(MADE[run.kind].rule, run, made[run]))
        listed.append(_of_run(MEASURE[run.kind], run, jobs.measure(run)))
    code = project_files(repository, CODE)
    code |= {place: path for library in CARRIED for place, path in _library(library)}
    code |= {file: file for file in map(_inside, _own_files(jobs, runs))}
    data = [path for job in prepared.values() for path in job.outputs.values()]
    settings = {"study": study, "jobs": listed}
    made_from = [job.identity for job in prepared.values()]
    identity = digest_of({"settings": settings | {"code": digests(code)}, "made_from": made_from})
    return Job(
        identity,
        settings | {"files": code | {path: path for path in data}},
        {"data": data},
        {"file": PACKED.format(study=study)},
        disk_mb=1 + sum(job.disk_mb for job in prepared.values()),
    )


def _of_data(study: str, name: str, kind: str, job: Job) -> dict[str, Any]:
    """The preparation of a data set, which comes prepared; if not, of public files in `data/`."""
    folder = LOGS.format(study=study) + "/prepare_data"
    place = {"log": f"{folder}/{name}.log", "benchmark": f"{folder}/{name}.tsv"}
    public = {"path": f"data/{kind}"} if kind in addresses.ARCHIVES else {}
    given = {"inputs": {}, "settings": job.settings | public}
    return _plain("prepare_data", name, job) | place | given


def _of_run(rule: str, run: Run, job: Job) -> dict[str, Any]:
    folder = RUN.format(kind=run.kind, **run.named)
    place = {"log": f"{folder}/logs/{rule}.log", "benchmark": f"{folder}/benchmarks/{rule}.tsv"}
    return _plain(rule, f"{run.dataset} {run.name} seed {run.seed}", job) | place


def _plain(rule: str, of: str, job: Job) -> dict[str, Any]:
    given = {name: getattr(job, name) for name in ("identity", "settings", "inputs", "outputs")}
    given |= {"threads": job.threads, "gpus": job.gpus, "transient": list(job.transient)}
    return {"rule": rule, "of": of} | given


def _library(name: str) -> Iterator[tuple[str, str]]:
    """The files of an installed library, with its licence, and where they are found."""
    for file in metadata.files(name):
        if file.suffix == ".py" or "LICEN" in file.name:
            yield f"workflow/{file}", str(file.locate())


def _own_files(jobs: Jobs, runs: Iterable[Run]) -> list[Path]:
    """The user's own code, and weights that were brought along."""
    brought = [run for run in runs if not run.is_made]
    weights = [Path(checkpoint_of(run.settings, run.seed)) for run in brought]
    return [*jobs.own_code(runs), *weights]


def _inside(file: Path) -> str:
    if file.is_absolute() or ".." in file.parts:
        raise TargetError(
            f"{file} lies outside the folder that Snakemake works in, and cannot be packed; copy "
            "it into that folder"
        )
    return str(file)
