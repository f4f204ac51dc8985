"""Within-class variability along the parts of each layer of a network (Figures 2, 7, 8 and 9)."""

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
    use_epoch_axis,
    use_log_scale,
)
from .measures import MEASURES, STAGE_LABELS
from .save import use_style
from .select import only_run, select_part, select_run

ROW_HEIGHT = 1.35  # inches
STAGES = {
    "input": Look(COLOURS["blue"], "--", "o"),
    "right": Look(COLOURS["green"], "-", "s"),
    "full": Look(COLOURS["red"], ":", "^"),
}

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """NC1 (logarithmic) against the epoch, one panel a layer: its input, after S V^T, after all.

    Rows of which a seed has not fitted its data are drawn lighter.

    Parameters
    ----------
    tables : network_nc, network_training
    rows : rows of the figure, each of one run, from top to bottom

    Raises
    ------
    ValueError : when a row is not one run, or one of the tables lacks it.
    """
    fig, axes = draw_stages(tables, rows, "nc1")
    for panels in axes:
        use_log_scale(panels[0])
        explain_if_empty(panels, "NC1", "epoch")
    return fig


def draw_stages(tables: dict[str, pd.DataFrame], rows: list[dict], measure: str) -> tuple:
    """What `draw` describes, of any measure: the figure, and its axes by row and layer.

    A row whose network has fewer layers than another's leaves its last panels out.
    """
    runs = [select_run(tables, "network_nc", only_run(row)) for row in rows]
    layers = sorted(set().union(*(run["layer"] for run in runs)))
    fig = Figure(figsize=(TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.5))
    axes = fig.subplots(len(rows), len(layers), sharex="row", sharey="row", squeeze=False)
    for index, (row, run, panels) in enumerate(zip(rows, runs, axes, strict=True)):
        doubtful_from = trust.doubtful_from(tables, only_run(row))
        for layer, ax in zip(layers, panels, strict=True):
            if layer not in set(run["layer"]):
                ax.set_axis_off()
                continue
            for stage, look in STAGES.items():
                points = select_part(select_part(run, "layer", layer), "stage", stage)
                draw_series(ax, points, "epoch", measure, look, doubtful_from)
        use_epoch_axis(panels[0], run["epoch"])
        head_row(panels[0], row_heading(rows, index), above=index == 0)
        panels[0].set_ylabel(MEASURES[measure])
    for layer, ax in zip(layers, axes[0], strict=True):
        ax.set_title(f"Layer {layer}")
    for ax in axes[-1]:
        ax.set_xlabel("Epoch")
    looks = {STAGE_LABELS[stage]: look for stage, look in STAGES.items()}
    add_legend(fig, looks, trust.doubt(tables, rows))
    return fig, axes
