"""The jobs of a packed study, as `snakemake pack` wrote them, and which are still to be run."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.errors import UserError
from ..files.stamp import is_made

FILE = "jobs.json"


@dataclass(frozen=True, eq=False)
class PackedJob:
    """One job, with all that its script is given; paths are relative to the study's folder.

    rule : the name of its script
    of : what it makes, for readers
    identity, settings, inputs, outputs : as `plan.job.Job` has them
    log, benchmark : files of what it says, and of its time and memory
    threads : of the CPU
    gpus : that it is granted
    transient : names of outputs that are deleted once all has read them that reads them
    """

    rule: str
    of: str
    identity: str
    settings: dict[str, Any]
    inputs: dict[str, str | list[str]]
    outputs: dict[str, str]
    log: str
    benchmark: str
    threads: int
    gpus: int
    transient: list[str]

    @property
    def reads(self) -> list[str]:
        """The paths of all its inputs."""
        values = self.inputs.values()
        return [path for value in values for path in ([value] if isinstance(value, str) else value)]

    def is_done(self, folder: Path) -> bool:
        """Whether its outputs are there, of today's settings."""
        return is_made([folder / path for path in self.outputs.values()], self.identity)


def read(folder: Path) -> list[PackedJob]:
    """The jobs of the study in a folder.

    Raises
    ------
    UserError : where none was unpacked.
    """
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{folder.resolve()} has no {FILE} ({error.strerror}): go to a folder that was "
            "unpacked from what `snakemake pack` made"
        ) from None
    return [PackedJob(**each) for each in json.loads(text)]


def last(jobs: Iterable[PackedJob]) -> list[PackedJob]:
    """Those whose outputs no other job reads: measurements."""
    jobs = list(jobs)
    read_by_others = {path for job in jobs for path in job.reads}
    return [job for job in jobs if read_by_others.isdisjoint(job.outputs.values())]


def to_run(jobs: Iterable[PackedJob], folder: Path) -> list[PackedJob]:
    """What the last jobs lack, in their order, each behind what it is made from.

    What was measured needs its layers or weights no more, which may be gone.
    """
    jobs = list(jobs)
    makers = {path: job for job in jobs for path in job.outputs.values()}
    found: dict[PackedJob, None] = {}

    def add(job: PackedJob) -> None:
        if job in found or job.is_done(folder):
            return
        for path in job.reads:
            if path in makers:
                add(makers[path])
        found[job] = None

    for job in last(jobs):
        add(job)
    return list(found)
