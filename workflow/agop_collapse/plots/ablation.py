"""Deep RFM with its AGOP projection against Deep RFM without one (Section 4)."""

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
from .measures import NC1_LABEL, NC2_LABEL
from .save import use_style
from .select import select_part, select_run

ROW_HEIGHT = 1.6  # inches
ROLES = {
    "agop": ("with the AGOP", Look(COLOURS["orange"], "-", "s")),
    "identity": ("random features alone, $M = I$", Look(COLOURS["grey"], "--", "D")),
}

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """NC1 (left, logarithmic) and NC2 (right) of M^1/2 X against the layer, for both projections.

    Layers from the first that is not valid in some seed on are drawn lighter.

    Parameters
    ----------
    tables : deep_rfm
    rows : rows of the figure, from top to bottom, each of two runs whose key `role` is "agop" and
        "identity"

    Raises
    ------
    ValueError : when a row lacks one of the projections, or the table one of the runs.
    """
    fig = Figure(figsize=(TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.3))
    axes = fig.subplots(len(rows), 2, sharex="row", squeeze=False)
    for index, (row, (left, right)) in enumerate(zip(rows, axes, strict=True)):
        runs = {run["role"]: run for run in row["runs"]}
        if runs.keys() != ROLES.keys() or len(row["runs"]) != len(ROLES):
            roles = [run["role"] for run in row["runs"]]
            raise ValueError(f"the figure row {row['label']!r} needs {list(ROLES)}; it has {roles}")
        layers = []
        for role, (_, look) in ROLES.items():
            points = select_part(select_run(tables, "deep_rfm", runs[role]), "stage", "MX")
            doubtful_from = trust.doubtful_from(tables, runs[role])
            draw_series(left, points, "layer", "nc1", look, doubtful_from)
            draw_series(right, points, "layer", "nc2", look, doubtful_from)
            layers.extend(points["layer"])
        use_log_scale(left)
        use_layer_axis(left, layers)
        right.set_ylim(bottom=0)
        head_row(left, row_heading(rows, index))
        left.set_ylabel(NC1_LABEL)
        right.set_ylabel(NC2_LABEL)
        explain_if_empty([left], "NC1", "layer")
        explain_if_empty([right], "NC2", "layer")
    for ax in axes[-1]:
        ax.set_xlabel("Layer of Deep RFM")
    add_legend(fig, dict(ROLES.values()), trust.doubt(tables, rows))
    return fig
