"""A table of Deep RFM as studies have it, to compare and to share."""

from collections.abc import Sequence

import pandas as pd
from agop_collapse.files import tables


def deep_rfm(sensitivity: Sequence[float], seeds: Sequence[int] = (0,)) -> pd.DataFrame:
    """A table deep_rfm with a layer for each sensitivity, the numbers that are not given 0.5."""
    rows = [
        {"study": "a", "dataset": "d", "run": "r", "seed": seed, "kernel": "laplace"}
        | {"feature_map": "relu", "projection": "agop", "layer": layer, "stage": stage}
        | {"sensitivity": value, "valid": True}
        for seed in seeds
        for layer, value in enumerate(sensitivity, start=1)
        for stage in ("X", "MX", "PhiMX")
    ]
    frame = tables.frame("deep_rfm", rows)
    numbers = [name for name in frame if frame[name].isna().all()]
    return frame.assign(**dict.fromkeys(numbers, 0.5))
