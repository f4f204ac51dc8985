"""Random feature maps between the layers of Deep RFM: ReLU and cosine (Appendix D)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

FEATURE_MAPS = ("relu", "cos")
WEIGHT_DISTRIBUTIONS = ("uniform", "gaussian")


@dataclass(frozen=True)
class FeatureMap:
    """x -> relu(x W^T), or sqrt(2 / D) cos(x W^T + b).

    weight : (D, d) tensor; bias : (D,) tensor for cosine features, None for ReLU.
    """

    weight: Tensor
    bias: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Map (n, d) points to (n, D) features."""
        if self.bias is None:
            return torch.relu(x @ self.weight.T)
        features = torch.addmm(self.bias, x, self.weight.T).cos_()
        return features.mul_(math.sqrt(2 / len(self.weight)))

    def to(self, device: torch.device, dtype: torch.dtype) -> "FeatureMap":
        """The same map on another device, in another precision."""
        bias = None if self.bias is None else self.bias.to(device, dtype)
        return FeatureMap(self.weight.to(device, dtype), bias)


def relu_features(
    input_dim: int, width: int, weight_dist: str, generator: torch.Generator
) -> FeatureMap:
    """ReLU features without bias, variance of the weights of order 1 / input_dim.

    The scale of the weights changes nothing, since the next layer normalises each point.

    Parameters
    ----------
    input_dim, width : d and D
    weight_dist : "uniform" for U(-1/sqrt d, 1/sqrt d) (the paper's code), "gaussian" for N(0, 1/d)
    generator : CPU generator; weights are drawn in float64

    Raises
    ------
    ValueError : on an unknown distribution.
    """
    scale = 1 / math.sqrt(input_dim)
    if weight_dist == "uniform":
        draws = torch.rand(width, input_dim, generator=generator, dtype=torch.float64)
        return FeatureMap((2 * draws - 1) * scale)
    if weight_dist == "gaussian":
        draws = torch.randn(width, input_dim, generator=generator, dtype=torch.float64)
        return FeatureMap(draws * scale)
    known = ", ".join(WEIGHT_DISTRIBUTIONS)
    raise ValueError(f"unknown weight distribution {weight_dist!r}; known: {known}")


def fourier_features(
    input_dim: int, n_features: int, gamma: float, generator: torch.Generator
) -> FeatureMap:
    """Random Fourier features of the l1-Laplacian kernel exp(-gamma ||x - z||_1).

    The kernel's Fourier transform is a product of Cauchy densities of scale gamma, so the
    frequencies are Cauchy draws and the phases uniform on [0, 2 pi) (Rahimi and Recht 2007). What
    the paper calls the bandwidth sigma is gamma, an inverse width.

    Parameters
    ----------
    input_dim, n_features : d and D
    gamma : inverse width, > 0
    generator : CPU generator; weights are drawn in float64
    """
    uniform = torch.rand(n_features, input_dim, generator=generator, dtype=torch.float64)
    phases = torch.rand(n_features, generator=generator, dtype=torch.float64)
    return FeatureMap(gamma * torch.tan(math.pi * (uniform - 0.5)), 2 * math.pi * phases)
