"""The points of a Deep RFM's layers, training and test points alike."""

from collections.abc import Iterable, Iterator

from torch import Tensor

from ..common.classes import unit_rows
from .deep_rfm import Layer


def layer_points(
    layers: Iterable[Layer], test_x: Tensor
) -> Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """The points of each layer, of the training points and of others.

    Parameters
    ----------
    layers : all, from the first
    test_x : (m, d) points as the data set has them, m >= 0

    Yields
    ------
    For each layer twice, for training and for test points, by name: X, the (., d) layer's input;
    MX, M^1/2 X; PhiMX, its random features; in the precision of the layer.
    """
    points = None
    for layer in layers:
        points = unit_rows(test_x.to(layer.x) if points is None else points)
        train, test = (_stages(layer, x) for x in (layer.x, points))
        yield train, test
        points = test["PhiMX"]


def _stages(layer: Layer, x: Tensor) -> dict[str, Tensor]:
    projected = layer.project(x)
    return {"X": x, "MX": projected, "PhiMX": layer.features(projected)}
