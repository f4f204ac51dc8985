"""Theorem 5.4: the objective of kernels beside that of the collapsed kernel k*."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import trust
from .axes import TEXT_WIDTH, Look, add_legend
from .colours import COLOURS
from .save import use_style

HEIGHT = 2.4  # inches
LABELS = {"one_hot": "one-hot labels", "plus_minus": r"$\pm 1$ labels", "scalar": "one output"}
SOURCES = {
    "gram": ("Gram of unit vectors", Look(COLOURS["sky"], "None", ".")),
    "gaussian": ("Gaussian kernels", Look(COLOURS["orange"], "None", ".")),
    "near": ("near $k^*$", Look(COLOURS["magenta"], "None", ".")),
    "partition": ("other classes", Look(COLOURS["brown"], "None", ".")),
    "descent": (r"descent, $k \geq 0$", Look(COLOURS["blue"], "-", "None")),
    "best": ("optimum", Look(COLOURS["red"], "None", "*")),
    "collapsed": ("$k^*$", Look("black", "None", "x")),
}
FREE = Look(COLOURS["blue"], ":", "None")

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """Objective over that of k*, less one, against a kernel's mean entry between classes.

    A panel for each kind of labels: one-hot and +-1 of the most classes, and v1's one output of two
    classes with kernels of either sign. All at the largest ridge.

    Parameters
    ----------
    tables : theory_objective, of one study
    rows : none, since the table is of no run
    """
    table = tables["theory_objective"]
    table = table[table["ridge"] == table["ridge"].max()]
    fig = Figure(figsize=(TEXT_WIDTH, HEIGHT))
    panels = fig.subplots(1, len(LABELS))
    for ax, (kind, title) in zip(panels, LABELS.items(), strict=True):
        of_kind = table[table["labels"] == kind]
        of_kind = of_kind[of_kind["classes"] == of_kind["classes"].max()]
        ax.set_title(f"{title}, $K$ = {of_kind['classes'].max()}")
        _draw_kernels(ax, of_kind)
        ax.axhline(0, color=COLOURS["grey"], linewidth=0.6, linestyle=":", zorder=1)
        ax.set_xlabel("Mean of $k$ between classes")
    panels[0].set_ylabel("Objective over that\nof $k^*$, less one")
    add_legend(fig, dict(SOURCES.values()) | {"of either sign": FREE}, lines=2)
    return fig


def _draw_kernels(ax: Axes, table: pd.DataFrame) -> None:
    for source, (_, look) in SOURCES.items():
        of_source = table[table["source"] == source]
        # Descent and optimum are there with and without non-negativity.
        for nonnegative, part in of_source.groupby("nonnegative"):
            part = part.sort_values("number")
            ax.plot(
                part["between"],
                part["excess"],
                color=look.colour,
                linestyle=FREE.linestyle
                if source == "descent" and not nonnegative
                else look.linestyle,
                marker=look.marker,
                markersize={".": 2, "*": 7}.get(look.marker, 4),
                zorder={".": 2, "None": 3, "*": 4}.get(look.marker, 5),
            )
