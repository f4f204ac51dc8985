"""What each figure draws: a kind of plot, and the runs that are its rows.

Pure data, without torch: the Snakefile reads it to plan a figure's runs, and only those.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure of the paper.

    plot : the kind of plot, with a rule and a module of that name
    rows : filters on the runs' columns; the runs that pass one, seeds aside, are rows of the figure
    """

    plot: str
    rows: tuple[dict[str, str], ...]


_RELU = {"feature_map": "relu", "projection": "agop"}
_COS = {"feature_map": "cos", "projection": "agop"}
_MLP = {"model": "mlp"}

FIGURES = {
    "fig01": Figure("gram", (_COS, _RELU)),
    "fig02": Figure("decomposition", (_MLP,)),
    "fig03": Figure("deep_rfm_curves", (_RELU,)),
    "fig04": Figure("deep_rfm_curves", (_COS,)),
    "fig05": Figure("gram", (_COS,)),
    "fig06": Figure("gram", (_RELU,)),
    "fig07": Figure("decomposition", (_MLP,)),
    "fig10": Figure("ansatz", (_MLP,)),
    "ablation": Figure("ablation", ({"projection": "identity"},)),
}

# Columns that tell the rows of a plot apart, in the order of their runs' paths.
DEEP_RFM_COLUMNS = ("dataset", "kernel", "feature_map", "projection")
NETWORK_COLUMNS = ("dataset", "model")
NETWORK_PLOTS = ("decomposition", "ansatz")


def row_columns(plot: str) -> tuple[str, ...]:
    """The columns that a row of this kind of plot is named by."""
    return NETWORK_COLUMNS if plot in NETWORK_PLOTS else DEEP_RFM_COLUMNS
