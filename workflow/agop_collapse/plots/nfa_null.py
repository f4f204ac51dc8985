"""The neural feature ansatz beside what it would be without learning (D20)."""

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
)
from .save import use_style
from .select import only_run, select_part, select_run

ROW_HEIGHT = 1.3  # inches
SERIES = {
    "nfa": ("NFA", Look(COLOURS["blue"], "-", "o")),
    "nfa_offdiagonal": ("off the diagonal", Look(COLOURS["green"], "-", "s")),
    "nfa_init": ("at the initialisation", Look(COLOURS["orange"], "--", "None")),
    "nfa_independent": ("with an untrained network's AGOP", Look(COLOURS["red"], ":", "^")),
    "nfa_independent_trained": ("with another seed's AGOP", Look(COLOURS["magenta"], "-.", "D")),
}
# What the paper takes for a chance correlation: of two random unit vectors of the layer's inputs.
CHANCE = ("chance by the paper, $d_l^{-1/2}$", Look(COLOURS["grey"], "-.", "None"))

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """NFA correlation of each layer against the epoch, with its baselines.

    Rows of which a seed has not fitted its data are drawn lighter, and a row whose network has
    fewer layers than another's leaves its last panels out.

    Parameters
    ----------
    tables : network_nfa, network_training
    rows : rows of the figure, each of one run, from top to bottom

    Raises
    ------
    ValueError : when a row is not one run, or one of the tables lacks it.
    """
    runs = [select_run(tables, "network_nfa", only_run(row)) for row in rows]
    layers = sorted(set().union(*(run["layer"] for run in runs)))
    fig = Figure(figsize=(TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.6))
    axes = fig.subplots(len(rows), len(layers), sharex="row", sharey=True, squeeze=False)
    for index, (row, run, panels) in enumerate(zip(rows, runs, axes, strict=True)):
        doubtful_from = trust.doubtful_from(tables, only_run(row))
        for layer, ax in zip(layers, panels, strict=True):
            if layer not in set(run["layer"]):
                ax.set_axis_off()
                continue
            points = select_part(run, "layer", layer)
            for column, (_, look) in SERIES.items():
                draw_series(ax, points, "epoch", column, look, doubtful_from)
            explain_if_empty([ax], "NFA", "epoch")
            _, look = CHANCE
            (chance,) = points["nfa_chance"].unique()
            ax.axhline(chance, color=look.colour, linestyle=look.linestyle, linewidth=0.8)
        use_epoch_axis(panels[0], run["epoch"])
        head_row(panels[0], row_heading(rows, index), above=index == 0)
        panels[0].set_ylabel("Correlation")
    axes[0, 0].set_ylim(min(0, *(ax.dataLim.y0 for ax in axes.flat)), 1)
    for layer, ax in zip(layers, axes[0], strict=True):
        ax.set_title(f"Layer {layer}")
    for ax in axes[-1]:
        ax.set_xlabel("Epoch")
    add_legend(fig, dict([*SERIES.values(), CHANCE]), trust.doubt(tables, rows), lines=2)
    return fig
