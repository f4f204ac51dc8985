"""Theorem 5.3's recursion: the error and NC1 over the layers, for three scales kappa."""

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import TEXT_WIDTH, Look, add_legend, use_log_scale
from .save import use_style
from .shades import shades_of

HEIGHT = 3.4  # inches
TITLES = {
    "paper": r"$\kappa = 1 - 2\lambda_k(1 + \lambda_{\mathrm{map}}^{-1})$, as printed",
    "first_order": r"$\kappa = 1 - 2\lambda_k / (n + \lambda_{\mathrm{map}})$",
    "exact": r"exact $\kappa$",
}
ROWS = {
    "error": r"$\|\tilde X_l^{\!\top}\!\tilde X_l - Y^{\!\top}\!Y\|$",
    "nc1": "NC1",
}
LOWEST = {"error": 1e-15, "nc1": 1e-30}  # below it is rounding

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """Error and NC1 against the layer, a line for each lambda_k, at the middle lambda_map.

    Dotted: (lambda_k / lambda_map)^2, to which the theorem has the error fall, up to a constant.
    Where kappa is not positive there is no recursion, and no line.

    Parameters
    ----------
    tables : theory_recursion, of one study
    rows : none, since the table is of no run
    """
    table = tables["theory_recursion"]
    values = sorted(table["lambda_map"].unique())
    lambda_map = values[len(values) // 2]
    table = table[table["lambda_map"] == lambda_map]
    shades = shades_of(sorted(table["lambda_k"].unique()))
    fig = Figure(figsize=(TEXT_WIDTH, HEIGHT))
    grid = fig.subplots(len(ROWS), len(TITLES), sharex=True, sharey="row")
    for column, (kappa, title) in enumerate(TITLES.items()):
        grid[0, column].set_title(title, fontsize=7)
        grid[-1, column].set_xlabel("Layer")
        for lambda_k, shade in shades.items():
            chosen = (table["kappa"] == kappa) & (table["lambda_k"] == lambda_k)
            line = table[chosen].sort_values("layer")
            for ax, value in zip(grid[:, column], ROWS, strict=True):
                shown = line[value].where(line[value] >= LOWEST[value])
                ax.plot(line["layer"], shown, color=shade, linestyle="-", marker="None")
            if kappa != "exact" and len(line):
                claimed = (lambda_k / lambda_map) ** 2
                grid[0, column].axhline(claimed, color=shade, linestyle=":", linewidth=0.7)
    for axes, label in zip(grid, ROWS.values(), strict=True):
        axes[0].set_ylabel(label)
        use_log_scale(axes[0])
    named = {
        rf"$\lambda_k = {lambda_k:g}$": Look(shade, "-", "None")
        for lambda_k, shade in shades.items()
    }
    dotted = (
        r"$(\lambda_k / \lambda_{\mathrm{map}})^2$"
        + rf", $\lambda_{{\mathrm{{map}}}} = {lambda_map:g}$"
    )
    add_legend(fig, named | {dotted: Look("#777777", ":", "None")}, lines=2)
    return fig
