"""What a study takes, of its jobs those that are still to be made: time, memory and disk."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..files.stamp import is_made
from .job import Job, TargetError
from .jobs import Jobs
from .paths import RESULTS, STORE

# What jobs do, by how their names in `Jobs.everything` begin.
PARTS = {
    "data": "prepare data",
    "make": "build layers, train networks",
    "measure": "measure",
    "tables": "tables",
    "claims": "claims",
    "figure": "figures",
}


@dataclass(frozen=True)
class Forecast:
    """Some jobs together.

    jobs, there : how many, and of how many the results lie there, of today's settings
    hours : of those that are not, one after the other
    mem_mb : of the largest of them
    disk_mb, disk_there_mb : what they will write and leave there, and what lies there
    """

    jobs: int
    there: int
    hours: float
    mem_mb: int
    disk_mb: int
    disk_there_mb: int

    @classmethod
    def of(cls, jobs: list[Job], missing: set[str]) -> "Forecast":
        """missing : identities of the jobs that are not there."""
        to_make = [job for job in jobs if job.identity in missing]
        written = sum(job.kept_mb for job in to_make)
        return cls(
            len(jobs),
            len(jobs) - len(to_make),
            sum(job.seconds for job in to_make) / 3600,
            max((job.mem_mb for job in to_make), default=0),
            written,
            sum(job.kept_mb for job in jobs) - written,
        )

    @property
    def row(self) -> list[str]:
        """As a row of the table."""
        if self.there == self.jobs:
            return [str(self.jobs), str(self.there), "", "", "", in_bytes(self.disk_there_mb)]
        return [
            *(str(self.jobs), str(self.there), in_hours(self.hours)),
            *(in_bytes(self.mem_mb), in_bytes(self.disk_mb)),
            in_bytes(self.disk_there_mb) if self.there else "",
        ]


def to_be_made(jobs: Iterable[Job], folder: Path = Path()) -> set[str]:
    """Identities of the jobs whose results are not all there, as today's settings make them.

    What is transient need not be there, unless it is to be read.

    jobs : in an order in which none comes before what it is made from
    """
    jobs = list(jobs)

    def there(job: Job, paths: Iterable[str]) -> bool:
        return is_made([folder / path for path in paths], job.identity)

    missing = {job.identity for job in jobs if not there(job, job.outputs.values())}
    asked_for = {path for job in jobs if job.identity in missing for path in job.reads}
    return missing - {
        job.identity
        for job in jobs
        if job.transient and there(job, job.kept) and asked_for.isdisjoint(job.outputs.values())
    }


def text(jobs: Jobs, study: str, folder: Path = Path()) -> str:
    """What `snakemake plan` says: the study that is built by its parts, and each study as a whole.

    Parameters
    ----------
    study : the one that is built
    folder : that Snakemake works in
    """
    rows = [["", "jobs", "there", "time", "memory", "to write", "on disk"]]
    notes = []
    everything = jobs.everything(study)
    missing = to_be_made(everything.values(), folder)
    for part, title in PARTS.items():
        chosen = [job for name, job in everything.items() if name.split()[0] == part]
        if chosen:
            rows.append([f"  {title}", *Forecast.of(chosen, missing).row])
    of_studies = []
    for name in jobs.studies:
        try:
            every = list(jobs.everything(name).values())
        except TargetError as error:  # data of the user's own that cannot be read
            notes.append(f"The study {name} cannot be planned: {error}")
            continue
        forecast = Forecast.of(every, to_be_made(every, folder))
        of_studies.append([f"study {name}", *forecast.row])
        if name == study:
            rows.insert(1, of_studies.pop())
            if features := list(jobs.features(name).values()):
                left = to_be_made(features, folder)
                rows.append(["  if asked for: features", *Forecast.of(features, left).row])
    to_make = [job for job in everything.values() if job.identity in missing]
    if most := max((job.disk_mb - job.kept_mb for job in to_make), default=0):
        notes.append(
            f"Beside what is to write, each run of the study {study} at work takes up to "
            f"{in_bytes(most)} until it was measured (keep: tables)."
        )
    free = free_mb(Path(folder, RESULTS.format(study=study)))
    return "\n".join(
        [
            *aligned(rows + of_studies),
            "Time: one job after the other, on slow cores; memory: of the largest job.",
            f"Free on this disk: {in_bytes(free)}.{_kept(Path(folder, STORE))}",
            *notes,
        ]
    )


def needed_mb(written: Iterable[tuple[int, bool]]) -> int:
    """The disk that jobs need: for what stays, and for the largest of what goes when it was read.

    written : MB that each job writes, and whether they go
    """
    written = list(written)
    stays = sum(size for size, goes in written if not goes)
    return stays + max((size for size, goes in written if goes), default=0)


def does_not_fit(needed_mb: int, replaced: Iterable[Path], results: Path) -> str | None:
    """Why jobs should not begin; None where there is enough disk.

    Parameters
    ----------
    needed_mb : what they write
    replaced : outputs of theirs, of which those that exist are deleted before
    results : a folder, there already or not, on the disk that is written to
    """
    free = free_mb(results)
    if needed_mb <= free:
        return None
    free += sum(size_mb(path) for path in replaced)
    if needed_mb <= free:
        return None
    return (
        f"The disk is too small: what is still to be made takes about {in_bytes(needed_mb)}, and "
        f"{in_bytes(free)} are free for it in {results.resolve()}. Free some, make results/ a link "
        "to a folder on a larger disk, or make less: fewer seeds, layers or points, or single "
        "figures. `snakemake plan` says what takes how much; --no-hooks begins all the same."
    )


def _kept(store: Path) -> str:
    """What the store holds, in a sentence; empty where there is none."""
    if not store.is_dir():
        return ""
    sizes = [path.stat() for path in store.rglob("*") if path.is_file()]
    alone = sum(size.st_size for size in sizes if size.st_nlink == 1) / 10**6
    return (
        f" {STORE} keeps what runs have made for longer ones and other studies: {in_bytes(alone)} "
        "that no study has now. Delete it to free them."
    )


def free_mb(folder: Path) -> int:
    """Free on the disk of a folder that may not be there yet."""
    there = next(each for each in (folder.resolve(), *folder.resolve().parents) if each.exists())
    return shutil.disk_usage(there).free // 10**6


def size_mb(path: Path) -> float:
    """Of a file, or of all files in a folder; 0 where there is none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 10**6


def aligned(rows: list[list[str]]) -> list[str]:
    """Lines of a table, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    ]


def in_bytes(megabytes: float) -> str:
    """A size with its unit."""
    if megabytes < 1000:
        return f"{megabytes:.0f} MB"
    if megabytes < 1e6:
        return f"{megabytes / 1000:.1f} GB"
    return f"{megabytes / 1e6:.1f} TB"


def in_hours(hours: float) -> str:
    """A time with its unit."""
    return f"{60 * hours:.0f} min" if hours < 1.5 else f"{hours:,.1f} h"
