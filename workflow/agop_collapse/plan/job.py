"""What a job is, and the rules whose jobs make and measure each kind of run."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, NamedTuple

from ..common.errors import UserError
from ..files.columns import OF_A_RUN

# What each run's measurement makes, and of that what a study's tables hold of all its runs.
MEASURED = {kind: tuple(of_kind) for kind, of_kind in OF_A_RUN.items()}
COMBINED = {
    kind: tuple(table for table in of_kind if table != "gram_picture")
    for kind, of_kind in MEASURED.items()
}


class Made(NamedTuple):
    """What makes a run, the folder that has it then, and the file that says what it is."""

    rule: str
    folder: str
    record: str = "run.json"


MADE = {
    "deep_rfm": Made("build_deep_rfm", "layers"),
    "networks": Made("train_network", "checkpoints"),
    # Of which some are brought along, and only measured: run.json comes with the measurement.
    "own_networks": Made("train_own_network", "checkpoints", "training.json"),
}
# Settings that say what is measured of a run, not how it is made.
OF_MEASUREMENT = ("layers",)
MEASURE = {
    "deep_rfm": "measure_deep_rfm",
    "networks": "measure_network",
    "own_networks": "measure_own_network",
}
EXPORT = {"deep_rfm": "export_deep_rfm", "networks": "export_network"}
COMBINE = {
    "deep_rfm": "combine_deep_rfm",
    "networks": "combine_networks",
    "own_networks": "combine_own_networks",
}


class TargetError(UserError):
    """A target that the configuration has nothing for."""


@dataclass(frozen=True)
class Job:
    """One job.

    identity : of what it makes
    settings : plain values, what its script is given
    inputs, outputs : paths by name, as the rule has them
    threads, mem_mb, seconds, disk_mb, gpus : what it needs; the seconds are those of a slow core
    transient : names of outputs that are deleted once all has read them that reads them
    """

    identity: str
    settings: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    threads: int = 1
    mem_mb: int = 250
    seconds: float = 5
    disk_mb: int = 1
    gpus: int = 0
    transient: tuple[str, ...] = ()

    @property
    def reads(self) -> list[str]:
        """The paths of all its inputs."""
        values = self.inputs.values()
        return [path for value in values for path in ([value] if isinstance(value, str) else value)]

    @property
    def kept(self) -> list[str]:
        """The paths of the outputs that stay."""
        return [path for name, path in self.outputs.items() if name not in self.transient]

    @property
    def kept_mb(self) -> int:
        """What stays on disk of it: beside what is transient there are records."""
        return 1 if self.transient else self.disk_mb

    @property
    def minutes(self) -> int:
        """After which a cluster may end it: three times what it takes, and ten more."""
        return 10 + math.ceil(3 * self.seconds / 60)


class Part(NamedTuple):
    """A table that another is made from, or a figure.

    columns : what its rows begin with, for a run's; None for a study's, which has them
    """

    path: str
    columns: dict[str, Any] | None
    identity: str


def once(method: Callable) -> Callable:
    """A method of `Jobs` whose result for some arguments is made when first asked for, and kept."""

    @wraps(method)
    def kept(jobs: Any, *arguments: Any) -> Any:
        key = (method.__name__, *arguments)
        if key not in jobs._made:
            jobs._made[key] = method(jobs, *arguments)
        return jobs._made[key]

    return kept


def plain(parts: Mapping[str, list[Part]]) -> dict[str, list[tuple]]:
    """Columns and identities: of plain classes, since no script reaches this room.

    Without paths, which a rule's input has in the same order, wherever they lie then.
    """
    return {
        table: [(part.columns, part.identity) for part in of_table]
        for table, of_table in parts.items()
    }
