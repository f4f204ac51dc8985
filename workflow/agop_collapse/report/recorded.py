"""What was recorded of how a study was made: time, memory and disk of its jobs, versions.

Such records are no results: they differ from run to run, have no identity, and may be missing,
as where results were copied without them. What is missing is left empty, and nothing derived again.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..files.atomic import StorageError
from ..files.run_record import load_run
from .plain import number

# Columns of the table of cost.
COST = ("dataset", "run", "seed", "rule")
COST += ("seconds", "cpu_seconds", "peak_memory_mb", "disk_mb", "device")
MIB = 2**20 / 1e6  # in MB; Snakemake writes memory in MiB


def cost(jobs: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """What each job of a run took, a row each, with the columns of `COST`.

    Parameters
    ----------
    jobs : dataset, run, seed, rule; and the paths of its benchmark, of its outputs and of the
        run's record
    """
    rows = [
        {name: job[name] for name in ("dataset", "run", "seed", "rule")}
        | _benchmark(Path(job["benchmark"]))
        | {"disk_mb": disk_mb(job["outputs"]), "device": record_of(job["record"]).get("device")}
        for job in jobs
    ]
    return pd.DataFrame(rows, columns=list(COST))


def _benchmark(path: Path) -> dict[str, float]:
    """Seconds and memory of a job, as far as Snakemake could measure them."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            (row,) = csv.DictReader(file, delimiter="\t")
    except (OSError, ValueError):
        return {}
    values = {name: pd.to_numeric(row.get(name), errors="coerce") for name in row}
    return {
        "seconds": values.get("s"),
        "cpu_seconds": values.get("cpu_time"),
        "peak_memory_mb": values["max_rss"] * MIB if "max_rss" in values else None,
    }


def disk_mb(paths: Iterable[str]) -> float:
    """MB of files, and of all that is in folders, as far as they are there."""
    files = [
        file
        for path in map(Path, paths)
        for file in (path.rglob("*") if path.is_dir() else [path])
        if file.is_file()
    ]
    return sum(file.stat().st_size for file in files) / 1e6


def total(cost: pd.DataFrame) -> list[tuple[str, str]]:
    """What all jobs took together, for readers, of those that recorded it."""
    known = cost["seconds"].notna().sum()
    if not known:
        return [("Disk", f"{number(cost['disk_mb'].sum())} MB")]
    devices = ", ".join(sorted({str(device) for device in cost["device"].dropna()}))
    return [
        ("Jobs recorded", f"{known} of {len(cost)}"),
        ("Time, one after the other", f"{number(cost['seconds'].sum() / 60)} min"),
        ("Time of processors", f"{number(cost['cpu_seconds'].sum() / 60)} min"),
        ("Largest memory", f"{number(cost['peak_memory_mb'].max())} MB"),
        ("Disk", f"{number(cost['disk_mb'].sum())} MB"),
        ("Device", devices or "not recorded"),
    ]


def record_of(path: str) -> dict[str, Any]:
    """A run's record; empty where there is none that can be read."""
    try:
        return load_run(Path(path))
    except StorageError:
        return {}


def versions(paths: Sequence[str]) -> list[tuple[str, str, int]]:
    """Libraries, their versions, and how many of some runs' records name each, sorted."""
    counts: dict[tuple[str, str], int] = {}
    for path in paths:
        for library in record_of(path).get("versions", {}).items():
            counts[library] = counts.get(library, 0) + 1
    return [(name, version, count) for (name, version), count in sorted(counts.items())]
