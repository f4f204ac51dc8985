"""GELU, x Phi(x) with Phi the normal distribution's (Hendrycks and Gimpel 2016)."""

import math

import torch
from torch import Tensor
from torch.nn.functional import gelu

from .activation import Activation


def _derivative(x: Tensor) -> Tensor:
    density = torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi)
    return torch.special.ndtr(x) + x * density


activation = Activation(gelu, _derivative)
