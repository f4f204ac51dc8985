"""Variability, neural feature ansatz and train loss of networks in training (Figures 10 to 12)."""

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import (
    COLOURS,
    TEXT_WIDTH,
    Look,
    add_legend,
    add_panel_legend,
    draw_series,
    explain_if_empty,
    head_row,
    row_heading,
    use_epoch_axis,
    use_log_scale,
)
from .measures import MEASURES
from .save import use_style
from .select import only_run, select_part, select_run

ROW_HEIGHT = 1.4  # inches
TRACES = {
    "within": (r"tr$(\Sigma_W)$", Look(COLOURS["green"], "--", "o")),
    "between": (r"tr$(\Sigma_B)$", Look(COLOURS["blue"], "-", "s")),
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
    fig = Figure(figsize=(TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.3))
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
        traces.set_ylabel(r"Ratio to tr$(\Sigma_T)$")
        explain_if_empty([traces], "the ratio", "epoch")

        for layer, points in select_run(tables, "network_nfa", run).groupby("layer"):
            draw_series(nfa, points, "epoch", "nfa", layer_look(layer), doubtful_from)
            layers.add(layer)
        nfa.set_ylim(min(0, nfa.dataLim.y0), 1)
        nfa.set_ylabel(MEASURES["nfa"])
        explain_if_empty([nfa], MEASURES["nfa"], "epoch")

        losses = select_run(tables, "network_training", run)
        draw_series(loss, losses, "epoch", "train_loss", LOSS, doubtful_from)
        use_log_scale(loss)
        loss.set_ylabel(MEASURES["train_loss"])
        explain_if_empty([loss], MEASURES["train_loss"], "epoch")
        use_epoch_axis(loss, losses["epoch"])
        head_row(traces, row_heading(rows, index), above=index == 0)
    for ax in axes[-1]:
        ax.set_xlabel("Epoch")

    # Each panel's colours have a meaning of their own.
    add_panel_legend(axes[0, 0], dict(TRACES.values()))
    first, *others = sorted(layers)
    numbers = {f"Layer {first}": first} | {str(layer): layer for layer in others}
    add_panel_legend(axes[0, 1], {name: layer_look(layer) for name, layer in numbers.items()})
    add_legend(fig, {}, trust.doubt(tables, rows))
    return fig


def layer_look(layer: int) -> Look:
    """Look of a layer's NFA: the paper's five colours, in another line style after the fifth."""
    repeat, index = divmod(layer - 1, len(LAYER_COLOURS))
    linestyle = ("-", "--", ":")[repeat % 3]
    return Look(COLOURS[LAYER_COLOURS[index]], linestyle, LAYER_MARKERS[index])
