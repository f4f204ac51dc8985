"""The simplex of class means along the parts of each layer of a network (Section 6, in words)."""

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import explain_if_empty
from .decomposition import draw_stages
from .save import use_style

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """NC2 against the epoch, one panel a layer: its input, after S V^T, after all.

    The axis starts at 0, so that what stays is told from what falls. Rows of which a seed has not
    fitted its data are drawn lighter.

    Parameters
    ----------
    tables : network_nc, network_training
    rows : rows of the figure, each of one run, from top to bottom

    Raises
    ------
    ValueError : when a row is not one run, or one of the tables lacks it.
    """
    fig, axes = draw_stages(tables, rows, "nc2")
    for panels in axes:
        panels[0].set_ylim(bottom=0)
        explain_if_empty(panels, "NC2", "epoch")
    return fig
