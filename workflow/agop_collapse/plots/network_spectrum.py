"""Spectra of a network's weights, AGOPs and features, and how many dimensions they fill."""

import pandas as pd
from matplotlib.axes import Axes
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
    use_layer_axis,
    use_log_scale,
)
from .save import use_style
from .select import only_run, select_last, select_part, select_run
from .shades import add_colour_bar, shades_of

ROW_HEIGHT = 4.0  # inches, of the three lines of a run
LOWEST = 1e-12  # smaller ones, relative to the largest, are rounding
TITLES = {
    "weight": "Singular values of $W$",
    "agop": "Eigenvalues of the AGOP",
    "features": "Covariance of the features",
}
COUNTS = {
    "stable": Look(COLOURS["red"], ":", "^"),
    "effective": Look(COLOURS["blue"], "-", "o"),
    "entropy": Look(COLOURS["orange"], "--", "s"),
}

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """Three lines of panels for each run, of W, of the AGOP and of the covariance of the features.

    The features of a layer are its input. First line: the values of each layer over the largest, at
    the last epoch, both axes logarithmic. Second: three counts of dimensions against the layer, at
    the last epoch. Third: the effective rank of each layer against the epoch. Rows of which a seed
    has not fitted its data are drawn lighter.

    Parameters
    ----------
    tables : network_spectrum, network_ranks, network_training
    rows : each of one run, from top to bottom

    Raises
    ------
    ValueError : when a row is not one run, or one of the tables lacks it.
    """
    fig = Figure(figsize=(TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.4))
    axes = fig.subplots(3 * len(rows), len(TITLES), squeeze=False)
    ranks = [select_run(tables, "network_ranks", only_run(row)) for row in rows]
    colours = shades_of(sorted(set().union(*(run["layer"] for run in ranks))))
    for index, (row, run) in enumerate(zip(rows, ranks, strict=True)):
        spectra, over_layers, over_epochs = axes[3 * index : 3 * index + 3]
        values = select_run(tables, "network_spectrum", only_run(row))
        doubtful_from = trust.doubtful_from(tables, only_run(row))
        last = select_last(run, "epoch")
        for of, *panels in zip(TITLES, spectra, over_layers, over_epochs, strict=True):
            of_part = select_last(select_part(values, "of", of), "epoch")
            _draw_spectra(panels[0], of_part, colours, doubtful_from)
            for count, look in COUNTS.items():
                column = f"{of}_{count}_rank"
                draw_series(panels[1], last, "layer", column, look, doubtful_from)
            for layer, points in run.groupby("layer"):
                look = Look(colours[layer], "-", "None")
                draw_series(panels[2], points, "epoch", f"{of}_effective_rank", look, doubtful_from)
            use_layer_axis(panels[1], run["layer"])
            use_epoch_axis(panels[2], run["epoch"])
            use_log_scale(panels[0])
            panels[1].set_ylim(bottom=0)
            panels[2].set_ylim(bottom=0)
        explain_if_empty(spectra, "the spectrum", "index")
        explain_if_empty(over_layers, "the rank", "layer")
        explain_if_empty(over_epochs, "the rank", "epoch")
        head_row(spectra[0], row_heading(rows, index), above=True)
        for line, y_label, x_label in (
            (spectra, "Over the largest", "Index"),
            (over_layers, "Rank", "Layer"),
            (over_epochs, "Effective rank", "Epoch"),
        ):
            line[0].set_ylabel(y_label)
            for ax in line:
                ax.set_xlabel(x_label)
        for ax, title in zip(spectra, TITLES.values(), strict=True):
            ax.set_title(title)
    add_colour_bar(fig, list(axes.flat), colours)
    looks = {f"{count} rank": look for count, look in COUNTS.items()}
    add_legend(fig, looks, trust.doubt(tables, rows))
    return fig


def _draw_spectra(
    ax: Axes, values: pd.DataFrame, colours: dict[int, str], doubtful_from: float
) -> None:
    """A line for each layer, of values over their seed's largest; those of rounding left out."""
    largest = values.groupby(["seed", "layer"])["value"].transform("max")
    share = values["value"] / largest
    values = values.assign(share=share.where(share >= LOWEST))
    for layer, points in values.groupby("layer"):
        draw_series(ax, points, "index", "share", Look(colours[layer], "-", "None"), doubtful_from)
    ax.set_xscale("log")
