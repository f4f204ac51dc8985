"""Deep RFM with its AGOP projection against Deep RFM without one (Section 4)."""

import pandas as pd
from matplotlib.figure import Figure

from . import style
from .style import COLOURS, Look

ROW_HEIGHT = 1.45  # inches
PROJECTIONS = {
    "agop": ("with the AGOP", Look(COLOURS["orange"], "-", "s")),
    "identity": ("random features alone, $M = I$", Look(COLOURS["grey"], "--", "D")),
}


@style.use_style()
def draw(deep_rfm: pd.DataFrame, rows: list[dict]) -> Figure:
    """NC1 (left, logarithmic) and NC2 (right) of M^1/2 X against the layer, for both projections.

    Layers from the first that is not valid in some seed on are drawn lighter.

    Parameters
    ----------
    deep_rfm : table with dataset, kernel, feature_map, projection, seed, layer, stage, nc1, nc2,
        valid
    rows : what selects each row of the figure (dataset, kernel, feature_map), from top to bottom

    Raises
    ------
    ValueError : when a row lacks one of the projections, or selects more than one run of it.
    """
    fig = Figure(figsize=(style.TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.3))
    axes = fig.subplots(len(rows), 2, sharex="row", squeeze=False)
    doubtful = False
    for index, (row, (left, right)) in enumerate(zip(rows, axes, strict=True)):
        layers = []
        for projection, (_, look) in PROJECTIONS.items():
            run = style.select(deep_rfm, {**row, "projection": projection, "stage": "MX"})
            doubtful_from = style.first_doubtful_layer(run)
            doubtful |= not run["valid"].all()
            style.draw_series(left, run, "layer", "nc1", look, doubtful_from)
            style.draw_series(right, run, "layer", "nc2", look, doubtful_from)
            layers.extend(run["layer"])
        style.use_log_scale(left)
        style.use_layer_axis(left, layers)
        right.set_ylim(bottom=0)
        left.set_ylabel(f"{style.row_heading(rows, index)}\n{style.NC1_LABEL}")
        right.set_ylabel(style.NC2_LABEL)
    for ax in axes[-1]:
        ax.set_xlabel("Layer of Deep RFM")
    doubt = "not to be trusted" if doubtful else ""
    style.add_legend(fig, dict(PROJECTIONS.values()), doubt)
    return fig
