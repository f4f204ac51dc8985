"""A study's tables beside those of its reference, number by number; nothing is computed anew.

Rows are put beside one another by their keys (`keys.of`). Of each number `tolerances.allowed` says
how far it may be from the reference's.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from . import keys, tolerances

SHOWN = 5
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Beside:
    """A value beside the reference's, or a row or column that is not there.

    share : of the tolerance that the difference takes; infinity where there is none for it
    """

    table: str
    row: str
    column: str
    ours: str
    theirs: str
    tolerance: str
    share: float


@dataclass
class Comparison:
    """What came of it.

    compared, same_bits, not_compared : how many values; why some are not, `tolerances` says
    worst : those that take most of their tolerance, the worst first: all that differ, and some that
        do not
    missing_tables : of the reference, that are not there; missing_runs : seeds by data set and run
    other_data : data sets of which the reference is of other points, and not compared
    """

    compared: int = 0
    same_bits: int = 0
    not_compared: int = 0
    worst: list[Beside] = field(default_factory=list)
    missing_tables: list[str] = field(default_factory=list)
    missing_runs: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    other_data: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """What is not there, in words."""
        runs = [
            f"the run {dataset} {run}, seed{'s' * (len(seeds) > 1)} "
            f"{', '.join(map(str, sorted(seeds)))}"
            for (dataset, run), seeds in self.missing_runs.items()
        ]
        return [*runs, *(f"the table {table}" for table in self.missing_tables)]

    @property
    def differing(self) -> list[Beside]:
        return [each for each in self.worst if each.share > 1]


def compare(
    ours: Tables, theirs: Tables, same_machine: bool, other_data: Collection[str] = ()
) -> Comparison:
    """Compare a study's tables with its reference's, of which each is thinned alike.

    Parameters
    ----------
    ours : those that there are
    same_machine : whether the reference was made by the same libraries on the same processor, so
        that the bits are the same
    other_data : data sets by whose names the two mean other points
    """
    found = Comparison(other_data=sorted(other_data))
    theirs = {name: _without_data(table, other_data) for name, table in theirs.items()}
    for name, reference in theirs.items():
        if name not in ours:
            found.missing_tables.append(name)
        elif name == tolerances.OF_ALL_SEEDS and found.missing_runs:
            found.missing_tables.append(f"{name} over all seeds")
        elif lacking := [each for each in reference.columns if each not in ours[name].columns]:
            found.worst += [_lacks(name, "", f"the column {column}") for column in lacking]
        else:
            _compare_table(name, ours[name], theirs, same_machine, found)
    found.worst.sort(key=lambda each: -each.share)
    return found


def _without_data(frame: pd.DataFrame, datasets: Collection[str]) -> pd.DataFrame:
    """The rows of a table that are of other data sets, or of none."""
    if "dataset" not in frame:
        return frame
    return frame[~frame["dataset"].isin(datasets)].reset_index(drop=True)


def _compare_table(
    name: str, ours: pd.DataFrame, theirs: Tables, same_machine: bool, found: Comparison
) -> None:
    reference, keyed = theirs[name], keys.of(name, theirs[name])
    missing = keys.missing_runs(ours, reference)
    left_out = {*keyed, *tolerances.NO_RESULT, *(tolerances.OF_SEEDS if len(missing) else ())}
    for dataset, run, seed in missing.itertuples(index=False):
        found.missing_runs.setdefault((dataset, run), set()).add(seed)
    absent = keys.of_runs(reference, missing)
    allowed = {
        column: np.zeros(len(reference))
        if same_machine
        else tolerances.allowed(name, column, theirs)
        for column in reference.columns
        if column not in left_out
    }
    place = keys.places(ours, reference, keyed)
    for row in np.flatnonzero((place < 0) & ~absent):
        found.worst.append(_lacks(name, keys.text(reference.loc[row, keyed]), "the row"))
    paired = place >= 0
    for column, tolerance in allowed.items():
        mine = ours[column].to_numpy()[place[paired]]
        other = reference[column].to_numpy()[paired]
        rows = np.flatnonzero(paired)
        _compare_column(name, column, mine, other, tolerance[paired], rows, reference, found)


def _compare_column(
    name: str,
    column: str,
    ours: np.ndarray,
    theirs: np.ndarray,
    tolerance: np.ndarray,
    rows: np.ndarray,
    reference: pd.DataFrame,
    found: Comparison,
) -> None:
    """rows : of the reference, to which the values belong"""
    share, same = _shares(ours, theirs, tolerance)
    compared = ~np.isnan(share)
    found.compared += int(compared.sum())
    found.not_compared += int((~compared).sum())
    found.same_bits += int((same & compared).sum())
    order = np.argsort(-np.nan_to_num(share, nan=-1.0), kind="stable")
    for index in order[: max(SHOWN, int((share > 1).sum()))]:
        if not share[index] > 0:
            break
        found.worst.append(
            Beside(
                name,
                keys.text(reference.loc[rows[index], keys.of(name, reference)]),
                column,
                _written(ours[index]),
                _written(theirs[index]),
                f"{tolerance[index]:.2g}",
                float(share[index]),
            )
        )


def _shares(
    ours: np.ndarray, theirs: np.ndarray, tolerance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How much of its tolerance each difference takes, nan where none is compared; which are none.

    Of text and flags, and where one side alone is null or infinite, a difference is infinite.
    """
    same = (ours == theirs) | (pd.isna(ours) & pd.isna(theirs))
    numbers = theirs.dtype.kind in "iuf" and ours.dtype.kind in "iuf"
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.abs(ours - theirs) / tolerance if numbers else np.full(len(ours), np.inf)
    share = np.where(np.isnan(share), np.inf, share)
    share = np.where(np.asarray(same, bool), 0.0, share)
    return np.where(np.isnan(tolerance), np.nan, share), np.asarray(same, bool)


def _lacks(table: str, row: str, what: str) -> Beside:
    return Beside(table, row, what, "not there", "", "", np.inf)


def _written(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float | np.floating) else str(value)


def text(found: Comparison) -> Iterable[str]:
    """What a person is told, line by line: how many numbers, the worst five, the verdict."""
    yield f"{found.compared:,} values are compared, {found.same_bits:,} of them the same bits."
    if found.not_compared:
        yield f"{found.not_compared:,} are not: null, of invalid layers, or chaotic of one seed."
    if found.other_data:
        other = ", ".join(found.other_data)
        yield f"Of other data than the reference's, and not compared: {other}."
    if found.missing:
        yield f"Not there, and not compared: {'; '.join(found.missing)}."
    if found.worst:
        yield "The worst, by the share of the tolerance that they take:"
        rows = [("", "table", "row", "column", "ours", "reference", "tolerance")]
        for each in found.worst[:SHOWN]:
            share = "differs" if np.isinf(each.share) else f"{each.share:.2g}"
            cells = (each.table, each.row, each.column, each.ours, each.theirs)
            rows.append((share, *cells, each.tolerance))
        yield from _aligned(rows)
    yield verdict(found)


def verdict(found: Comparison) -> str:
    """In one sentence."""
    if found.differing:
        tables = ", ".join(dict.fromkeys(each.table for each in found.differing))
        return f"DIFFERENT: {len(found.differing):,} of them, in {tables}."
    if found.compared == found.same_bits:
        return "THE SAME: all that is compared, to the last bit."
    return "THE SAME: all that is compared, within its tolerance."


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return [f"  {line}".rstrip() for line in lines]
