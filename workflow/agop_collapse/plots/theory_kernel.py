"""What ReLU features do to the distance of two points (V1 Figure 4; Proposition A.1)."""

import math

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import TEXT_WIDTH, Look, add_legend
from .colours import COLOURS
from .save import use_style

HEIGHT = 2.1  # inches
MAPPED = r"$\mathbf{E}\,\|\sigma(Wx) - \sigma(Wy)\|$"
SIMULATION = (r"simulation, $\pm$ 1 sd", Look(COLOURS["blue"], "None", "o"))
THEORY = ("theory", Look(COLOURS["orange"], "-", "None"))
LINE = ("linear interpolation", Look(COLOURS["green"], "--", "None"))

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """The distance of two unit vectors after ReLU features against that before; right, the ratio.

    The band is one standard deviation over random feature maps.

    Parameters
    ----------
    tables : theory_kernel, of one study
    rows : none, since the table is of no run
    """
    table = tables["theory_kernel"].sort_values("distance")
    apart = table["distance"]
    fig = Figure(figsize=(TEXT_WIDTH, HEIGHT))
    left, right = fig.subplots(1, 2)
    for ax, scale in ((left, 1), (right, apart)):
        look = SIMULATION[1]
        ax.fill_between(
            apart,
            (table["mapped_mean"] - table["mapped_sd"]) / scale,
            (table["mapped_mean"] + table["mapped_sd"]) / scale,
            facecolor=(look.colour, 0.15),
            edgecolor="none",
        )
        for look, values in ((SIMULATION[1], "mapped_mean"), (THEORY[1], "mapped_theory")):
            ax.plot(
                apart,
                table[values] / scale,
                color=look.colour,
                linestyle=look.linestyle,
                marker=look.marker,
            )
        ax.set_xlim(0, 2)
        ax.set_xlabel(r"$\|x - y\|$")
    look = LINE[1]
    left.plot([0, 2], [0, math.sqrt(2)], color=look.colour, linestyle=look.linestyle)
    left.set_ylim(bottom=0)
    left.set_ylabel(MAPPED)
    right.set_ylabel(MAPPED + r" / $\|x - y\|$")
    add_legend(fig, dict([SIMULATION, THEORY, LINE]))
    return fig
