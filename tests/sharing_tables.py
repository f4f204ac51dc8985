"""Tables as studies have them, to compare and to share."""

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


def network(nfa: dict[int, list[float]], column: str = "nfa") -> pd.DataFrame:
    """A table network_nfa of one layer: of each epoch the values of the seeds 0, 1, ..."""
    rows = [
        {"study": "a", "dataset": "d", "run": "mlp", "seed": seed, "model": "mlp"}
        | {"epoch": epoch, "layer": 1, column: value}
        for epoch, values in nfa.items()
        for seed, value in enumerate(values)
    ]
    return tables.frame("network_nfa", rows)
