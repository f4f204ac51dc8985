"""What Theorems 5.3 and 5.4 speak of, along the layers of a Deep RFM."""

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
    head_row,
    row_heading,
    use_log_scale,
)
from .save import use_style
from .select import only_run, select_run

ROW_HEIGHT = 1.7  # inches
GREY = COLOURS["grey"]
# Panels, left to right: title, and the columns that each shows, with their labels and looks.
PANELS = {
    r"$\lambda$ over $\|\tilde x\|^2$": {
        "lambda_k": (r"$\lambda_k$", Look(COLOURS["blue"], "-", "o")),
        "lambda_map": (r"$\lambda_{\mathrm{map}}$", Look(COLOURS["orange"], "--", "s")),
    },
    "Rate of the error": {
        "rate_expected": ("Theorem 5.3's", Look(COLOURS["green"], "-", "^")),
        "rate": (r"measured, NC1$^{1/2}$", Look(COLOURS["red"], "--", "D")),
    },
    "Squared norm": {
        "squared_norm": (r"tr$(Yk^{-1}Y^{\!\top})$", Look(COLOURS["magenta"], "-", "v")),
        "squared_norm_collapsed": ("of $k^*$", Look(GREY, "-", "None")),
        "squared_norm_best": ("of the optimum", Look(GREY, ":", "None")),
    },
    "Entries of $k$": {
        "kernel_within": ("$k$ within classes", Look(COLOURS["brown"], "-", "*")),
        "kernel_between": ("$k$ between", Look(COLOURS["sky"], "--", "X")),
        "kernel_between_best": ("of the optimum", Look(GREY, ":", "None")),
    },
}
LOGARITHMIC = ("lambda_k", "squared_norm")

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """Four panels a run: lambdas, rates, the objective of Theorem 5.4, and the kernel's entries.

    The measured rate is the root of NC1 of M^1/2 X over that of the layer before, since NC1 falls
    by the square. Layers from the first that is not valid in some seed on are lighter.

    Parameters
    ----------
    tables : theory_layers and deep_rfm
    rows : each of one run

    Raises
    ------
    ValueError : when a row is not one run, or a table lacks it.
    """
    fig = Figure(figsize=(TEXT_WIDTH, ROW_HEIGHT * len(rows) + 0.5))
    grid = fig.subplots(len(rows), len(PANELS), sharex=True, sharey="col", squeeze=False)
    for index, (row, axes) in enumerate(zip(rows, grid, strict=True)):
        frame = _with_rate(tables, only_run(row))
        doubtful_from = trust.doubtful_from(tables, only_run(row))
        for ax, (title, series) in zip(axes, PANELS.items(), strict=True):
            _draw_panel(ax, frame, series, doubtful_from)
            if index == 0:
                ax.set_title(title, fontsize=8)
        head_row(axes[0], row_heading(rows, index), above=index == 0)
    for ax, series in zip(grid[0], PANELS.values(), strict=True):
        if set(series) & set(LOGARITHMIC):
            use_log_scale(ax)
        else:
            ax.set_ylim(bottom=0)
    for ax in grid[-1]:
        ax.set_xlabel("Layer")
    looks = dict(each for series in PANELS.values() for each in series.values())
    add_legend(fig, looks, trust.doubt(tables, rows), lines=2)
    return fig


def _with_rate(tables: dict[str, pd.DataFrame], run: dict) -> pd.DataFrame:
    """A run's theory_layers with the measured rate of each layer but the last, by seed."""
    measured = select_run(tables, "deep_rfm", run)
    measured = measured[measured["stage"] == "MX"].sort_values(["seed", "layer"])
    following = measured.groupby("seed")["nc1"].shift(-1)
    rates = measured[["seed", "layer"]].assign(rate=(following / measured["nc1"]) ** 0.5)
    return select_run(tables, "theory_layers", run).merge(rates, on=["seed", "layer"])


def _draw_panel(
    ax: Axes, frame: pd.DataFrame, series: dict[str, tuple[str, Look]], doubtful_from: float
) -> None:
    for column, (_, look) in series.items():
        shown = frame[frame[column].notna()]
        draw_series(ax, shown, "layer", column, look, doubtful_from)
