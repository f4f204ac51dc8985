"""SiLU, or swish: x times the logistic function of x (Elfwing, Uchibe and Doya 2018)."""

import torch
from torch import Tensor
from torch.nn.functional import silu

from .activation import Activation


def _derivative(x: Tensor) -> Tensor:
    share = torch.sigmoid(x)
    return share * (1 + x * (1 - share))


activation = Activation(silu, _derivative)
