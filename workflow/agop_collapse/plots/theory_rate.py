"""Theorem 5.3: how fast the recursion collapses, and how far."""

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import TEXT_WIDTH, Look, add_legend, use_log_scale
from .colours import COLOURS
from .save import use_style

HEIGHT = 2.3  # inches
MARKERS = "os^Dv*Xp"
RATIO = r"$\lambda_k / \lambda_{\mathrm{map}}$"
RATE = r"$n\lambda_k\,/\,(\lambda_{\mathrm{map}} + \lambda_k)(n + \lambda_{\mathrm{map}})$"
FLOORS = {
    "paper": (r"$\kappa$ as printed", COLOURS["red"]),
    "first_order": (r"$\kappa$ corrected", COLOURS["blue"]),
}

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """Left, the rate of the error with the exact kappa; right, what is left of it with the others.

    A marker for each lambda_map. Lines are closed forms: of the rate, and of the floor.

    Parameters
    ----------
    tables : theory_rate, of one study
    rows : none, since the table is of no run
    """
    table = tables["theory_rate"].assign(ratio=lambda t: t["lambda_k"] / t["lambda_map"])
    table = table.sort_values("ratio")
    fig = Figure(figsize=(TEXT_WIDTH, HEIGHT))
    left, right = fig.subplots(1, 2)
    looks = {}
    exact = table[table["kappa"] == "exact"]
    ends = [exact["ratio"].min(), exact["ratio"].max()]
    left.plot(ends, ends, color=COLOURS["grey"], linestyle=":", marker="None")
    for index, (lambda_map, line) in enumerate(exact.groupby("lambda_map")):
        marker = MARKERS[index % len(MARKERS)]
        looks[rf"$\lambda_{{\mathrm{{map}}}} = {lambda_map:g}$"] = Look(
            COLOURS["grey"], "None", marker
        )
        style = {"color": COLOURS["green"], "linewidth": 0.8}
        left.plot(line["ratio"], line["rate_expected"], linestyle="-", marker="None", **style)
        left.plot(line["ratio"], line["rate"], linestyle="None", marker=marker, **style)
        for kappa, (_, colour) in FLOORS.items():
            chosen = (table["kappa"] == kappa) & (table["lambda_map"] == lambda_map)
            floors, style = table[chosen], {"color": colour, "linewidth": 0.8}
            right.plot(
                floors["lambda_k"], floors["floor_expected"], linestyle="-", marker="None", **style
            )
            right.plot(
                floors["lambda_k"], floors["floor"], linestyle="None", marker=marker, **style
            )
    left.set(xscale="log", xlabel=RATIO, ylabel="Error over that of the layer before")
    right.set(xscale="log", xlabel=r"$\lambda_k$", ylabel="Error of the last layer")
    for ax in (left, right):
        use_log_scale(ax)
    slopes = table.groupby("kappa")["floor_slope"].mean()
    named = {
        f"{label}: slope {slopes[kappa]:.2f}": Look(colour, "-", "None")
        for kappa, (label, colour) in FLOORS.items()
    }
    named |= {RATE: Look(COLOURS["green"], "-", "None"), RATIO: Look(COLOURS["grey"], ":", "None")}
    add_legend(fig, looks | named, lines=2)
    return fig
