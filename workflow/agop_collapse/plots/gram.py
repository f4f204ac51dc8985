"""Gram matrices of the features of Deep RFM (Figures 1, 5 and 6)."""

import pandas as pd
from matplotlib.figure import Figure

from . import style

LOWEST, HIGHEST = -0.2, 1.0


@style.use_style()
def draw(pictures: pd.DataFrame, rows: list[dict], layers: list[int]) -> Figure:
    """Heat maps of the Gram matrix of the centred and normalised features, of the first seed.

    Parameters
    ----------
    pictures : table with dataset, kernel, feature_map, projection, seed, layer, i, j, gram; points
        sorted by class; layer 1 is the input data, layer l the M_{l-1}^1/2 X_{l-1} of the paper
    rows : what selects each row of the figure, from top to bottom
    layers : layers to show, from left to right

    Raises
    ------
    ValueError : when a row selects nothing, or more than one run, or lacks one of the layers.
    """
    cell = min(1.4, (style.TEXT_WIDTH - 1.15) / len(layers))
    size = (style.TEXT_WIDTH, (cell + 0.06) * len(rows) + 0.2)
    fig = Figure(figsize=size, layout="compressed")
    axes = fig.subplots(len(rows), len(layers), squeeze=False)
    for index, (row, panels) in enumerate(zip(rows, axes, strict=True)):
        run = style.select(pictures, row)
        run = run[run["seed"] == run["seed"].min()]
        for layer, ax in zip(layers, panels, strict=True):
            image = ax.imshow(
                _matrix(run, row, layer), vmin=LOWEST, vmax=HIGHEST, interpolation="none"
            )
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        panels[0].set_ylabel(style.row_heading(rows, index))
    for layer, ax in zip(layers, axes[0], strict=True):
        ax.set_title("Input data" if layer == 1 else f"Layer {layer}")
    # Cosines may go below the range of the paper's colours, never above it.
    bar = fig.colorbar(image, ax=axes, extend="min", fraction=0.03, pad=0.02, aspect=20)
    bar.set_ticks([-0.2, 0.2, 0.6, 1.0])
    bar.outline.set_visible(False)
    return fig


def _matrix(run: pd.DataFrame, row: dict, layer: int) -> pd.DataFrame:
    entries = run[run["layer"] == layer]
    if entries.empty:
        there = sorted(run["layer"].unique().tolist())
        raise ValueError(f"the figure row {row} has no layer {layer}; it has the layers {there}")
    return entries.pivot(index="i", columns="j", values="gram")
