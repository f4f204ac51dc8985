"""The Laplace kernel, exp(-D / L)."""

import torch
from torch import Tensor

from .radial import RadialKernel


def _values(distance: Tensor, bandwidth: float) -> Tensor:
    return torch.exp(distance / -bandwidth)


def _gradient_weights(values: Tensor, distance: Tensor, bandwidth: float) -> Tensor:
    """W = k / (L D).

    There is no gradient at coincident points, D = 0; there W is 0, as if the gradient were the mean
    of those around.
    """
    return (values / distance).div_(bandwidth).masked_fill_(distance == 0, 0)


kernel = RadialKernel(_values, _gradient_weights)
