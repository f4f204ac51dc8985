"""The Gaussian kernel, exp(-D^2 / (2 L^2))."""

import torch
from torch import Tensor

from .radial import RadialKernel


def _values(distance: Tensor, bandwidth: float) -> Tensor:
    return torch.exp(distance.square() / (-2 * bandwidth**2))


def _gradient_weights(values: Tensor, distance: Tensor, bandwidth: float) -> Tensor:
    """W = k / L^2."""
    return values / bandwidth**2


kernel = RadialKernel(_values, _gradient_weights)
