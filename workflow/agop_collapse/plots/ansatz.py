"""Variability, neural feature ansatz and train loss of networks in training (Figures 10 to 12)."""

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import (
    COLOURS,
    MEASURES,
    TEXT_WIDTH,
    Look,
    add_legend,
    draw_series,
    row_heading,
    use_epoch_axis,
    use_log_scale,
)
from .save import use_style
from .select import only_run, select_part, select_run

ROW_HEIGHT = 1.3  # inches
TRACES = {
    "within": (r"tr$(\Sigma_W)$ / tr$(\Sigma_T)$", Look(COLOURS["green"], "--", "o")),
    "between": (r"tr$(\Sigma_B)$ / tr$(\Sigma_T)$", Look(COLOURS["blue"], "-", "s")),
}
LAYER_COLOURS = ("blue", "green", "red", "magenta", "yellow")
LAYER_MARKERS = "osDv^"
LOSS = Look(COLOURS["blue"], "-", "o")

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """Against the epoch: traces of the last hidden layer's output, NFA of each layer, train loss.

    Rows of which a seed has not fitted its data are drawn lighter.

    Parameters
    ----------
    tables : network_nc, network_nfa, network_training
    rows : rows of the figure, each of one run, from top to bottom

    Raises
    ------
    ValueError : when a row is not one run, or one of the tables lacks it.
    """
    fig = Figure(figsize=(TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.6))
    axes = fig.subplots(len(rows), 3, sharex="row", squeeze=False)
    layers = set()
    for index, (row, (traces, nfa, loss)) in enumerate(zip(rows, axes, strict=True)):
        run = only_run(row)
        doubtful_from = trust.doubtful_from(tables, run)

        outputs = select_part(select_run(tables, "network_nc", run), "stage", "full")
        outputs = outputs[outputs["layer"] == outputs["layer"].max()]
        for part, (_, look) in TRACES.items():
            share = outputs.assign(share=outputs[f"trace_{part}"] / outputs["trace_total"])
            draw_series(traces, share, "epoch", "share", look, doubtful_from)
        use_log_scale(traces)
        traces.set_ylabel(f"{row_heading(rows, index)}\nRatio to tr$(\\Sigma_T)$")

        for layer, points in select_run(tables, "network_nfa", run).groupby("layer"):
            draw_series(nfa, points, "epoch", "nfa", layer_look(layer), doubtful_from)
            layers.add(layer)
        nfa.set_ylim(min(0, nfa.dataLim.y0), 1)
        nfa.set_ylabel(MEASURES["nfa"])

        losses = select_run(tables, "network_training", run)
        draw_series(loss, losses, "epoch", "train_loss", LOSS, doubtful_from)
        use_log_scale(loss)
        loss.set_ylabel(MEASURES["train_loss"])
        use_epoch_axis(loss, losses["epoch"])
    for ax in axes[-1]:
        ax.set_xlabel("Epoch")

    looks = dict(TRACES.values())
    looks |= {f"Layer {layer}": layer_look(layer) for layer in sorted(layers)}
    add_legend(fig, looks, trust.doubt(tables, rows), lines=2)
    return fig


def layer_look(layer: int) -> Look:
    """Look of a layer's NFA: the paper's five colours, in another line style after the fifth."""
    repeat, index = divmod(layer - 1, len(LAYER_COLOURS))
    linestyle = ("-", "--", ":")[repeat % 3]
    return Look(COLOURS[LAYER_COLOURS[index]], linestyle, LAYER_MARKERS[index])
