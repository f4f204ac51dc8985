"""A caption, and what captions share: rows, means over seeds, and how far a run is to be trusted.

Tables are a study's, by name, as the modules of `plots` take them. Numbers are means over the
seeds that a figure shows. A number that is not to be trusted is not given: of Deep RFM those from
the first layer on whose solve is not valid in some seed, of a network all while it is not fitted.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from ...plots import trust
from ...plots.select import only_run, select_last, select_part, select_run
from ..plain import number, plain

Tables = dict[str, pd.DataFrame]
Row = dict
# Of a figure with more rows or lines a caption tells of the first ones.
MOST_ROWS = 6


@dataclass(frozen=True)
class Caption:
    """What a report says of a figure.

    text : one or two sentences below it
    alternative : for who cannot see it: what is drawn, and the same numbers
    """

    text: str
    alternative: str


def caption(shows: str, drawn: str, numbers: str) -> Caption:
    """A caption of three parts without full stops.

    shows : what the figure is about; drawn : its panels, axes and lines; numbers : what they tell
    """
    return Caption(f"{shows}. {numbers}.", f"{drawn}. {numbers}.")


def by_row(rows: Iterable[Row], tell: Callable[[Row], str]) -> str:
    """What is told of each row behind its label, in one sentence."""
    rows = list(rows)
    parts = [f"{plain(row['label'])}: {tell(row)}" for row in rows[:MOST_ROWS]]
    more = len(rows) - MOST_ROWS
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


def seeds_of(tables: Tables, table: str, rows: Iterable[Row]) -> str:
    """Over how many seeds numbers are means, such as "mean of 3 seeds"; of one its name."""
    runs = [run for row in rows for run in row["runs"]]
    found = [sorted(set(select_run(tables, table, run)["seed"])) for run in runs]
    fewest, most = min(map(len, found)), max(map(len, found))
    if fewest < most:
        return f"means of {fewest} to {most} seeds"
    if most == 1 and len({seeds[0] for seeds in found}) == 1:
        return f"seed {found[0][0]}"
    return f"mean of {most} seeds" if most > 1 else "one seed each"


def mean(frame: pd.DataFrame, column: str, **places: object) -> float:
    """Mean over seeds of a column at some places; nan where a seed has none."""
    for name, value in places.items():
        frame = select_part(frame, name, value)
    return frame[column].mean(skipna=False)


def from_to(first: float, last: float, say: Callable[[float], str] = number) -> str:
    """Such as "falls from 1.7 to 0.012"."""
    if math.isnan(first) or math.isnan(last):
        return f"goes from {say(first)} to {say(last)}"
    if say(first) == say(last):
        return f"stays at {say(last)}"
    return f"{'falls' if last < first else 'rises'} from {say(first)} to {say(last)}"


# Deep RFM


def sound_layers(tables: Tables, run: dict) -> list[int]:
    """The layers of a run of Deep RFM that are to be trusted, in order."""
    first = trust.doubtful_from(tables, run)
    layers = sorted(select_run(tables, "deep_rfm", run)["layer"].unique())
    return [int(layer) for layer in layers if layer < first]


def over_layers(tables: Tables, run: dict, tell: Callable[[int, int], str]) -> str:
    """What is told of the first layer of a run and of the last that is to be trusted."""
    sound = sound_layers(tables, run)
    if not sound:
        return "no layer is to be trusted (ill-conditioned solve)"
    depth = select_run(tables, "deep_rfm", run)["layer"].max()
    only = ", the last to be trusted" if sound[-1] < depth else ""
    return f"from layer {sound[0]} to {sound[-1]}{only}, {tell(sound[0], sound[-1])}"


# Networks


def if_fitted(tables: Tables, row: Row, tell: Callable[[dict], str]) -> str:
    """What is told of a row's network, if it has fitted its data; else that it has not."""
    run = only_run(row)
    training = select_run(tables, "network_training", run)
    if not trust.is_unfitted(training):
        return tell(run)
    loss = mean(select_last(training, "epoch"), "train_loss")
    return f"not fitted (train loss {number(loss)}), and no number is given"


def at_end(tables: Tables, table: str, run: dict) -> pd.DataFrame:
    """The rows of a run at each seed's last epoch."""
    return select_last(select_run(tables, table, run), "epoch")


def at_start(tables: Tables, table: str, run: dict) -> pd.DataFrame:
    """The rows of a run at its first epoch, the initialisation."""
    frame = select_run(tables, table, run)
    return select_part(frame, "epoch", frame["epoch"].min())
