"""Proposition A.1's mean and variance against quadrature, and by its own simulation."""

import math

import numpy as np
import pytest
import torch
from agop_collapse.theory import random_features

R = torch.tensor([-0.9, -0.5, 0, 0.3, 0.7, 0.9, 0.99], dtype=torch.float64)


@pytest.mark.parametrize("r", [-1, -0.6, 0, 0.5, 1])
def test_relu_variance_by_quadrature(r):
    """E (relu(u) relu(v))^2 in polar coordinates; E radius^4 = 8, E radius^2 = 2."""
    angles = (np.arange(100_000) + 0.5) * 2 * math.pi / 100_000
    product = np.maximum(np.cos(angles), 0)
    product = product * np.maximum(r * np.cos(angles) + math.sqrt(1 - r * r) * np.sin(angles), 0)
    expected = 4 * (8 * np.mean(product**2) - (2 * np.mean(product)) ** 2)
    found = float(random_features.relu_variance(torch.tensor(r, dtype=torch.float64)))
    assert found == pytest.approx(expected, abs=1e-7)


def test_relu_variance_is_the_measured_one():
    """science: 2.46, 2.42, 2.52, 2.28 by Monte Carlo at r = 1/2, D = 64 to 4096."""
    found = float(random_features.relu_variance(torch.tensor(0.5, dtype=torch.float64)))
    assert found == pytest.approx(2.456, abs=1e-3)


@pytest.mark.parametrize("feature_map", random_features.MAPS)
@pytest.mark.parametrize("width", [16, 256])
def test_simulation_finds_mean_and_variance(feature_map, width):
    draws = 1500
    found = random_features.simulate(feature_map, R, width, draws, seed=0)
    z = (found["mean"] - found["expected"]) / found["mean_se"]
    assert z.abs().max() < 4
    ratio = found["variance"] / found["variance_expected"]
    # A variance of `draws` values, of heavier tails than the normal's where the width is small.
    assert (ratio - 1).abs().max() < 0.35


def test_coincident_points_have_product_1():
    one = torch.ones(1, dtype=torch.float64)
    for feature_map in random_features.MAPS:
        found = random_features.simulate(feature_map, one, 8, 4, seed=0)
        assert float(found["expected"]) == pytest.approx(1)


def test_unknown_map_is_refused():
    with pytest.raises(ValueError, match="unknown map 'tanh'; known: relu, cos"):
        random_features.simulate("tanh", R, 8, 2, seed=0)
