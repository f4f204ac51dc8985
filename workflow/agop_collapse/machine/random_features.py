"""Random feature maps between the layers of Deep RFM: ReLU, cosine (Appendix D), and linear."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

FEATURE_MAPS = ("relu", "cos", "linear")
WEIGHT_DISTRIBUTIONS = ("uniform", "gaussian")


@dataclass(frozen=True)
class FeatureMap:
    """x -> relu(x W^T + b), sqrt(2 / D) cos(x W^T + b), or x W^T.

    kind : "relu", "cos" or "linear"
    weight : (D, d) tensor; bias : (D,) tensor, None for linear features and for ReLU without bias
    """

    kind: str
    weight: Tensor
    bias: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Map (n, d) points to (n, D) features."""
        if self.bias is None:
            products = x @ self.weight.T
        else:
            products = torch.addmm(self.bias, x, self.weight.T)
        if self.kind == "relu":
            return products.relu_()
        if self.kind == "cos":
            return products.cos_().mul_(math.sqrt(2 / len(self.weight)))
        return products

    def to(self, device: torch.device, dtype: torch.dtype) -> "FeatureMap":
        """The same map on another device, in another precision."""
        bias = None if self.bias is None else self.bias.to(device, dtype)
        return FeatureMap(self.kind, self.weight.to(device, dtype), bias)


def relu_features(
    input_dim: int, width: int, weight_dist: str, generator: torch.Generator, bias: float = 0
) -> FeatureMap:
    """ReLU features, variance of the weights of order 1 / input_dim.

    Without bias the scale of the weights changes nothing, since the next layer normalises each
    point. The bias stands for one coordinate more that all points share: `bias` is its value, and
    its weight is drawn as the others, behind them.

    Parameters
    ----------
    input_dim, width : d and D
    weight_dist : "uniform" for U(-1/sqrt d, 1/sqrt d) (the paper's code), "gaussian" for N(0, 1/d)
    generator : CPU generator; weights are drawn in float64
    bias : value of the shared coordinate; 0 for no bias, as in the paper

    Raises
    ------
    ValueError : on an unknown distribution.
    """
    weight = _draw(width, input_dim, weight_dist, input_dim, generator)
    if bias == 0:
        return FeatureMap("relu", weight)
    drawn = _draw(width, 1, weight_dist, input_dim, generator).squeeze(1)
    return FeatureMap("relu", weight, bias * drawn)


def linear_features(
    input_dim: int, width: int, weight_dist: str, generator: torch.Generator
) -> FeatureMap:
    """Random projections, x -> x W^T: `relu_features` of the same generator without the ReLU.

    E <Wx, Wy> = D v <x, y>, v the variance of a weight.

    Raises
    ------
    ValueError : on an unknown distribution.
    """
    return FeatureMap("linear", _draw(width, input_dim, weight_dist, input_dim, generator))


def _draw(
    rows: int, columns: int, weight_dist: str, input_dim: int, generator: torch.Generator
) -> Tensor:
    scale = 1 / math.sqrt(input_dim)
    if weight_dist == "uniform":
        draws = torch.rand(rows, columns, generator=generator, dtype=torch.float64)
        return (2 * draws - 1) * scale
    if weight_dist == "gaussian":
        draws = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
        return draws * scale
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
    frequencies = gamma * torch.tan(math.pi * (uniform - 0.5))
    return FeatureMap("cos", frequencies, 2 * math.pi * phases)
