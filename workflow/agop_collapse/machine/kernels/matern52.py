"""The Matern kernel of smoothness 5/2, (1 + s + s^2 / 3) exp(-s) with s = sqrt(5) D / L."""

import math

from torch import Tensor

from .radial import RadialKernel


def _values(distance: Tensor, bandwidth: float) -> Tensor:
    s = distance * (math.sqrt(5) / bandwidth)
    return (s / 3).add_(1).mul_(s).add_(1).mul_(s.neg_().exp_())


def _gradient_weights(values: Tensor, distance: Tensor, bandwidth: float) -> Tensor:
    """W = 5 / (3 L^2) (1 + s) exp(-s)."""
    s = distance * (math.sqrt(5) / bandwidth)
    return (s + 1).mul_(s.neg_().exp_()).mul_(5 / (3 * bandwidth**2))


kernel = RadialKernel(_values, _gradient_weights)
