"""What a packed study brings home, and what is deleted of it once it was measured."""

import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

from ..files.atomic import atomic
from ..files.stamp import is_made
from .jobs import PackedJob


def small(jobs: Iterable[PackedJob], folder: Path) -> list[str]:
    """Paths of tables and records that are today's, and of all logs and times that are there.

    No data, layers or weights.
    """
    found: dict[str, None] = {}
    for job in jobs:
        for path in job.outputs.values():
            file = folder / path
            layers = file.is_dir() or file.suffix == ".safetensors"
            if not layers and is_made([file], job.identity):
                found[path] = None
        for path in (job.log, job.benchmark):
            if (folder / path).is_file():
                found[path] = None
    return list(found)


def bring_home(jobs: Iterable[PackedJob], folder: Path, path: Path) -> int:
    """Write what is small into a .tar.gz, with paths as Snakemake's working folder has them.

    Returns
    -------
    how many files it holds
    """
    names = small(jobs, folder)
    with atomic(path) as partial, tarfile.open(partial, "w:gz") as tar:
        for name in names:
            tar.add(folder / name, name)
    return len(names)


def drop(jobs: Iterable[PackedJob], folder: Path) -> None:
    """Delete what is transient, layers and weights, once all jobs are done that read it."""
    jobs = list(jobs)
    for job in jobs:
        for path in (job.outputs[name] for name in job.transient):
            readers = [other for other in jobs if path in other.reads]
            if (folder / path).is_dir() and all(other.is_done(folder) for other in readers):
                shutil.rmtree(folder / path)
