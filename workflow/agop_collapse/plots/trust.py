"""What in a figure is not to be trusted: layers of ill-conditioned solves, networks not fitted."""

import math

import pandas as pd

from .select import has_run, select_last, select_run

DOUBTFUL = "not to be trusted"
UNFITTED = "not fitted"
# What has no layer is of a network, all of which is doubtful or none, or behind a run's last layer.
BEHIND_ALL = 10**6


def first_doubtful_layer(deep_rfm: pd.DataFrame) -> float:
    """First layer of a run that is not valid in some seed; infinity when all are."""
    doubtful = deep_rfm.loc[~deep_rfm["valid"].astype(bool), "layer"]
    return doubtful.min() if len(doubtful) else math.inf


def _behind_the_last(tables: dict[str, pd.DataFrame], run: dict) -> float:
    """The number of a run's predictor, one above its layers', if it is not valid in some seed."""
    if not {"predictor", "deep_rfm"} <= tables.keys() or not has_run(tables, "predictor", run):
        return math.inf
    if select_run(tables, "predictor", run)["valid"].astype(bool).all():
        return math.inf
    return select_run(tables, "deep_rfm", run)["layer"].max() + 1


def is_unfitted(run: pd.DataFrame) -> bool:
    """Whether some seed of a run, in a table with `epoch` and `fitted`, is not at its last."""
    return not select_last(run, "epoch")["fitted"].astype(bool).all()


def _of_a_network(run: pd.DataFrame) -> float:
    return -math.inf if is_unfitted(run) else math.inf


_VERDICTS = {
    "network_training": _of_a_network,
    "network_layers": _of_a_network,
    "deep_rfm": first_doubtful_layer,
}


def doubtful_from(tables: dict[str, pd.DataFrame], run: dict) -> float:
    """First layer of a run that is not to be trusted; infinity if all are.

    The predictor behind the last layer, where there is its table, counts as one layer more. Of a
    network, nothing is (minus infinity) or all is. The verdict is read from the table
    network_training of networks, network_layers of one's own, deep_rfm of Deep RFM; without any,
    there is none to read.

    Raises
    ------
    ValueError : when the run is in none of those that there are.
    """
    there = [table for table in _VERDICTS if table in tables]
    found = [table for table in there if has_run(tables, table, run)] or there[:1]
    verdicts = [_VERDICTS[table](select_run(tables, table, run)) for table in found]
    return min([*verdicts, _behind_the_last(tables, run)])


def layers_read(points: pd.DataFrame) -> pd.Series:
    """The layer that each row of a measure rests on, to be held against `doubtful_from`."""
    behind_all = pd.Series(BEHIND_ALL, points.index)
    return points.get("applied_layer", points.get("layer", behind_all))


def doubt(tables: dict[str, pd.DataFrame], rows: list[dict]) -> str:
    """What a legend says of the doubtful parts of a figure's runs; empty if all are sound."""
    firsts = {doubtful_from(tables, run) for row in rows for run in row["runs"]} - {math.inf}
    if not firsts:
        return ""
    return UNFITTED if min(firsts) == -math.inf else DOUBTFUL


def note(tables: dict[str, pd.DataFrame], rows: list[dict]) -> str:
    """End of a footer: which rows of a figure are not to be trusted; empty if all are.

    Of Deep RFM, it says from which layer on.
    """
    unfitted, doubtful = [], []
    for row in rows:
        first = min(doubtful_from(tables, run) for run in row["runs"])
        if first == -math.inf:
            unfitted.append(row["label"])
        elif first < math.inf:
            doubtful.append(f"{row['label']} from layer {first}".lstrip())
    text = f". Not fitted: {'; '.join(unfitted)}" if unfitted else ""
    if doubtful:
        text += f". Not to be trusted (ill-conditioned solve): {'; '.join(doubtful)}"
    return text
