"""Collapse of Deep RFM over its layers (Figures 3 and 4)."""

import pandas as pd
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
from .measures import NC1_LABEL, NC2_LABEL, STAGE_LABELS
from .save import use_style
from .select import only_run, select_part, select_run

ROW_HEIGHT = 1.6  # inches
STAGES = {
    "X": Look(COLOURS["green"], "--", "o"),
    "MX": Look(COLOURS["orange"], "-", "s"),
    "PhiMX": Look(COLOURS["blue"], ":", "^"),
}
NC2_LABELS = {"nc2": NC2_LABEL, "nc2_over_k2": rf"{NC2_LABEL} / $K^2$"}

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict], nc2: str = "nc2") -> Figure:
    """NC1 (left, logarithmic) and NC2 (right) of each stage against the layer.

    Layers from the first that is not valid in some seed on are drawn lighter.

    Parameters
    ----------
    tables : deep_rfm
    rows : rows of the figure, each of one run, from top to bottom
    nc2 : "nc2" for the Frobenius norm, "nc2_over_k2" for that over K^2, as the earlier version (D3)

    Raises
    ------
    ValueError : when a row is not one run, or the table lacks it.
    """
    fig = Figure(figsize=(TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.3))
    axes = fig.subplots(len(rows), 2, sharex="row", squeeze=False)
    for index, (row, (left, right)) in enumerate(zip(rows, axes, strict=True)):
        run = select_run(tables, "deep_rfm", only_run(row))
        # The table has nc2 and nc2_mse = nc2^2 / K^2.
        run = run.assign(nc2_over_k2=run["nc2_mse"] / run["nc2"])
        doubtful_from = trust.doubtful_from(tables, only_run(row))
        # From the last stage to the first, as in the paper: X lies on top.
        for stage, look in reversed(STAGES.items()):
            points = select_part(run, "stage", stage)
            draw_series(left, points, "layer", "nc1", look, doubtful_from)
            draw_series(right, points, "layer", nc2, look, doubtful_from)
        use_log_scale(left)
        use_layer_axis(left, run["layer"])
        right.set_ylim(bottom=0)
        head_row(left, row_heading(rows, index))
        left.set_ylabel(NC1_LABEL)
        right.set_ylabel(NC2_LABELS[nc2])
        explain_if_empty([left], "NC1", "layer")
        explain_if_empty([right], "NC2", "layer")
    for ax in axes[-1]:
        ax.set_xlabel("Layer of Deep RFM")
    looks = {STAGE_LABELS[stage]: look for stage, look in STAGES.items()}
    add_legend(fig, looks, trust.doubt(tables, rows))
    return fig
