"""ReLU, max(0, x)."""

import torch
from torch import Tensor

from .activation import Activation


def _derivative(x: Tensor) -> Tensor:
    return x > 0


activation = Activation(torch.relu_, _derivative)
