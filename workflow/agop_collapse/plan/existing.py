"""What lies in the results folder already: whose it is, where Snakemake's records are missing."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from ..files.stamp import read_identity
from .job import Job, TargetError
from .jobs import Jobs
from .paths import RESULTS

RECORDS = Path(".snakemake", "metadata")
# As long as a name in a folder may be, less one: see snakemake/persistence/file.py.
LONGEST_NAME = 254


def strangers(jobs: Iterable[Job], folder: Path = Path()) -> list[str]:
    """Outputs of other settings, data or code that Snakemake would take for today's.

    That is where it has no record of an output, or one of another file that lay in its place. Of
    outputs made from one another only the first are named: what is made from them follows.

    Parameters
    ----------
    jobs : in an order in which none comes before what it is made from
    folder : that Snakemake works in
    """
    found: list[str] = []
    behind: set[str] = set()
    for job in jobs:
        if behind.intersection(job.reads):
            behind |= set(job.outputs.values())
            continue
        for path in job.outputs.values():
            if _would_be_taken(path, job, folder) and _is_strange(folder / path, job.identity):
                found.append(path)
                behind |= set(job.outputs.values())
                break
    return found


def _is_strange(path: Path, identity: str) -> bool:
    if not path.exists() or path.suffix == ".csv":
        return False
    return read_identity(path) != identity


def _would_be_taken(output: str, job: Job, folder: Path) -> bool:
    """Whether Snakemake has no reason to make an output anew."""
    try:
        return job.identity in record_of(output, folder).read_text()
    except OSError:
        return True


def record_of(output: str, folder: Path = Path()) -> Path:
    """The file in which Snakemake remembers how an output was made."""
    name = urlsafe_b64encode(output.encode()).decode()
    parts = [name[start : start + LONGEST_NAME] for start in range(0, len(name), LONGEST_NAME)]
    return Path(folder, RECORDS, *(f"@{part}" for part in parts[:-1]), parts[-1])


def other_versions(jobs: Iterable[Job], folder: Path = Path()) -> Mapping[str, int]:
    """Runs that other versions of libraries than this environment's made, counted by versions."""
    counts: dict[str, int] = {}
    for job in jobs:
        record = job.outputs.get("record")
        if record is None or not (folder / record).exists():
            continue
        try:
            versions = dict(json.loads((folder / record).read_text())["versions"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            continue
        differing = {
            name: version
            for name, version in versions.items()
            if _installed(name) not in (None, version)
        }
        if differing:
            text = ", ".join(f"{name} {version}" for name, version in sorted(differing.items()))
            counts[text] = counts.get(text, 0) + 1
    return counts


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def warnings(jobs: Jobs, study: str, folder: Path = Path()) -> str:
    """`warning` of the study that is built, and of every other that has results."""
    lines = []
    for name in jobs.studies:
        if name != study and not Path(folder, RESULTS.format(study=name)).is_dir():
            continue
        target = "all" if name == study else f"all --config study={name}"
        try:
            lines.append(warning(jobs.behind(name), target, folder))
        except TargetError:  # data of a study that nobody asked for
            continue
    return "\n".join(filter(None, lines))


def warning(jobs: list[Job], target: str, folder: Path = Path()) -> str:
    """What a user should know of what lies there; empty if there is nothing to say."""
    lines = []
    if found := strangers(jobs, folder):
        what = "a result was" if len(found) == 1 else f"{len(found)} results were"
        lines += [
            f"{what} made by other settings, data or code than today's, or damaged since, and "
            "Snakemake would take what it finds, as in a copy without its records (.snakemake). To "
            "derive them again, and all that is made from them, with your own options such as "
            "--configfile:",
            f"    snakemake {target} -R {' '.join(found)}",
        ]
    for versions, count in other_versions(jobs, folder).items():
        lines.append(
            f"{count} run{'s' * (count > 1)} made with {versions} lie here, where other versions "
            "are installed. They stay as they are; delete them to have them made anew."
        )
    return "\n".join(lines)
