"""The neural feature ansatz beside what it would be without learning (D20)."""

import math
from collections.abc import Collection

import pandas as pd
from matplotlib.figure import Figure

from . import style
from .style import COLOURS, Look

ROW_HEIGHT = 1.3  # inches
SERIES = {
    "nfa": ("NFA", Look(COLOURS["blue"], "-", "o")),
    "nfa_offdiagonal": ("off the diagonal only", Look(COLOURS["green"], "-", "s")),
    "nfa_init": ("at the initialisation", Look(COLOURS["orange"], "--", "None")),
    "nfa_independent": ("AGOP of an independent network", Look(COLOURS["red"], ":", "^")),
}
# What the paper takes for a chance correlation at width d: "approximately (at most)" this.
CHANCE = ("chance, as the paper has it: $512^{-1/2}$", Look(COLOURS["grey"], "-.", "None"))


@style.use_style()
def draw(
    network_nfa: pd.DataFrame, rows: list[dict], unfitted: Collection[str] = frozenset()
) -> Figure:
    """NFA correlation of each layer against the epoch, with its baselines.

    Parameters
    ----------
    network_nfa : table with dataset, model, seed, epoch, layer, nfa, nfa_offdiagonal, nfa_init,
        nfa_independent
    rows : what selects each row of the figure (dataset, model), from top to bottom
    unfitted : labels of the rows to draw lighter, of `style.unfitted_rows`

    Raises
    ------
    ValueError : when a row selects nothing, or more than one network.
    """
    runs = [style.select(network_nfa, row) for row in rows]
    layers = sorted(set().union(*(run["layer"] for run in runs)))
    fig = Figure(figsize=(style.TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.6))
    axes = fig.subplots(len(rows), len(layers), sharex="row", sharey=True, squeeze=False)
    for index, (row, run, panels) in enumerate(zip(rows, runs, axes, strict=True)):
        doubtful_from = -math.inf if style.row_label(row) in unfitted else math.inf
        for layer, ax in zip(layers, panels, strict=True):
            points = style.select(run, {**row, "layer": layer})
            for column, (_, look) in SERIES.items():
                style.draw_series(ax, points, "epoch", column, look, doubtful_from)
            _, look = CHANCE
            ax.axhline(512**-0.5, color=look.colour, linestyle=look.linestyle, linewidth=0.8)
        style.use_epoch_axis(panels[0], run["epoch"])
        panels[0].set_ylabel(f"{style.row_heading(rows, index)}\nCorrelation")
    axes[0, 0].set_ylim(min(0, *(ax.dataLim.y0 for ax in axes.flat)), 1)
    for layer, ax in zip(layers, axes[0], strict=True):
        ax.set_title(f"Layer {layer}")
    for ax in axes[-1]:
        ax.set_xlabel("Epoch")
    doubt = style.unfitted_legend(rows, unfitted)
    style.add_legend(fig, dict([*SERIES.values(), CHANCE]), doubt, lines=2)
    return fig
