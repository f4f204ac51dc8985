"""A table as a page has it: cells of few digits to read and sort, and all digits to download."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from .embedded import data_address

# Larger tables stay in their files: a browser is slow with more, and nobody reads them.
MOST_CELLS = 40_000
# What each row of a table is of.
A_ROW_FOR = {
    "deep_rfm": "run, layer and stage",
    "gram": "run and layer",
    "classes": "run and class",
    "agop_spectrum": "run, layer and index",
    "attribution": "run and layer",
    "rates": "run and stage",
    "theory_layers": "run and layer",
    "predictor": "run",
    "network_nc": "network, epoch, layer and stage",
    "network_readout": "network and epoch",
    "network_attribution": "network, epoch and layer",
    "network_rates": "network, epoch and stage",
    "network_nfa": "network, epoch and layer",
    "network_ansatz": "network, epoch, layer and form of the ansatz",
    "network_ranks": "network, epoch and layer",
    "network_spectrum": "network, epoch, layer, spectrum and index",
    "network_training": "network and epoch",
    "network_layers": "network of one's own, epoch, layer and stage",
    "nfa_summary": "network",
    "theory_kernel": "distance of two points",
    "theory_recursion": "λ_map, λ_k, κ and layer",
    "theory_rate": "λ_map, λ_k and κ",
    "theory_objective": "kernel",
    "theory_random_features": "feature map, width and product of two points",
    "theory_claims": "claim of the theory",
    "runs": "run and seed",
}


@dataclass(frozen=True)
class Listing:
    """A table of a page.

    name : of its file, without ending; a_row_for : what each row is of
    columns : names, and whether each holds numbers
    rows : cells as texts; none of a table that is too large, whose number of rows is `length`
    csv : the whole table as an address that holds it; empty where there are no rows
    """

    name: str
    a_row_for: str
    columns: list[tuple[str, bool]]
    rows: list[list[str]]
    length: int
    csv: str


def listing(name: str, frame: pd.DataFrame) -> Listing:
    """A data frame as a listing."""
    columns = [(str(column), _is_number(frame[column])) for column in frame]
    rows, csv = [], ""
    if frame.size <= MOST_CELLS:
        rows = [list(row) for row in zip(*(_cells(frame[column]) for column in frame), strict=True)]
        csv = data_address("text/csv", frame.to_csv(index=False).encode())
    return Listing(name, A_ROW_FOR.get(name, ""), columns, rows, len(frame), csv)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _cells(column: pd.Series) -> Sequence[str]:
    """Four digits of a floating number, whole numbers and texts as they are, nothing if missing."""
    if pd.api.types.is_float_dtype(column):
        return ["" if pd.isna(value) else f"{value:.4g}" for value in column]
    return ["" if pd.isna(value) else str(value) for value in column]
