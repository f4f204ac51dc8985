"""Proposition A.1: inner products of random features, in the mean and in their variance."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import TEXT_WIDTH, Look, add_legend, use_log_scale
from .colours import COLOURS
from .save import use_style

HEIGHT = 2.3  # inches
MAPS = {
    "relu": ("ReLU", Look(COLOURS["blue"], "-", "o")),
    "cos": ("cosine", Look(COLOURS["orange"], "--", "s")),
}
FORMULA = "lines: closed forms"

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """Left, mean product of the features of two unit vectors against theirs; right, its variance.

    The mean is of the narrowest features, with two standard errors; the variance, against the
    number of features, is the mean over pairs of vectors. Lines are closed forms.

    Parameters
    ----------
    tables : theory_random_features, of one study
    rows : none, since the table is of no run
    """
    table = tables["theory_random_features"].sort_values(["width", "product"])
    fig = Figure(figsize=(TEXT_WIDTH, HEIGHT))
    left, right = fig.subplots(1, 2)
    for name, (_, look) in MAPS.items():
        of_map = table[table["feature_map"] == name]
        narrow = of_map[of_map["width"] == of_map["width"].min()]
        style = {"color": look.colour, "linewidth": 0.8}
        left.plot(
            narrow["product"], narrow["expected"], linestyle=look.linestyle, marker="None", **style
        )
        left.errorbar(
            narrow["product"],
            narrow["mean"],
            2 * narrow["mean_se"],
            linestyle="None",
            marker=look.marker,
            **style,
        )
        by_width = of_map.groupby("width")[["variance", "variance_expected"]].mean()
        width = np.asarray(by_width.index)
        right.plot(
            width,
            by_width["variance_expected"] / width,
            linestyle=look.linestyle,
            marker="None",
            **style,
        )
        right.plot(
            width, by_width["variance"] / width, linestyle="None", marker=look.marker, **style
        )
    left.set(xlabel=r"$\langle x, y\rangle$", ylabel="Mean product\nof features")
    right.set(xscale="log", xlabel="Features $D$", ylabel="Variance of the product")
    use_log_scale(right)
    add_legend(fig, dict(MAPS.values()) | {FORMULA: Look(COLOURS["grey"], "-", "None")})
    return fig
