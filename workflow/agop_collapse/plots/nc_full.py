"""Collapse of Deep RFM's training and test points over its layers."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import trust
from .axes import (
    COLOURS,
    TEXT_WIDTH,
    Look,
    add_legend,
    draw_series,
    explain_if_empty,
    head_row,
    row_heading,
    use_layer_axis,
    use_log_scale,
)
from .measures import NC1_LABEL, NC2_LABEL
from .save import use_style
from .select import only_run, select_part, select_run

ROW_HEIGHT = 1.6  # inches
STAGE = "MX"
LOOKS = {
    "train": Look(COLOURS["blue"], "--", "o"),
    "own": Look(COLOURS["orange"], "-", "s"),
    "strong": Look(COLOURS["red"], ":", "^"),
    "weak": Look(COLOURS["green"], "-.", "D"),
}
NAMES = {
    "train": "training points",
    "own": "test points, about their own class means",
    "strong": "test points, about training means",
    "weak": "test points, about the nearest training mean",
}
# By panel, what is drawn of training and of test points.
NC1 = {
    "train": "nc1",
    "own": "nc1_test_own",
    "strong": "nc1_test_strong",
    "weak": "nc1_test_weak",
}
NC2 = {"train": "nc2", "own": "nc2_test"}
CENTRE = {"train": "centre_accuracy", "strong": "test_centre_accuracy"}
ROOM = 0.06  # of what the axis of an accuracy spans

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """NC1, NC2 and the accuracy of the nearest class mean against the layer, of M^(1/2) X.

    Layers from the first that is not valid in some seed on are drawn lighter. A run without test
    points has its training points alone.

    Parameters
    ----------
    tables : deep_rfm
    rows : rows of the figure, each of one run, from top to bottom

    Raises
    ------
    ValueError : when a row is not one run, or the table lacks it.
    """
    fig = Figure(figsize=(TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.4))
    axes = fig.subplots(len(rows), 3, sharex="row", squeeze=False)
    drawn: set[str] = set()
    for index, (row, panels) in enumerate(zip(rows, axes, strict=True)):
        run = only_run(row)
        points = select_part(select_run(tables, "deep_rfm", run), "stage", STAGE)
        drawn |= draw_collapse(panels, points, trust.doubtful_from(tables, run))
        use_layer_axis(panels[0], points["layer"])
        head_row(panels[0], row_heading(rows, index))
        panels[2].set_ylabel("Nearest-centre accuracy")
    for ax in axes[-1]:
        ax.set_xlabel("Layer of Deep RFM")
    add_legend(fig, looks_of(drawn), trust.doubt(tables, rows), lines=2)
    return fig


def draw_collapse(panels: Sequence[Axes], points: pd.DataFrame, doubtful_from: float) -> set[str]:
    """NC1, NC2 and nearest-centre accuracy against the layer, a panel each; the series drawn.

    Parameters
    ----------
    panels : three
    points : of one run, a row for each seed and layer
    doubtful_from : first layer that is drawn lighter
    """
    drawn = set()
    for ax, series in zip(panels, (NC1, NC2, CENTRE), strict=True):
        for part, column in series.items():
            if points[column].notna().any() or part == "train":
                draw_series(ax, points, "layer", column, LOOKS[part], doubtful_from)
                drawn.add(part)
    nc1, nc2, accuracy = panels
    nc1.set_ylabel(NC1_LABEL)
    use_log_scale(nc1)
    explain_if_empty([nc1], "NC1", "layer")
    nc2.set_ylabel(NC2_LABEL)
    nc2.set_ylim(bottom=0)
    explain_if_empty([nc2], "NC2", "layer")
    fit_shares(accuracy)
    return drawn


def fit_shares(ax: Axes) -> None:
    """The y axis of shares of points: up to 1, and no further down than there are any."""
    room = ROOM * max(1 - ax.dataLim.y0, 0.01)
    ax.set_ylim(ax.dataLim.y0 - room, 1 + room)


def looks_of(drawn: set[str]) -> dict[str, Look]:
    """What the legend says of the series that are drawn."""
    return {NAMES[part]: look for part, look in LOOKS.items() if part in drawn}
