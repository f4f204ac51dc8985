"""Squared distances, kernels, and the weights of their gradients."""

import math

import numpy as np
import oracle
import pytest
import torch
from agop_collapse.machine import kernels
from clouds import cloud, clouds
from hypothesis import given
from torch.autograd.functional import jacobian

EPS = torch.finfo(torch.float64).eps
BANDWIDTH = 1.7


@given(clouds())
def test_squared_distances_err_by_rounding_of_the_norms(points):
    x, z = points.x, points.x.flip(0)[:3]
    found = kernels.squared_distances(x, z)
    truth = torch.tensor(oracle.distances(x.numpy(), z.numpy()) ** 2)
    norms = x.square().sum(dim=1)[:, None] + z.square().sum(dim=1)
    assert found.shape == (len(x), len(z))
    assert (found >= 0).all()
    assert ((found - truth).abs() <= 32 * EPS * norms).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("d", [30, 3072])
def test_coincident_points_are_at_distance_zero(d, dtype):
    x = cloud(0, [20, 20], d).x.to(dtype)
    z = torch.cat([x[5:9], x[:1]])
    squared = kernels.squared_distances(x, z)
    expected = torch.zeros(40, 5, dtype=torch.bool)
    expected[[5, 6, 7, 8, 0], range(5)] = True
    assert torch.equal(squared == 0, expected)


@pytest.mark.parametrize("kernel", kernels.KERNELS)
def test_kernel_is_its_formula(kernel):
    x = cloud(3, [4, 5], 3).x.numpy()
    distance = torch.tensor(oracle.distances(x, x))
    found = kernels.kernel_matrix(kernel, distance, BANDWIDTH)
    by_autograd = [
        oracle.differentiable_kernel(kernel, point, torch.tensor(x), BANDWIDTH)
        for point in torch.tensor(x)
    ]
    torch.testing.assert_close(found, torch.stack(by_autograd), rtol=1e-14, atol=0)
    expected = oracle.kernel_of_distance(kernel, np.array([0, 1.0]), 2.0)
    assert expected == pytest.approx([1, math.exp(-0.5 if kernel == "laplace" else -0.125)])
    assert torch.equal(found.diagonal(), torch.ones(9, dtype=torch.float64))


def test_unknown_kernel():
    with pytest.raises(ValueError, match="'cauchy'.*laplace, gaussian"):
        kernels.kernel_matrix("cauchy", torch.zeros(1, 1), 1.0)


@pytest.mark.parametrize("kernel", kernels.KERNELS)
@given(points=clouds(spreads=(1.0, 0.1)))
def test_gradient_weights_are_autograds(kernel, points):
    x = points.x
    distance = torch.tensor(oracle.distances(x.numpy(), x.numpy()))
    values = kernels.kernel_matrix(kernel, distance, BANDWIDTH)
    weights = kernels.gradient_weights(kernel, values, distance, BANDWIDTH)
    for point, row in zip(x, weights, strict=True):
        gradients = jacobian(lambda p: oracle.differentiable_kernel(kernel, p, x, BANDWIDTH), point)
        found = -row[:, None] * (point - x)
        torch.testing.assert_close(found, gradients, rtol=1e-10, atol=1e-14)


def test_laplace_has_no_gradient_where_points_coincide():
    distance = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    values = kernels.kernel_matrix("laplace", distance, 2.0)
    weights = kernels.gradient_weights("laplace", values, distance, 2.0)
    slope = math.exp(-0.5) / 2
    torch.testing.assert_close(weights, torch.tensor([[0.0, slope], [slope, 0.0]]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [2, 100, 1797, 50_000])
def test_safe_ridge_is_a_power_of_ten_above_rounding(n, dtype):
    ridge = kernels.safe_ridge(n, dtype)
    rounding = n * torch.finfo(dtype).eps
    assert rounding <= ridge < 10 * rounding
    assert math.log10(ridge) == pytest.approx(round(math.log10(ridge)))
