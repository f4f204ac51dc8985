"""What a packed study brings home, and what it can do without once it was measured."""

import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

from ..files.atomic import atomic
from ..files.stamp import is_made
from .jobs import PackedJob

STORE = Path("results", ".store")  # as plan.paths has it


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
    """Delete layers and weights that all jobs have read that read them, from the store as well."""
    jobs = list(jobs)
    for job in jobs:
        for path in job.outputs.values():
            readers = [other for other in jobs if path in other.reads]
            if (folder / path).is_dir() and readers and all(r.is_done(folder) for r in readers):
                shutil.rmtree(folder / path)
    for file in (folder / STORE).rglob("*"):
        if file.is_file() and file.stat().st_nlink == 1:  # no run has it now
            file.unlink()
