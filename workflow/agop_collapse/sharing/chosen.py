"""Rows of a reference's tables that the pages of what was reproduced are made of."""

import pandas as pd


def projected(deep_rfm: pd.DataFrame) -> pd.DataFrame:
    """Of M^1/2 X at each layer, and as layer 0 of the data."""
    data = deep_rfm[(deep_rfm["stage"] == "X") & (deep_rfm["layer"] == 1)].assign(layer=0)
    return pd.concat([data, deep_rfm[deep_rfm["stage"] == "MX"]])


def at_the_end(frame: pd.DataFrame) -> pd.DataFrame:
    """Of each network's last epoch."""
    last = frame.groupby(["dataset", "run", "seed"])["epoch"].transform("max")
    return frame[frame["epoch"] == last]
