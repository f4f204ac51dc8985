"""Variability, neural feature ansatz and train loss of networks in training (Figures 10 to 12)."""

import math

import pandas as pd
from matplotlib.figure import Figure

from . import style
from .style import COLOURS, Look

ROW_HEIGHT = 1.3  # inches
TRACES = {
    "within": (r"tr$(\Sigma_W)$ / tr$(\Sigma_T)$", Look(COLOURS["green"], "--", "o")),
    "between": (r"tr$(\Sigma_B)$ / tr$(\Sigma_T)$", Look(COLOURS["blue"], "-", "s")),
}
LAYER_COLOURS = ("blue", "green", "red", "magenta", "yellow")
LAYER_MARKERS = "osDv^"
LOSS = Look(COLOURS["blue"], "-", "o")


@style.use_style()
def draw(
    network_nc: pd.DataFrame,
    network_nfa: pd.DataFrame,
    network_training: pd.DataFrame,
    rows: list[dict],
) -> Figure:
    """Against the epoch: traces of the last hidden layer's output, NFA of each layer, train loss.

    Rows of which a seed has not fitted its data are drawn lighter.

    Parameters
    ----------
    network_nc : table with dataset, model, seed, epoch, layer, stage, trace_within, trace_between,
        trace_total
    network_nfa : table with dataset, model, seed, epoch, layer, nfa
    network_training : table with dataset, model, seed, epoch, train_loss
    rows : what selects each row of the figure (dataset, model), from top to bottom

    Raises
    ------
    ValueError : when a row selects nothing in one of the tables, or more than one network.
    """
    unfitted = style.unfitted_rows(network_training, rows)
    fig = Figure(figsize=(style.TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.6))
    axes = fig.subplots(len(rows), 3, sharex="row", squeeze=False)
    layers = set()
    for index, (row, (traces, nfa, loss)) in enumerate(zip(rows, axes, strict=True)):
        doubtful_from = -math.inf if style.row_label(row) in unfitted else math.inf

        outputs = style.select(network_nc, {**row, "stage": "full"})
        outputs = outputs[outputs["layer"] == outputs["layer"].max()]
        for part, (_, look) in TRACES.items():
            share = outputs.assign(share=outputs[f"trace_{part}"] / outputs["trace_total"])
            style.draw_series(traces, share, "epoch", "share", look, doubtful_from)
        style.use_log_scale(traces)
        traces.set_ylabel(f"{style.row_heading(rows, index)}\nRatio to tr$(\\Sigma_T)$")

        for layer, points in style.select(network_nfa, row).groupby("layer"):
            style.draw_series(nfa, points, "epoch", "nfa", layer_look(layer), doubtful_from)
            layers.add(layer)
        nfa.set_ylim(min(0, nfa.dataLim.y0), 1)
        nfa.set_ylabel("NFA correlation")

        losses = style.select(network_training, row)
        style.draw_series(loss, losses, "epoch", "train_loss", LOSS, doubtful_from)
        style.use_log_scale(loss)
        loss.set_ylabel("Train loss")
        style.use_epoch_axis(loss, losses["epoch"])
    for ax in axes[-1]:
        ax.set_xlabel("Epoch")

    looks = dict(TRACES.values())
    looks |= {f"Layer {layer}": layer_look(layer) for layer in sorted(layers)}
    doubt = style.unfitted_legend(rows, unfitted)
    style.add_legend(fig, looks, doubt, lines=2)
    return fig


def layer_look(layer: int) -> Look:
    """Look of a layer's NFA: the paper's five colours, in another line style after the fifth."""
    repeat, index = divmod(layer - 1, len(LAYER_COLOURS))
    linestyle = ("-", "--", ":")[repeat % 3]
    return Look(COLOURS[LAYER_COLOURS[index]], linestyle, LAYER_MARKERS[index])
