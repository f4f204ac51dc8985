"""Gram matrices of the features of Deep RFM (Figures 1, 5 and 6)."""

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import TEXT_WIDTH, row_heading
from .save import use_style
from .select import only_run, select_part, select_run

LOWEST, HIGHEST = -0.2, 1.0

note = trust.note


@use_style()
def draw(
    tables: dict[str, pd.DataFrame], rows: list[dict], layers: list[int], stage: str = "MX"
) -> Figure:
    """Heat maps of the Gram matrix of the centred and normalised features, of the first seed.

    Parameters
    ----------
    tables : gram_picture, whose points are sorted by class; layer 1 is the input data, layer l the
        M_{l-1}^1/2 X_{l-1} of the paper
    rows : rows of the figure, each of one run, from top to bottom
    layers : layers to show, from left to right
    stage : "MX", or "X" for the X_l of the earlier version

    Raises
    ------
    ValueError : when a row is not one run, or the table lacks it or one of its layers.
    """
    cell = min(1.4, (TEXT_WIDTH - 1.15) / len(layers))
    size = (TEXT_WIDTH, (cell + 0.06) * len(rows) + 0.2)
    fig = Figure(figsize=size, layout="compressed")
    axes = fig.subplots(len(rows), len(layers), squeeze=False)
    for index, (row, panels) in enumerate(zip(rows, axes, strict=True)):
        run = select_part(select_run(tables, "gram_picture", only_run(row)), "stage", stage)
        run = run[run["seed"] == run["seed"].min()]
        for layer, ax in zip(layers, panels, strict=True):
            matrix = select_part(run, "layer", layer).pivot(index="i", columns="j", values="gram")
            image = ax.imshow(matrix, vmin=LOWEST, vmax=HIGHEST, interpolation="none")
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        panels[0].set_ylabel(row_heading(rows, index))
    for layer, ax in zip(layers, axes[0], strict=True):
        ax.set_title("Input data" if layer == 1 else f"Layer {layer}")
    # Cosines may go below the range of the paper's colours, never above it.
    bar = fig.colorbar(image, ax=axes, extend="min", fraction=0.03, pad=0.02, aspect=20)
    bar.set_ticks([-0.2, 0.2, 0.6, 1.0])
    bar.outline.set_visible(False)
    return fig
