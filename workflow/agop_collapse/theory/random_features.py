"""Proposition A.1 with its variance: inner products of random features, by Monte Carlo.

The proposition says that with D ReLU features of weights N(0, 2 / D) the product of two unit
vectors' features has a given mean and a variance of order 1 / D. Both have closed forms, and so do
those of cosine features, which the paper uses too.
"""

import math

import torch
from torch import Tensor

from ..common.seeding import generator
from ..machine.random_features import fourier_features, relu_features
from ..metrics.theory import expected_relu_product

INPUT_DIM = 8
GAMMA = 0.3  # of the cosine features: large enough that their kernel is far from 1
MAPS = ("relu", "cos")


def relu_variance(r: Tensor) -> Tensor:
    """D times the variance of <relu(Wx), relu(Wy)>, W of entries N(0, 2 / D), <x, y> = r.

    4 (J_2 / (2 pi) - (J_1 / (2 pi))^2), J_1 and J_2 the arc-cosine kernels of Cho and Saul (2009):
    those of products and of squared products of rectified normal variables.
    """
    angle = torch.arccos(r.clamp(-1, 1))
    second = 3 * torch.sin(angle) * r + (math.pi - angle) * (1 + 2 * r.square())
    return 4 * (second / (2 * math.pi) - (expected_relu_product(r) / 2).square())


def cos_variance(kernel: Tensor) -> Tensor:
    """D times the variance of cosine features' product, of which the mean is `kernel`.

    A feature's product is cos(w(x - z)) + cos(w(x + z) + 2 u), the phase u uniform. As the kernel
    exp(-gamma ||x - z||_1) is squared when x - z is doubled, that is 1 - kernel^2 / 2.
    """
    return 1 - kernel.square() / 2


def simulate(feature_map: str, r: Tensor, width: int, draws: int, seed: int) -> dict[str, Tensor]:
    """Products of the features of unit vectors x, y with <x, y> = r, over random feature maps.

    Parameters
    ----------
    feature_map : of MAPS; r : (m,) float64 in [-1, 1]; width : D; draws : at least 2

    Returns
    -------
    mean, mean_se, expected, variance (D times that of a product), variance_expected: (m,) float64.

    Raises
    ------
    ValueError : on an unknown map.
    """
    x, y = torch.zeros(2, len(r), INPUT_DIM, dtype=torch.float64)
    x[:, 0] = 1
    y[:, 0], y[:, 1] = r, (1 - r.square()).clamp(min=0).sqrt()
    products = torch.empty(draws, len(r), dtype=torch.float64)
    for draw in range(draws):
        source = generator(seed, "theory", feature_map, width, draw)
        match feature_map:
            case "relu":
                features = relu_features(INPUT_DIM, width, "gaussian", source)
                scale = 2 * INPUT_DIM / width  # relu_features has variance 1 / INPUT_DIM
            case "cos":
                features, scale = fourier_features(INPUT_DIM, width, GAMMA, source), 1
            case _:
                raise ValueError(f"unknown map {feature_map!r}; known: {', '.join(MAPS)}")
        products[draw] = scale * (features(x) * features(y)).sum(dim=1)
    if feature_map == "relu":
        expected, variance_expected = expected_relu_product(r), relu_variance(r)
    else:
        expected = torch.exp(-GAMMA * (x - y).abs().sum(dim=1))
        variance_expected = cos_variance(expected)
    spread = products.std(dim=0)
    return {
        "mean": products.mean(dim=0),
        "mean_se": spread / math.sqrt(draws),
        "expected": expected,
        "variance": width * spread.square(),
        "variance_expected": variance_expected,
    }
