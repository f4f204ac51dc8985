"""The paper's theory, computed: the expected ReLU kernel (Proposition A.1; V1 Proposition 5.1)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..common.seeding import generator
from ..machine.random_features import relu_features

# Dimension of the two unit vectors; the result does not depend on it.
INPUT_DIM = 100


def expected_relu_product(r: Tensor) -> Tensor:
    """E <relu(W x), relu(W y)> for unit vectors with <x, y> = r and W of entries N(0, 2/D).

    (sin t + (pi - t) cos t) / pi with cos t = r (Proposition A.1; Cho and Saul 2009). It is 1 at
    r = 1 and 0 at r = -1.
    """
    angle = torch.arccos(r.clamp(-1, 1))
    return (torch.sin(angle) + (math.pi - angle) * r) / math.pi


def expected_relu_distance(distance: Tensor) -> Tensor:
    """Root mean square of ||relu(W x) - relu(W y)|| for unit vectors ||x - y|| apart, in [0, 2]."""
    r = 1 - distance.square() / 2
    return (2 - 2 * expected_relu_product(r)).clamp(min=0).sqrt()


def simulate_relu_distances(
    distances: Sequence[float], width: int, draws: int, seed: int
) -> list[dict[str, float]]:
    """Distances of unit vectors after ReLU features, and what theory expects (V1 Figure 4).

    Parameters
    ----------
    distances : ||x - y||, in (0, 2]
    width : features D
    draws : random feature maps, over which the mean and standard deviation are taken
    seed : of the feature maps

    Returns
    -------
    A row for each distance: distance, mapped_mean, mapped_sd, mapped_theory, width, draws.
    """
    apart = torch.tensor(list(distances), dtype=torch.float64)
    r = 1 - apart.square() / 2
    x = torch.zeros(1, INPUT_DIM, dtype=torch.float64)
    x[:, 0] = 1
    y = torch.zeros(len(apart), INPUT_DIM, dtype=torch.float64)
    y[:, 0], y[:, 1] = r, (1 - r.square()).clamp(min=0).sqrt()

    # relu_features draws weights of variance 1/d; the proposition has 2/D.
    scale = math.sqrt(2 * INPUT_DIM / width)
    mapped = torch.empty(draws, len(apart), dtype=torch.float64)
    for draw in range(draws):
        features = relu_features(INPUT_DIM, width, "gaussian", generator(seed, "kernel", draw))
        mapped[draw] = scale * torch.linalg.vector_norm(features(y) - features(x), dim=1)
    columns = {
        "distance": apart,
        "mapped_mean": mapped.mean(dim=0),
        "mapped_sd": mapped.std(dim=0),
        "mapped_theory": expected_relu_distance(apart),
    }
    return [
        {name: float(values[index]) for name, values in columns.items()}
        | {"width": width, "draws": draws}
        for index in range(len(apart))
    ]
