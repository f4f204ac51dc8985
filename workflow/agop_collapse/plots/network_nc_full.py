"""Collapse of a network's training and test points over its layers, at the end of training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import trust
from .axes import (
    COLOURS,
    TEXT_WIDTH,
    Look,
    add_legend,
    add_panel_legend,
    draw_series,
    explain_if_empty,
    head_row,
    row_heading,
    use_layer_axis,
)
from .nc_full import LOOKS, draw_collapse, fit_shares, looks_of
from .save import use_style
from .select import only_run, select_last, select_part, select_run, summarise

ROW_HEIGHT = 3.0  # inches, of the four panels of a run
ROOM = 0.03  # beside the first layer and the readout, of as many layers
STAGE = "full"
ALIGNMENT = {
    "class_alignment": ("$W$ with class means", LOOKS["train"]),
    "class_alignment_chance": ("chance", Look(COLOURS["grey"], "-.", "None")),
}
NC4 = {"train": "nc4", "strong": "nc4_test"}
CENTRE_NAMES = {
    "nearest mean is right": Look(COLOURS["grey"], "-", "None"),
    "readout agrees with it": Look(COLOURS["grey"], "None", "*"),
}

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """NC1 to NC4 against the layer, at each seed's last epoch.

    NC1 and NC2 of the layers' outputs; for NC3 the principal cosine of each layer's weight, and as
    one layer more of the readout's, with the class means of its input; for NC4 the accuracy of the
    nearest class mean at each layer, and behind the last the share of points for which the readout
    decides as it does. Rows of which a seed has not fitted its data are drawn lighter. A run
    without test points has its training points alone.

    Parameters
    ----------
    tables : network_nc, network_readout, network_ranks, network_training
    rows : pairs of lines of the figure, each of one run, from top to bottom

    Raises
    ------
    ValueError : when a row is not one run, or one of the tables lacks it.
    """
    fig = Figure(figsize=(TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.5))
    axes = fig.subplots(2 * len(rows), 2, squeeze=False)
    drawn: set[str] = set()
    for index, row in enumerate(rows):
        nc1, nc2, nc3, nc4 = axes[2 * index : 2 * index + 2].flat
        run = only_run(row)
        points, readout, ranks = (
            select_last(select_run(tables, table, run), "epoch")
            for table in ("network_nc", "network_readout", "network_ranks")
        )
        points = select_part(points, "stage", STAGE)
        behind = points["layer"].max() + 1
        doubtful_from = trust.doubtful_from(tables, run)
        drawn |= draw_collapse((nc1, nc2, nc4), points, doubtful_from)
        readout = readout.assign(layer=behind, class_alignment=readout["principal_cosine"])
        for column, (_, look) in ALIGNMENT.items():
            there = pd.concat([ranks, readout]) if column == "class_alignment" else ranks
            draw_series(nc3, there, "layer", column, look, doubtful_from)
        nc3.set_ylim(min(0, nc3.dataLim.y0), 1)
        nc3.set_ylabel("NC3: principal cosine")
        explain_if_empty([nc3], "NC3", "layer")
        for part, column in NC4.items():
            if readout[column].notna().any():
                _draw_agreement(nc4, readout, column, LOOKS[part], doubtful_from)
        fit_shares(nc4)
        nc4.set_ylabel("NC4: share of points")
        for ax in (nc2, nc3, nc4):
            ax.sharex(nc1)
        use_layer_axis(nc1, range(1, behind + 1))
        nc1.set_xlim(1 - ROOM * behind, behind + ROOM * behind)
        head_row(nc1, row_heading(rows, index))
        if index == 0:
            add_panel_legend(nc3, dict(ALIGNMENT.values()))
            add_panel_legend(nc4, CENTRE_NAMES)
    for ax in axes[-1]:
        ax.set_xlabel("Layer, the last being the readout")
    add_legend(fig, looks_of(drawn), trust.doubt(tables, rows), lines=2)
    return fig


def _draw_agreement(
    ax: Axes, readout: pd.DataFrame, column: str, look: Look, doubtful_from: float
) -> None:
    """A star with an error bar where the readout stands."""
    at = summarise(readout, ["layer"], column)
    strength = 1.0 if at["layer"].max() < doubtful_from else 0.35
    ax.vlines(at["layer"], at["lower"], at["upper"], color=look.colour, linewidth=0.8)
    style = {"color": look.colour, "linestyle": "None", "marker": "*", "markersize": 5}
    ax.plot(at["layer"], at["mean"], **style, alpha=strength)
