"""Gram matrices of the features of Deep RFM (Figures 1, 5 and 6)."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import trust
from .axes import TEXT_WIDTH, head_row, row_heading
from .save import use_style
from .select import only_run, select_part, select_run

LOWEST, HIGHEST = -0.2, 1.0
NAME_SIZE = 5  # points
MOST_NAMES, LONGEST_NAME = 12, 12  # classes, characters

note = trust.note

# What a pixel is called in the table, and what the classes' blocks are high, a column of classes.
PIXELS = {"points": "point", "means": "mean"}
BLOCKS = {"points": "drawn", "means": "points"}


@use_style()
def draw(
    tables: dict[str, pd.DataFrame],
    rows: list[dict],
    layers: list[int],
    stage: str = "MX",
    pixels: str = "points",
) -> Figure:
    """Heat maps of the Gram matrix of the centred and normalised features, of the first seed.

    Parameters
    ----------
    tables : gram_picture, whose points are sorted by class; layer 1 is the input data, layer l the
        M_{l-1}^1/2 X_{l-1} of the paper; classes
    rows : rows of the figure, each of one run, from top to bottom
    layers : layers to show, from left to right
    stage : "MX", or "X" for the X_l of the earlier version
    pixels : "points", each a pair of points of a sample; or "means" over pairs of groups of them,
        of all points, which hides the spread of the pairs

    Raises
    ------
    ValueError : when a row is not one run, or the table lacks it or one of its layers.
    """
    cell = min(1.4, (TEXT_WIDTH - 1.15) / len(layers))
    size = (TEXT_WIDTH, (cell + 0.22) * len(rows) + 0.2)
    fig = Figure(figsize=size, layout="compressed")
    axes = fig.subplots(len(rows), len(layers), squeeze=False)
    named = None
    for index, (row, panels) in enumerate(zip(rows, axes, strict=True)):
        run = select_part(select_run(tables, "gram_picture", only_run(row)), "stage", stage)
        run = run[(run["seed"] == run["seed"].min()) & (run["pixel"] == PIXELS[pixels])]
        for layer, ax in zip(layers, panels, strict=True):
            matrix = select_part(run, "layer", layer).pivot(index="i", columns="j", values="gram")
            image = ax.imshow(matrix, vmin=LOWEST, vmax=HIGHEST, interpolation="none")
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        classes = select_run(tables, "classes", only_run(row))
        classes = classes[classes["seed"] == classes["seed"].min()].sort_values("class")
        names = classes[["name", BLOCKS[pixels]]].to_numpy().tolist()
        if names != named:  # the row above has the same
            label_classes(panels[0], classes, BLOCKS[pixels], cell)
        named = names
        heading = row_heading(rows, index, cell * len(layers) + 0.4)
        head_row(panels[0], heading, above=index == 0)
    for layer, ax in zip(layers, axes[0], strict=True):
        ax.set_title("Input data" if layer == 1 else f"Layer {layer}")
    # Cosines may go below the range of the paper's colours, never above it.
    bar = fig.colorbar(image, ax=axes, extend="min", fraction=0.03, pad=0.02, aspect=20)
    bar.set_ticks([-0.2, 0.2, 0.6, 1.0])
    bar.outline.set_visible(False)
    return fig


def label_classes(ax: Axes, classes: pd.DataFrame, block: str, height: float) -> None:
    """Name the blocks of a picture at their middles; of many, number some.

    Of labels that would touch, the later one is left out.

    Parameters
    ----------
    classes : name and points of each, in order; block : column of how much of a side each takes
    height : of the picture, in inches
    """
    pixels = ax.images[0].get_array().shape[0]
    pixels_of = classes[block] * pixels / classes[block].sum()
    middles = pixels_of.cumsum() - pixels_of / 2 - 0.5
    labels, stride = [_shorten(name) for name in classes["name"]], 1
    if len(labels) > MOST_NAMES:
        labels, stride = [str(number) for number in classes["class"]], math.ceil(len(labels) / 10)
    gap = 1.05 * NAME_SIZE / 72 / height * pixels
    shown: dict[float, str] = {}
    for middle, label in list(zip(middles, labels, strict=True))[::stride]:
        if not shown or middle - max(shown) >= gap:
            shown[middle] = label
    ax.set_yticks(list(shown), list(shown.values()), parse_math=False)
    ax.tick_params("y", length=1.5, pad=1.5, labelsize=NAME_SIZE)


def _shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
