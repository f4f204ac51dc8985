"""A colour for each of some values in order, from dark to light, and a bar that says which."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, to_hex
from matplotlib.figure import Figure


def shades_of(values: Sequence[float]) -> dict[float, str]:
    """Colours that are told apart by lightness too, without the palest."""
    sequence = colormaps["viridis"](np.linspace(0, 0.88, len(values)))
    return dict(zip(values, map(to_hex, sequence), strict=True))


def add_colour_bar(figure: Figure, panels: Sequence[Axes], colours: dict[int, str]) -> None:
    """A bar beside the panels with each layer's colour, and at most ten of the layers' numbers."""
    layers = list(colours)
    edges = np.arange(len(layers) + 1) - 0.5
    norm = BoundaryNorm(edges, len(layers))
    scale = ScalarMappable(norm, ListedColormap(list(colours.values())))
    aspect = 25 * panels[0].get_gridspec().nrows
    bar = figure.colorbar(scale, ax=panels, label="Layer", fraction=0.04, pad=0.02, aspect=aspect)
    stride = -(-len(layers) // 10)
    bar.set_ticks(range(0, len(layers), stride), labels=layers[::stride])
    bar.ax.tick_params(length=0)
    bar.minorticks_off()
    bar.outline.set_visible(False)
