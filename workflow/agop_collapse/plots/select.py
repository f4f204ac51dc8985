"""A run's part of a table, and its summary over seeds."""

import numpy as np
import pandas as pd

RUN_COLUMNS = ("study", "dataset", "run")
KIND_COLUMNS = ("kernel", "feature_map", "projection", "model", "network")
# Columns that say where something was measured, rather than what.
_PLACES = {*RUN_COLUMNS, *KIND_COLUMNS, "seed", "layer", "applied_layer", "epoch", "stage"}
_PLACES |= {"index", "i", "j", "valid", "fitted"}


def only_run(row: dict) -> dict:
    """The one run of a figure row.

    Raises
    ------
    ValueError : when the row has none or several.
    """
    if len(row["runs"]) != 1:
        names = [run["run"] for run in row["runs"]]
        raise ValueError(f"the figure row {row['label']!r} must be one run; it is {names}")
    return row["runs"][0]


def has_run(tables: dict[str, pd.DataFrame], table: str, run: dict) -> bool:
    """Whether a table has something of a run."""
    return _is_of(tables[table], run).any()


def select_run(tables: dict[str, pd.DataFrame], table: str, run: dict) -> pd.DataFrame:
    """The rows of a table that are of one run, of all its seeds or of those that are wanted.

    Parameters
    ----------
    tables : tables by name
    table : name of the one to select from
    run : study, dataset, run, and the seeds if not all; its other keys do not matter

    Raises
    ------
    ValueError : when the table has nothing of the run, or mixes runs of several kinds by its name.
    """
    frame = tables[table]
    wanted = {column: run[column] for column in RUN_COLUMNS}
    chosen = frame[_is_of(frame, run)]
    if chosen.empty:
        there = frame[list(RUN_COLUMNS)].drop_duplicates().to_dict("records")
        raise ValueError(f"the table {table} has nothing of the run {wanted}; it has {there}")
    for column in KIND_COLUMNS:
        if column in chosen and chosen[column].nunique() > 1:
            values = sorted(chosen[column].unique())
            raise ValueError(
                f"the run {wanted} of the table {table} mixes several values of {column}: {values}"
            )
    return chosen


def _is_of(frame: pd.DataFrame, run: dict) -> np.ndarray:
    conditions = [frame[column] == run[column] for column in RUN_COLUMNS]
    if "seeds" in run:
        conditions.append(frame["seed"].isin(run["seeds"]))
    return np.logical_and.reduce(conditions)


def select_part(frame: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    """The rows of a run with one value of a column, such as a layer or a stage.

    Raises
    ------
    ValueError : when there is no such row.
    """
    chosen = frame[frame[column] == value]
    if chosen.empty:
        dataset, run = frame[["dataset", "run"]].iloc[0]
        there = sorted(frame[column].unique().tolist())
        raise ValueError(f"the run {run} of {dataset} has no {column} {value}; it has {there}")
    return chosen


def select_last(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows of a run with each seed's last value of a column, such as its last epoch.

    All of a seed that has no value, as a network that was trained elsewhere has no epoch.
    """
    last = frame.groupby("seed")[column].transform("max")
    return frame[(frame[column] == last) | last.isna()]


def select_measure(
    tables: dict[str, pd.DataFrame],
    table: str,
    run: dict,
    measure: str,
    stage: str | None = None,
    **places: int | str,
) -> pd.DataFrame:
    """The rows of one run that hold a measure at a stage, a layer and an epoch.

    Parameters
    ----------
    tables, table, run : as in `select_run`
    measure : column of what is measured
    stage : value of the column `stage`; None where the measure is the same at each stage
    places : value of the columns `layer` and `epoch`, or "last" for the last of each seed. A column
        that is not among them keeps all its values, "last" of a column that is not there says
        nothing.

    Raises
    ------
    ValueError : when there is no such run, measure, stage, layer or epoch, or when the measure
        needs a stage.
    """
    frame = select_run(tables, table, run)
    measures = [
        column
        for column in frame
        if column not in _PLACES and pd.api.types.is_numeric_dtype(frame[column])
    ]
    if measure not in measures:
        raise ValueError(f"the table {table} has no measure {measure}; it has {measures}")
    for column, value in (places | ({} if stage is None else {"stage": stage})).items():
        if column not in frame:
            if value != "last":
                raise ValueError(f"the table {table} has no column {column}")
        elif value == "last":
            frame = select_last(frame, column)
        else:
            frame = select_part(frame, column, value)
    if stage is None and "stage" in frame:
        there = frame["stage"].unique().tolist()
        keys = ["seed", *(column for column in ("layer", "epoch") if column in frame)]
        frame = frame.drop_duplicates([*keys, measure])
        if frame.duplicated(keys).any():
            raise ValueError(f"{measure} of the table {table} needs a stage: one of {there}")
    return frame


def summarise(frame: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Mean over seeds and the error band of the paper: one standard deviation (ddof = 1) each way.

    The lower end is no lower than 0.01 times the mean (Appendix D), so that it has a place on a
    logarithmic axis; a mean that is not positive leaves it as it is.

    Parameters
    ----------
    frame : long-form table, one row per seed and combination of `by`
    by : columns that tell the points of the curve apart
    value : column to summarise; a missing value makes its point missing

    Returns
    -------
    Table sorted by `by`, with columns `by`, mean, lower, upper. One seed has a band of no width.

    Raises
    ------
    ValueError : when a seed has several values at one point.
    """
    several = frame[frame.duplicated([*by, "seed"])]
    if len(several):
        point = several[[*by, "seed"]].iloc[0].to_dict()
        raise ValueError(f"several values of {value} at {point}: the points do not tell them apart")
    groups = frame.groupby(by, sort=True)[value]
    mean = groups.mean(skipna=False)
    sd = groups.std(ddof=1).fillna(0)
    lower = (mean - sd).where(mean <= 0, np.maximum(mean - sd, 0.01 * mean))
    return pd.DataFrame({"mean": mean, "lower": lower, "upper": mean + sd}).reset_index()
