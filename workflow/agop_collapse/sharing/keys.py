"""What tells the rows of a study's table apart, and which rows of two tables belong together."""

import numpy as np
import pandas as pd

from ..files.columns import KIND_COLUMNS

# Of tables whose keys are numbers too. Of all others they are the columns before the first number
# that was measured.
_KEYS = {
    "theory_recursion": ("study", "seed", "lambda_map", "lambda_k", "kappa", "layer"),
    "theory_rate": ("study", "seed", "lambda_map", "lambda_k", "kappa"),
    "theory_objective": (
        *("study", "seed", "labels", "classes", "per_class", "ridge"),
        *("source", "nonnegative", "number"),
    ),
    "theory_random_features": ("study", "seed", "feature_map", "width", "draws", "product"),
    "theory_claims": ("study", "seed", "claim"),
    "theory_kernel": ("study", "seed", "distance"),
    "classes": ("study", "dataset", "run", "seed", "class"),
    "runs": ("study", "dataset", "run", "seed", "kind"),
}
RUN = ["dataset", "run", "seed"]
# What the name of a run, or another part of the key, says already; and what needs no name.
_IMPLIED = {"kind", "applied_layer", *(name for names in KIND_COLUMNS.values() for name in names)}
_BARE = {"dataset", "run", "stage", "of", "labels", "source", "claim"}


def of(table: str, frame: pd.DataFrame) -> list[str]:
    """The columns that tell the rows of a table apart."""
    if table in _KEYS:
        return list(_KEYS[table])
    measured = [column for column in frame.columns if frame[column].dtype.kind == "f"]
    return list(frame.columns[: frame.columns.get_loc(measured[0])])


def places(ours: pd.DataFrame, theirs: pd.DataFrame, keyed: list[str]) -> np.ndarray:
    """For each row of theirs the position of ours with the same key; -1 where there is none.

    Raises
    ------
    ValueError : when a key of ours is there twice.
    """
    index = pd.MultiIndex.from_frame(ours[keyed])
    return index.get_indexer(pd.MultiIndex.from_frame(theirs[keyed]))


def missing_runs(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """The runs of theirs, a row each, of which ours has none; none of a table that is of no run."""
    if not set(RUN) <= set(theirs.columns):
        return theirs.iloc[:0, :0]
    runs = theirs[RUN].drop_duplicates()
    there = pd.MultiIndex.from_frame(ours[RUN])
    return runs[~pd.MultiIndex.from_frame(runs).isin(there)]


def of_runs(frame: pd.DataFrame, runs: pd.DataFrame) -> np.ndarray:
    """Which rows of a table are of some runs."""
    if runs.empty:
        return np.zeros(len(frame), bool)
    return pd.MultiIndex.from_frame(frame[RUN]).isin(pd.MultiIndex.from_frame(runs))


def text(row: pd.Series) -> str:
    """A row's key in words, such as "digits mlp seed 0 epoch 60 layer 2"."""
    of_a_run = "run" in row
    words = []
    for name, value in row.items():
        if name == "study" or (of_a_run and name in _IMPLIED):
            continue
        words.append(str(value) if name in _BARE else f"{name} {value}")
    return " ".join(words)
