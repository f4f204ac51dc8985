"""Hyperbolic tangent."""

import torch
from torch import Tensor

from .activation import Activation


def _derivative(x: Tensor) -> Tensor:
    return 1 - x.tanh().square_()


activation = Activation(torch.tanh_, _derivative)
