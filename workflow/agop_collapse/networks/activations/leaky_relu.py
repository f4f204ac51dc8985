"""Leaky ReLU, x above 0 and x / 100 below (PyTorch's slope)."""

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu_

from .activation import Activation

SLOPE = 0.01


def _function(x: Tensor) -> Tensor:
    return leaky_relu_(x, SLOPE)


def _derivative(x: Tensor) -> Tensor:
    return torch.full_like(x, SLOPE).masked_fill_(x > 0, 1)


activation = Activation(_function, _derivative)
