"""Collapse of Deep RFM over its layers (Figures 3 and 4)."""

import pandas as pd
from matplotlib.figure import Figure

from . import style
from .style import COLOURS, Look

ROW_HEIGHT = 1.45  # inches
STAGES = {
    "X": ("$X$", Look(COLOURS["green"], "--", "o")),
    "MX": ("$M^{1/2}X$", Look(COLOURS["orange"], "-", "s")),
    "PhiMX": (r"$\Phi(M^{1/2}X)$", Look(COLOURS["blue"], ":", "^")),
}
NC2_LABELS = {"nc2": style.NC2_LABEL, "nc2_over_k2": rf"{style.NC2_LABEL} / $K^2$"}


@style.use_style()
def draw(deep_rfm: pd.DataFrame, rows: list[dict], nc2: str = "nc2") -> Figure:
    """NC1 (left, logarithmic) and NC2 (right) of each stage against the layer.

    Layers from the first that is not valid in some seed on are drawn lighter.

    Parameters
    ----------
    deep_rfm : table with dataset, kernel, feature_map, projection, seed, layer, stage, nc1, nc2,
        valid
    rows : what selects each row of the figure, from top to bottom
    nc2 : "nc2" for the Frobenius norm, "nc2_over_k2" for that over K^2, as the earlier version (D3)

    Raises
    ------
    ValueError : when a row selects nothing, or more than one run.
    """
    # The table has nc2 and nc2_mse = nc2^2 / K^2.
    deep_rfm = deep_rfm.assign(nc2_over_k2=deep_rfm["nc2_mse"] / deep_rfm["nc2"])
    fig = Figure(figsize=(style.TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.3))
    axes = fig.subplots(len(rows), 2, sharex="row", squeeze=False)
    doubtful = False
    for index, (row, (left, right)) in enumerate(zip(rows, axes, strict=True)):
        run = style.select(deep_rfm, row)
        doubtful_from = style.first_doubtful_layer(run)
        doubtful |= not run["valid"].all()
        # From the last stage to the first, as in the paper: X lies on top.
        for stage, (_, look) in reversed(STAGES.items()):
            points = style.select(run, {**row, "stage": stage})
            style.draw_series(left, points, "layer", "nc1", look, doubtful_from)
            style.draw_series(right, points, "layer", nc2, look, doubtful_from)
        style.use_log_scale(left)
        style.use_layer_axis(left, run["layer"])
        right.set_ylim(bottom=0)
        left.set_ylabel(f"{style.row_heading(rows, index)}\n{style.NC1_LABEL}")
        right.set_ylabel(NC2_LABELS[nc2])
    for ax in axes[-1]:
        ax.set_xlabel("Layer of Deep RFM")
    doubt = "not to be trusted" if doubtful else ""
    style.add_legend(fig, dict(STAGES.values()), doubt)
    return fig
