"""Proposition A.1 against quadrature, Monte Carlo and known values."""

import math

import numpy as np
import pytest
import torch
from agop_collapse.metrics import theory
from hypothesis import given
from hypothesis import strategies as st

# science of V1 Figure 4: D = 1024, distance before and after.
V1_FIGURE_4 = {2: 1.4136, 1.732: 1.334, 1.414: 1.167, 1.183: 1.016, 0.775: 0.706, 0.447: 0.423}


def product_by_quadrature(r: float) -> float:
    """2 E relu(u) relu(r u + sqrt(1 - r^2) v) over standard normal u, v: in polar coordinates."""
    angles = (np.arange(200_000) + 0.5) * 2 * math.pi / 200_000
    u, v = np.cos(angles), np.sin(angles)
    second = r * u + math.sqrt(1 - r * r) * v
    return 2 * 2 * np.mean(np.maximum(u, 0) * np.maximum(second, 0))  # E radius^2 = 2


@pytest.mark.parametrize("r", [-1, -0.9, -0.3, 0, 0.5, 0.99, 1])
def test_expected_product(r):
    found = float(theory.expected_relu_product(torch.tensor(r, dtype=torch.float64)))
    assert found == pytest.approx(product_by_quadrature(r), abs=1e-8)


@given(r=st.floats(-1, 1))
def test_expected_product_is_the_earlier_versions(r):
    """Equation (1) of the earlier version, with an arctangent."""
    root = math.sqrt(max(1 - r * r, 0))
    angle = math.atan(r / root) if root else math.copysign(math.pi / 2, r)
    expected = root**3 / math.pi + r * r * root / math.pi + r / 2 + r * angle / math.pi
    found = float(theory.expected_relu_product(torch.tensor(r, dtype=torch.float64)))
    assert found == pytest.approx(expected, abs=1e-7)


def test_ratio_of_distances_falls_from_1_to_the_root_of_a_half():
    apart = torch.linspace(1e-3, 2, 500, dtype=torch.float64)
    ratio = theory.expected_relu_distance(apart) / apart
    assert (ratio.diff() < 0).all()
    assert float(ratio[0]) == pytest.approx(1, abs=1e-3)
    assert float(ratio[-1]) == pytest.approx(math.sqrt(0.5))


def test_simulation_agrees_with_theory_and_the_earlier_versions_figure():
    rows = theory.simulate_relu_distances(V1_FIGURE_4, width=1024, draws=60, seed=0)
    assert [row["distance"] for row in rows] == pytest.approx(list(V1_FIGURE_4))
    for row, printed in zip(rows, V1_FIGURE_4.values(), strict=True):
        error = row["mapped_sd"] / math.sqrt(row["draws"])
        # The mean distance is a little below the root of the mean square, by sd^2 / (2 mean).
        mean = row["mapped_theory"] - row["mapped_sd"] ** 2 / (2 * row["mapped_theory"])
        assert abs(row["mapped_mean"] - mean) < 4 * error
        assert row["mapped_mean"] == pytest.approx(printed, abs=4 * error + 1e-3)


def test_a_seed_gives_the_same_simulation_and_another_another():
    a, again, other = (
        theory.simulate_relu_distances([1.0], width=64, draws=3, seed=seed)[0]["mapped_mean"]
        for seed in (0, 0, 1)
    )
    assert a == again != other
