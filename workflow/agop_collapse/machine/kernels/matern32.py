"""The Matern kernel of smoothness 3/2, (1 + s) exp(-s) with s = sqrt(3) D / L."""

import math

from torch import Tensor

from .radial import RadialKernel


def _values(distance: Tensor, bandwidth: float) -> Tensor:
    s = distance * (math.sqrt(3) / bandwidth)
    return (s + 1).mul_(s.neg_().exp_())


def _gradient_weights(values: Tensor, distance: Tensor, bandwidth: float) -> Tensor:
    """W = 3 / L^2 exp(-s)."""
    return (distance * (-math.sqrt(3) / bandwidth)).exp_().mul_(3 / bandwidth**2)


kernel = RadialKernel(_values, _gradient_weights)
