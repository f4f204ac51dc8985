"""The settings of a study's runs: what all of a kind share, and what tells them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAMES = ("dataset", "run")
# Of a run, what is no setting.
NO_SETTINGS = {*NAMES, "study", "seed", "kind", "identity"}
KINDS = {
    "deep_rfm": "Deep RFM",
    "networks": "Networks",
    "own_networks": "Networks of one's own",
}


@dataclass(frozen=True)
class OfKind:
    """The runs of a kind.

    title : of the kind
    shared : settings that all of its runs have alike, as texts
    columns : data set, run, seeds, and the settings that differ; rows : a text for each
    """

    title: str
    shared: list[tuple[str, str]]
    columns: list[str]
    rows: list[list[str]]


def by_kind(rows: Sequence[Mapping[str, Any]]) -> list[OfKind]:
    """The rows of the table `runs`, a row for each run and seed, by the kinds that there are."""
    found = []
    for kind, title in KINDS.items():
        of_kind = [row for row in rows if row["kind"] == kind]
        if not of_kind:
            continue
        names = [name for name in of_kind[0] if name not in NO_SETTINGS]
        values = {name: {_text(row[name]) for row in of_kind} for name in names}
        shared = [(name, *values[name]) for name in names if len(values[name]) == 1]
        differ = [name for name in names if len(values[name]) > 1]
        seeds: dict[tuple[str, ...], list[str]] = {}
        for row in of_kind:
            line = tuple(_text(row[name]) for name in (*NAMES, *differ))
            seeds.setdefault(line, []).append(str(row["seed"]))
        lines = [
            [*line[: len(NAMES)], ", ".join(of_line), *line[len(NAMES) :]]
            for line, of_line in seeds.items()
        ]
        # What no run of the kind has is of other kinds.
        shared = [(name, value) for name, value in shared if value]
        found.append(OfKind(title, shared, [*NAMES, "seeds", *differ], lines))
    return found


def _text(value: Any) -> str:
    return "" if value is None else str(value)
