"""The linear kernel, <x, z>: its machine is a linear map, whose AGOP collapses in one step."""

import torch
from torch import Tensor

from .dot_product import DotProductKernel


def _profile(s: Tensor) -> Tensor:
    return 1 - s


def _slope(s: Tensor) -> Tensor:
    return torch.ones_like(s)


kernel = DotProductKernel(_profile, _slope, full_rank=False)
