"""Eigenvalues of the AGOP of Deep RFM over its layers."""

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import explain_if_empty, label_panels, make_panels, use_log_scale
from .save import use_style
from .select import only_run, select_part, select_run
from .shades import add_colour_bar, shades_of

PANEL_HEIGHTS = {1: 2.2, 2: 1.8, 3: 1.6}  # inches, by the number of panels side by side
LOWEST = 1e-12  # smaller ones, relative to the largest, are rounding

note = trust.note


@use_style()
def draw(
    tables: dict[str, pd.DataFrame], rows: list[dict], layers: list[int] | None = None
) -> Figure:
    """Eigenvalues over the largest against their number, a line for each layer, of the first seed.

    Both axes are logarithmic. Layers from the first that is not valid in some seed on are dotted.

    Parameters
    ----------
    tables : agop_spectrum, and for the verdict deep_rfm
    rows : panels, from left to right, each of one run
    layers : layers to show; None for all

    Raises
    ------
    ValueError : when a row is not one run, or the table lacks it or one of its layers.
    """
    runs = [select_run(tables, "agop_spectrum", only_run(row)) for row in rows]
    shown = sorted(layers or set().union(*(run["layer"] for run in runs)))
    colours = shades_of(shown)
    fig, panels = make_panels(len(rows), PANEL_HEIGHTS[min(len(rows), 3)])
    for row, run, ax in zip(rows, runs, panels, strict=True):
        first_seed = run[run["seed"] == run["seed"].min()]
        doubtful_from = trust.doubtful_from(tables, only_run(row))
        for layer in layers or sorted(first_seed["layer"].unique()):
            values = select_part(first_seed, "layer", layer).sort_values("index")
            share = values["eigenvalue"] / values["eigenvalue"].max()
            ax.plot(
                values["index"],
                share.where(share >= LOWEST),
                color=colours[layer],
                linestyle=":" if layer >= doubtful_from else "-",
            )
    panels[0].set_xscale("log")
    use_log_scale(panels[0])
    explain_if_empty(panels, "AGOP eigenvalue", "index")
    label_panels(panels, rows, "Index of the eigenvalue", "AGOP eigenvalue\nover the largest")
    add_colour_bar(fig, panels, colours)
    return fig
