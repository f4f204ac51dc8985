"""Within-class variability along the parts of each layer of a network (Figures 2, 7, 8 and 9)."""

import math
from collections.abc import Collection

import pandas as pd
from matplotlib.figure import Figure

from . import style
from .style import COLOURS, Look

ROW_HEIGHT = 1.15  # inches
STAGES = {
    "input": (r"$\Phi(X)$", Look(COLOURS["blue"], "--", "o")),
    "right": (r"$SV^{\!\top}\!\Phi(X)$", Look(COLOURS["green"], "-", "s")),
    "full": (r"ReLU$(USV^{\!\top}\!\Phi(X))$", Look(COLOURS["red"], ":", "^")),
}


@style.use_style()
def draw(
    network_nc: pd.DataFrame, rows: list[dict], unfitted: Collection[str] = frozenset()
) -> Figure:
    """NC1 (logarithmic) against the epoch, one panel a layer: its input, after S V^T, after all.

    Parameters
    ----------
    network_nc : table with dataset, model, seed, epoch, layer, stage, nc1
    rows : what selects each row of the figure, from top to bottom
    unfitted : labels of the rows to draw lighter, of `style.unfitted_rows`

    Raises
    ------
    ValueError : when a row selects nothing, or more than one network.
    """
    runs = [style.select(network_nc, row) for row in rows]
    layers = sorted(set().union(*(run["layer"] for run in runs)))
    fig = Figure(figsize=(style.TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.5))
    axes = fig.subplots(len(rows), len(layers), sharex="row", sharey="row", squeeze=False)
    for index, (row, run, panels) in enumerate(zip(rows, runs, axes, strict=True)):
        doubtful_from = -math.inf if style.row_label(row) in unfitted else math.inf
        for layer, ax in zip(layers, panels, strict=True):
            for stage, (_, look) in STAGES.items():
                points = style.select(run, {**row, "layer": layer, "stage": stage})
                style.draw_series(ax, points, "epoch", "nc1", look, doubtful_from)
        style.use_log_scale(panels[0])
        style.use_epoch_axis(panels[0], run["epoch"])
        panels[0].set_ylabel(f"{style.row_heading(rows, index)}\n{style.NC1_LABEL}")
    for layer, ax in zip(layers, axes[0], strict=True):
        ax.set_title(f"Layer {layer}")
    for ax in axes[-1]:
        ax.set_xlabel("Epoch")
    doubt = style.unfitted_legend(rows, unfitted)
    style.add_legend(fig, dict(STAGES.values()), doubt)
    return fig
