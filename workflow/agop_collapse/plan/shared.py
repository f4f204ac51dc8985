"""What is given to others of a study: tables to compare with, a manifest, an archive."""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..data import sources
from ..files.system_files import is_system_name
from .identity import digest_of
from .job import MADE, MEASURE, Job
from .jobs import Jobs
from .paths import ARCHIVE, MANIFEST, REFERENCE
from .runs import checkpoint_of, typed_settings

# Of the project, what an archive holds; the configuration is its own.
CODE = ("workflow", "profiles", "envs", "requirements.txt", "LICENSE", "CITATION.cff")

# Two front doors: of the figures alone, and of the whole workflow.
FRONT_DOORS = {"Snakefile": "workflow/archive/Snakefile", "everything.smk": "Snakefile"}


def compared(jobs: Jobs, study: str, repository: Path) -> dict[str, Any]:
    """What the comparison is given: paths alone, whether there is something or not."""
    return {
        "study": study,
        "reference": str(repository / REFERENCE.format(study=study)),
        "tables": {name: path for name, (path, _) in _tables(jobs, study).items()},
        "records": _records(jobs, study),
        "data": _data(jobs, study),
    }


def referenced(jobs: Jobs, study: str, repository: Path) -> dict[str, Any]:
    """What the writing of a reference is given: tables with the identities that they must have."""
    runs = jobs.studies[study].runs
    ledger = jobs.check_claims(study)
    rules = {kind: [MEASURE[kind], *MADE.get(kind, ())[:1]] for kind in MEASURE}
    return {
        "folder": str(repository / REFERENCE.format(study=study)),
        "tables": _tables(jobs, study),
        "records": _records(jobs, study),
        "benchmarks": [
            f"{run.folder}/benchmarks/{rule}.tsv" for run in runs for rule in rules[run.kind]
        ],
        "ledger": (ledger.outputs["claims"], ledger.identity),
        "facts": {"study": study, "data": _data(jobs, study), **commit(repository)},
    }


def _tables(jobs: Jobs, study: str) -> dict[str, tuple[str, str]]:
    """Path and identity of each table of a study."""
    return {
        name: (path, job.identity)
        for job in jobs.tables(study).values()
        for name, path in job.outputs.items()
        if path.endswith(".parquet")
    }


def _data(jobs: Jobs, study: str) -> dict[str, dict[str, Any]]:
    """What tells a study's data sets from others: their settings, of the user's own the content."""
    return {
        name: typed_settings(dataset) | jobs.prepare_data(study, name).settings["contents"]
        for name, dataset in jobs.studies[study].datasets.items()
    }


def _records(jobs: Jobs, study: str) -> list[str]:
    return [f"{run.folder}/run.json" for run in jobs.studies[study].runs]


def listed(jobs: Jobs, study: str, repository: Path, blocks: Mapping[str, Any]) -> Job:
    """The manifest of all that a study keeps.

    Parameters
    ----------
    repository : the project's folder, whose commit it names
    blocks : the studies of the configuration, as they were given
    """
    every = jobs.everything(study).values()
    folders = {made.folder for made in MADE.values()}
    outputs = {path: job.identity for job in every for path in job.kept}
    settings = {
        "study": study,
        "configuration": json.loads(json.dumps(blocks[study])),
        "code": jobs.code_of_all(study),
        "outputs": outputs,
        "records": _records(jobs, study),
        **commit(repository),
    }
    made = digest_of(settings)
    inputs: dict[str, list[str]] = {"files": [], "folders": []}
    for path in outputs:
        inputs["folders" if Path(path).name in folders else "files"].append(path)
    return Job(
        made, settings | {"identity": made}, inputs, {"manifest": MANIFEST.format(study=study)}
    )


def archived(jobs: Jobs, study: str, repository: Path, blocks: Mapping[str, Any]) -> Job:
    """The archive of a study: figures, tables, what the figures are drawn from, settings and code.

    Parameters
    ----------
    repository : the project's folder, of which the code is taken
    blocks : the studies of the configuration, as they were given
    """
    chosen, figures = jobs.studies[study], jobs.figures(study)
    shown = [run for drawing in chosen.drawings.values() for run in drawing.runs]
    runs = list(dict.fromkeys([*chosen.runs, *shown]))
    results = [path for job in figures.values() for path in job.outputs.values()]
    results += [path for job in jobs.tables(study).values() for path in job.outputs.values()]
    results += [path for job in figures.values() for path in job.inputs["parts"]]
    results += [f"{run.folder}/run.json" for run in runs]
    ledger = jobs.check_claims(study)
    results += ledger.outputs.values()
    code = project_files(repository, CODE)
    code |= {name: str(repository / file) for name, file in FRONT_DOORS.items()}
    code |= {str(file): str(file) for file in jobs.own_code(runs)}
    studies = list(dict.fromkeys([study, *(run.study for run in runs)]))
    datasets = [jobs.dataset(run.study, run.dataset) for run in runs]
    datasets += chosen.datasets.values()
    needed = {path for each in datasets for path in (each.path, each.test_path) if path}
    needed |= {checkpoint_of(run.settings, run.seed) for run in runs if not run.is_made}
    settings = {
        "study": study,
        "description": chosen.settings.description,
        "configuration": _as_yaml(
            {"study": study, "studies": {each: blocks[each] for each in studies}}
        ),
        "results": list(dict.fromkeys(results)),
        "code": code,
        "sources": {each.kind: sources.of(each.kind) for each in datasets},
        "needed": sorted(needed),
        **commit(repository),
    }
    made_from = [job.identity for job in (*figures.values(), *jobs.tables(study).values(), ledger)]
    made = digest_of({"settings": settings | {"code": digests(code)}, "made_from": made_from})
    outputs = {"folder": ARCHIVE.format(study=study)}
    return Job(made, settings | {"identity": made}, {"results": settings["results"]}, outputs)


def _as_yaml(values: Mapping[str, Any]) -> str:
    """Plain values, whatever classes of mappings Snakemake has them in."""
    return yaml.safe_dump(json.loads(json.dumps(values)), sort_keys=False, allow_unicode=True)


def project_files(repository: Path, places: Iterable[str]) -> dict[str, str]:
    """The files in some places of the project, by their path in it, without what tools leave."""
    found = []
    for place in (repository / name for name in places):
        found += [place] if place.is_file() else sorted(place.rglob("*"))
    return {
        str(file.relative_to(repository)): str(file)
        for file in found
        if file.is_file() and "__pycache__" not in file.parts and not is_system_name(file.name)
    }


def digests(files: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of files' bytes, in hex digits, by the names that they are given with."""
    return {
        name: hashlib.sha256(Path(path).read_bytes()).hexdigest() for name, path in files.items()
    }


def commit(repository: Path) -> dict[str, Any]:
    """The code's commit, and whether files differ from it; of a copy without git None and None."""
    if not (repository / ".git").exists():
        return {"commit": None, "changed": None}
    try:
        name, status = (
            subprocess.run(
                ["git", *arguments], cwd=repository, capture_output=True, text=True, check=True
            ).stdout
            for arguments in (
                ("rev-parse", "HEAD"),
                ("status", "--porcelain", "--", "Snakefile", *CODE),
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "changed": None}
    return {"commit": name.strip(), "changed": bool(status.strip())}
