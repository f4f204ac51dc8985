"""Squared distances, kernels, the weights of their gradients, and the check of a user's own."""

import math
import re

import numpy as np
import oracle
import papers
import pytest
import scipy.special
import torch
from agop_collapse.common.errors import UserError
from agop_collapse.machine.kernels import radial
from agop_collapse.machine.kernels.radial import RadialKernel, check_kernel
from clouds import SEEDS, cloud, clouds
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd.functional import jacobian

EPS = torch.finfo(torch.float64).eps
BANDWIDTH = 1.7

kernels = pytest.mark.parametrize("name", papers.KERNELS)


@given(clouds())
def test_squared_distances_err_by_rounding_of_the_norms(points):
    x, z = points.x, points.x.flip(0)[:3]
    found = radial.squared_distances(x, z)
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
    squared = radial.squared_distances(x, z)
    expected = torch.zeros(40, 5, dtype=torch.bool)
    expected[[5, 6, 7, 8, 0], range(5)] = True
    assert torch.equal(squared == 0, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [2, 100, 1797, 50_000])
def test_safe_ridge_is_a_power_of_ten_above_rounding(n, dtype):
    ridge = radial.safe_ridge(n, dtype)
    rounding = n * torch.finfo(dtype).eps
    assert rounding <= ridge < 10 * rounding
    assert math.log10(ridge) == pytest.approx(round(math.log10(ridge)))


# --- values -----------------------------------------------------------------------------------


@kernels
def test_kernel_is_its_formula(name):
    x = cloud(3, [4, 5], 3).x.numpy()
    distance = torch.tensor(oracle.distances(x, x))
    found = papers.KERNELS[name].values(distance, BANDWIDTH)
    expected = oracle.kernel_of_distance(name, distance.numpy(), BANDWIDTH)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert torch.equal(found.diagonal(), torch.ones(9, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "distance", "expected"),
    [
        ("laplace", 2, 1 / math.e),
        ("gaussian", 2 * math.sqrt(2), 1 / math.e),
        ("matern32", 2 / math.sqrt(3), 2 / math.e),
        ("matern52", 2 / math.sqrt(5), 7 / 3 / math.e),
    ],
)
def test_values_where_the_exponent_is_one(name, distance, expected):
    found = papers.KERNELS[name].values(torch.tensor([distance], dtype=torch.float64), 2.0)
    assert float(found) == pytest.approx(expected, rel=1e-14)


def value(name: str, distance: float, bandwidth: float) -> float:
    at = torch.tensor([distance], dtype=torch.float64)
    return float(papers.KERNELS[name].values(at, bandwidth))


def matern(nu: float, distance: float, bandwidth: float) -> float:
    """2^(1 - nu) / Gamma(nu) s^nu K_nu(s), s = sqrt(2 nu) D / L (Rasmussen and Williams, 4.14)."""
    s = math.sqrt(2 * nu) * distance / bandwidth
    return 2 ** (1 - nu) / math.gamma(nu) * s**nu * float(scipy.special.kv(nu, s))


@given(relative=st.floats(0.01, 3), bandwidth=st.floats(0.1, 10))
def test_all_are_of_the_matern_family_and_the_gaussian_is_its_limit(relative, bandwidth):
    distance = relative * bandwidth
    for name, smoothness in (("laplace", 0.5), ("matern32", 1.5), ("matern52", 2.5)):
        found = value(name, distance, bandwidth)
        assert found == pytest.approx(matern(smoothness, distance, bandwidth), rel=1e-10)
    limit, far, near = (
        value("gaussian", distance, bandwidth),
        *(matern(smoothness, distance, bandwidth) for smoothness in (5, 30)),
    )
    assert near == pytest.approx(limit, abs=0.02)
    assert abs(near - limit) <= abs(far - limit)


@given(relative=st.floats(1e-4, 0.1), bandwidth=st.floats(0.1, 10))
def test_the_smoother_the_less_it_falls_at_first(relative, bandwidth):
    """1 - k begins with D / L, then 3/2, 5/6 and 1/2 of its square."""
    fall = {name: 1 - value(name, relative * bandwidth, bandwidth) for name in papers.KERNELS}
    assert fall["laplace"] == pytest.approx(relative, rel=0.06)
    for name, curvature in (("matern32", 3 / 2), ("matern52", 5 / 6), ("gaussian", 1 / 2)):
        assert fall[name] == pytest.approx(curvature * relative**2, rel=0.13, abs=1e-15)


@kernels
@given(points=clouds(spreads=(1.0, 0.1), duplicates=False), bandwidth=st.floats(0.3, 3))
def test_kernel_matrices_are_positive_definite(name, points, bandwidth):
    distance = torch.tensor(oracle.distances(points.x.numpy(), points.x.numpy()))
    eigenvalues = torch.linalg.eigvalsh(papers.KERNELS[name].values(distance, bandwidth))
    assert eigenvalues.min() > -1e-13
    # The rougher the kernel, the further from singular.
    assert name != "laplace" or eigenvalues.min() > 0


# --- gradients --------------------------------------------------------------------------------


@kernels
@given(points=clouds(spreads=(1.0, 0.1)), bandwidth=st.floats(0.3, 10))
def test_gradient_weights_are_autograds(name, points, bandwidth):
    x, kernel = points.x, papers.KERNELS[name]
    distance = torch.tensor(oracle.distances(x.numpy(), x.numpy()))
    before = distance.clone()
    values = kernel.values(distance, bandwidth)
    weights = kernel.gradient_weights(values, distance, bandwidth)
    assert torch.equal(distance, before)
    for point, row in zip(x, weights, strict=True):
        gradients = jacobian(lambda p: oracle.differentiable_kernel(name, p, x, bandwidth), point)
        found = -row[:, None] * (point - x)
        torch.testing.assert_close(found, gradients, rtol=1e-10, atol=1e-13 / bandwidth)


def weight_at_zero(name: str, bandwidth: float) -> float:
    nowhere = torch.zeros(1, 1, dtype=torch.float64)
    kernel = papers.KERNELS[name]
    return float(kernel.gradient_weights(kernel.values(nowhere, bandwidth), nowhere, bandwidth))


@given(bandwidth=st.floats(0.1, 10))
def test_where_points_coincide_weights_are_their_limits_and_laplaces_is_zero(bandwidth):
    assert weight_at_zero("laplace", bandwidth) == 0
    for name, scale in (("gaussian", 1), ("matern32", 3), ("matern52", 5 / 3)):
        assert weight_at_zero(name, bandwidth) == pytest.approx(scale / bandwidth**2, rel=1e-14)


def test_laplace_has_no_gradient_where_points_coincide():
    kernel = papers.KERNELS["laplace"]
    distance = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    weights = kernel.gradient_weights(kernel.values(distance, 2.0), distance, 2.0)
    slope = math.exp(-0.5) / 2
    torch.testing.assert_close(weights, torch.tensor([[0.0, slope], [slope, 0.0]]))


# --- the check of a kernel of the user's own --------------------------------------------------


@kernels
@given(bandwidth=st.floats(1e-3, 1e4))
def test_the_librarys_kernels_pass_at_any_bandwidth(name, bandwidth):
    check_kernel(papers.KERNELS[name], bandwidth)


def cauchy_values(distance, bandwidth):
    return 1 / (1 + (distance / bandwidth) ** 2)


def cauchy_weights(values, distance, bandwidth):
    return 2 * values**2 / bandwidth**2


def wendland_values(distance, bandwidth):
    r = distance / bandwidth
    return (1 - r).clamp(min=0) ** 4 * (4 * r + 1)


def wendland_weights(values, distance, bandwidth):
    return 20 / bandwidth**2 * (1 - distance / bandwidth).clamp(min=0) ** 3


def test_good_kernels_of_ones_own_pass():
    check_kernel(RadialKernel(cauchy_values, cauchy_weights), 2.0)
    check_kernel(RadialKernel(wendland_values, wendland_weights), 2.0)


@given(factor=st.floats(-2, 2).filter(lambda factor: abs(factor - 1) > 1e-3), seed=SEEDS)
def test_a_gradient_that_is_off_by_a_factor_is_refused(factor, seed):
    bandwidth = 10 ** (seed % 7 - 3)
    for kernel in papers.KERNELS.values():
        wrong = RadialKernel(
            kernel.values, lambda *given, kernel=kernel: factor * kernel.gradient_weights(*given)
        )
        with pytest.raises(UserError, match="gradient_weights times the distance at distance"):
            check_kernel(wrong, bandwidth)


def test_another_kernels_gradient_is_refused():
    for name, kernel in papers.KERNELS.items():
        for other, gradient in papers.KERNELS.items():
            if other != name:
                wrong = RadialKernel(kernel.values, gradient.gradient_weights)
                with pytest.raises(UserError, match="gradient_weights"):
                    check_kernel(wrong, 2.0)


def test_the_message_says_where_what_and_what_it_should_be():
    wrong = RadialKernel(cauchy_values, lambda values, distance, bandwidth: values)
    with pytest.raises(UserError) as refusal:
        check_kernel(wrong, 2.0, "'my_kernels:cauchy'")
    found = re.fullmatch(
        r"'my_kernels:cauchy': gradient_weights times the distance at distance (\S+) is (\S+); "
        r"it must be (\S+), by finite differences",
        str(refusal.value),
    )
    distance, what, expected = (float(number) for number in found.groups())
    value = 1 / (1 + (distance / 2) ** 2)
    assert what == pytest.approx(value * distance, rel=1e-4)
    assert expected == pytest.approx(2 * value**2 / 4 * distance, rel=1e-4)


def with_values(values) -> RadialKernel:
    return RadialKernel(values, cauchy_weights)


def with_weights(weights) -> RadialKernel:
    return RadialKernel(cauchy_values, weights)


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (cauchy_values, "the kernel is of type function; it must be a RadialKernel"),
        (with_values(lambda d, length: 1.0), "values gives a float; it must be a tensor"),
        (
            with_values(lambda d, length: cauchy_values(d, length)[0]),
            r"values gives shape \(4,\), torch.float64; it must be .*\(4, 4\), torch.float64",
        ),
        (
            with_values(lambda d, length: cauchy_values(d, length).float()),
            r"values gives shape \(4, 4\), torch.float32; it must be .*torch.float64",
        ),
        (
            with_values(lambda d, length: cauchy_values(d.div_(length), 1)),
            "values changes its arguments in place",
        ),
        (
            with_values(lambda d, length: 3 * cauchy_values(d, length)),
            "values at distance 0 is 3; it must be 1",
        ),
        (
            with_values(lambda d, length: torch.sin(d / length) / d),
            "values at distance 0 is nan; it must be 1",
        ),
        (
            with_values(lambda d, length: 1 + (d / length) ** 2),
            r"values at distance \S+ is 1\.\d+; it must be between -1 and 1",
        ),
        (
            with_values(lambda d, length: cauchy_values(d, length).where(d < length, math.nan)),
            r"values at distance \S+ is nan; it must be between -1 and 1",
        ),
        (
            with_weights(lambda values, d, length: cauchy_weights(values, d, length).sum()),
            r"gradient_weights gives shape \(\), torch.float64; it must be .*\(4, 4\)",
        ),
        (
            with_weights(lambda values, d, length: values.square_().mul(2 / length**2)),
            "gradient_weights changes its arguments in place",
        ),
        (
            with_weights(lambda values, d, length: cauchy_weights(values, d, length) * d / d),
            "gradient_weights at distance 0 is nan; it must be finite",
        ),
    ],
)
def test_what_cannot_be_a_kernel_is_refused(kernel, reason):
    with pytest.raises(UserError, match=reason):
        check_kernel(kernel, 2.0)
