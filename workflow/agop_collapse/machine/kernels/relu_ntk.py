"""The tangent kernel of an infinitely wide ReLU network of one hidden layer, without biases.

|x| |z| (k1(t) + t k0(t)), k0 = (pi - a) / pi, k1 = (t (pi - a) + sin a) / pi, a = arccos t (Jacot
et al. 2018; k0 and k1 are the arc-cosine kernels of Cho and Saul 2009).
"""

import math

import torch
from torch import Tensor

from .dot_product import DotProductKernel


def _angle(s: Tensor) -> tuple[Tensor, Tensor]:
    """Angle and its sine, of 1 - cosine."""
    return (s / 2).sqrt_().asin_().mul_(2), ((2 - s) * s).sqrt_()


def _profile(s: Tensor) -> Tensor:
    angle, sine = _angle(s)
    return (2 * (1 - s) * (math.pi - angle) + sine) / math.pi


def _slope(s: Tensor) -> Tensor:
    """h' = 2 k0 + t / (pi sin a); the second part is infinite at angles 0 and pi, and 0 there."""
    angle, sine = _angle(s)
    steep = torch.where(sine > 0, (1 - s) / sine, 0)
    return (2 * (math.pi - angle) + steep) / math.pi


kernel = DotProductKernel(_profile, _slope)
