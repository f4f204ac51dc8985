"""Kernels of the dot product: values, gradients and AGOP against autograd, and what they do."""

import dataclasses
import math
import re

import numpy as np
import oracle
import papers
import pytest
import torch
from agop_collapse.common.classes import unit_rows
from agop_collapse.common.errors import UserError
from agop_collapse.data.dataset import Dataset
from agop_collapse.machine import agop
from agop_collapse.machine.deep_rfm import Layer, build
from agop_collapse.machine.gram_system import Pairs
from agop_collapse.metrics import collapse, spectra
from clouds import SEEDS, cloud, rotation
from clouds import clouds as any_clouds
from hypothesis import example, given
from torch import Tensor

CPU = torch.device("cpu")
FORMS = {
    "direct": agop.direct_form,
    "hadamard": agop.hadamard_form,
    "gram side": lambda *given: torch.linalg.matrix_power(agop.gram_side_root(*given)[0], 2),
}
kernels = pytest.mark.parametrize("kernel", papers.DOT_PRODUCT)


def clouds(**wanted):
    """Of two dimensions or more: on a line all points are parallel, and of different length."""
    return any_clouds(**wanted).filter(lambda points: points.x.shape[1] > 1)


def pairs_of(kernel: str, x: Tensor, counts: list[int], block_rows: int = 5) -> Pairs:
    return Pairs(x, counts, papers.DOT_PRODUCT[kernel], 1.3, block_rows)


def matrix(kernel: str, x: Tensor, counts: list[int]) -> Tensor:
    return pairs_of(kernel, x, counts).apply(torch.eye(len(x), dtype=torch.float64))


def error(found: Tensor, truth: Tensor) -> float:
    return float((found - truth).norm() / truth.norm())


# --- values -----------------------------------------------------------------------------------


@kernels
@given(points=clouds())
def test_the_matrix_is_the_kernels_formula(kernel, points):
    x = points.x.numpy()
    expected = torch.tensor(oracle.kernel_matrix(kernel, x, x, 1.0))
    found = matrix(kernel, points.x, points.counts)
    assert error(found, expected) < 1e-12
    assert torch.equal(found, found.T)


def test_relu_tangent_kernel_is_that_of_a_wide_network():
    """f(x) = sqrt(2 / m) sum_j a_j relu(<w_j, x>): the mean product of its gradients by a and w."""
    width, source = 400_000, torch.Generator().manual_seed(0)
    x = torch.tensor([[1.0, 0.2, -0.3], [0.1, -0.7, 0.4]], dtype=torch.float64)
    w = torch.randn(width, 3, generator=source, dtype=torch.float64)
    a = torch.randn(width, generator=source, dtype=torch.float64)
    before = x @ w.T
    products = 2 * before.relu().prod(dim=0)
    products += 2 * a.square() * (before > 0).all(dim=0) * (x[0] @ x[1])
    expected = float(matrix("relu_ntk", x, [1, 1])[0, 1])
    standard_error = float(products.std()) / math.sqrt(width)
    assert abs(float(products.mean()) - expected) < 3 * standard_error
    assert standard_error < 0.02 * abs(expected)


@pytest.mark.parametrize(("t", "expected"), [(1, 2), (0, 1 / math.pi), (-1, 0)])
def test_relu_tangent_kernel_at_three_angles(t, expected):
    x = torch.tensor([[2.0, 0], [3 * t, 3 * math.sqrt(1 - t**2)]], dtype=torch.float64)
    assert float(matrix("relu_ntk", x, [2])[0, 1]) == pytest.approx(6 * expected, abs=1e-14)


@kernels
@given(points=clouds(spreads=(1.0, 0.1)), seed=SEEDS)
def test_it_scales_with_a_point_and_turns_with_all(kernel, points, seed):
    found = matrix(kernel, points.x, points.counts)
    longer = torch.linspace(0.5, 2, points.n, dtype=torch.float64)
    scaled = matrix(kernel, longer[:, None] * points.x, points.counts)
    assert error(scaled, longer[:, None] * found * longer) < 1e-10
    turned = matrix(kernel, points.x @ rotation(seed, points.x.shape[1]), points.counts)
    assert error(turned, found) < 1e-10
    eigenvalues = torch.linalg.eigvalsh(found)
    assert eigenvalues.min() > -1e-12 * eigenvalues.max()


@kernels
def test_a_point_that_is_zero_has_no_values_and_no_harm(kernel):
    points = cloud(0, [3, 4], 5)
    points.x[2] = 0
    found = matrix(kernel, points.x, points.counts)
    assert (found[2] == 0).all()
    pairs = pairs_of(kernel, points.x, points.counts)
    assert (pairs.along_points(points.coefficients)[2] == 0).all()
    assert pairs.into_weights().isfinite().all()


# --- gradients --------------------------------------------------------------------------------


def gradients_of(kernel: str, points, block_rows: int = 5, image=None) -> agop.Gradients:
    pairs = pairs_of(kernel, points.x, points.counts, block_rows)
    along = pairs.along_points(points.coefficients)
    shown = points.x if image is None else image
    weights = pairs.into_weights()
    return agop.Gradients.of(shown, weights, points.coefficients, points.counts, along)


def by_autograd(kernel: str, points, root=None) -> Tensor:
    x, a = points.x.numpy(), points.coefficients.numpy()
    root = None if root is None else root.numpy()
    return torch.tensor(oracle.agop(oracle.machine_gradients(kernel, x, a, 1.0, root)))


def wide(points):
    """The same among more dimensions than points and classes, for the Gram side."""
    more = points.x.new_zeros(points.n, points.n + len(points.counts))
    return dataclasses.replace(points, x=torch.cat([points.x, more], dim=1))


@pytest.mark.parametrize("block_rows", [4, 1000])
@pytest.mark.parametrize("form", FORMS)
@kernels
@given(points=clouds())
@example(points=cloud(0, [1, 6, 3], 5, 3, spread=1e-6, duplicate=True))
@example(points=cloud(1, [6, 2], 4, 2, spread=1.0, duplicate=True))
def test_the_agop_is_autograds(form, kernel, block_rows, points):
    if form == "gram side":
        points = wide(points)
    found = FORMS[form](gradients_of(kernel, points, block_rows), block_rows)
    assert error(found, by_autograd(kernel, points)) < 1e-6
    # The difference of lengths costs digits of small angles, which points of one length keep.
    directions = dataclasses.replace(points, x=unit_rows(points.x))
    found = FORMS[form](gradients_of(kernel, directions, block_rows), block_rows)
    assert error(found, by_autograd(kernel, directions)) < 1e-9


@kernels
def test_a_fitted_machine_in_collapse(kernel):
    points = cloud(3, [9, 6, 12], 40, spread=1e-6)
    points = dataclasses.replace(points, x=unit_rows(points.x))
    targets = torch.tensor(oracle.plus_minus_one(oracle.classes_of(points.counts), 3))
    alpha = pairs_of(kernel, points.x, points.counts).solve(targets, 1e-3)
    fitted = dataclasses.replace(points, coefficients=alpha)
    truth = by_autograd(kernel, fitted)
    for form in FORMS.values():
        assert error(form(gradients_of(kernel, fitted), 5), truth) < 1e-8


@kernels
@given(points=clouds(spreads=(1.0, 1e-3)), seed=SEEDS)
def test_in_a_metric_it_is_by_the_points_themselves(kernel, points, seed):
    """f(x) = g(R x): R R x stands for the points, and R x is in the kernel."""
    square = torch.tensor(np.random.default_rng(seed).normal(size=(points.x.shape[1],) * 2))
    root = square + square.T
    mapped = dataclasses.replace(points, x=points.x @ root)
    truth = by_autograd(kernel, points, root)
    for form in (agop.direct_form, agop.hadamard_form):
        assert error(form(gradients_of(kernel, mapped, image=mapped.x @ root), 5), truth) < 1e-8


# --- Deep RFM ---------------------------------------------------------------------------------


def data_of(counts: list[int], d: int, seed: int = 6) -> Dataset:
    points = cloud(seed, counts, d)
    labels = torch.tensor(oracle.classes_of(counts))
    return Dataset(points.x, labels, points.x, labels, (1, 1, d), len(counts))


def layer_of(data: Dataset, **changes) -> Layer:
    return next(build(data, papers.settings(depth=1, width=16, **changes), 0, CPU))


@pytest.mark.parametrize("counts", [[5, 5, 5], [2, 9, 4, 5], [8, 1, 4, 2, 7]])
def test_the_linear_kernel_collapses_in_one_step(counts):
    """M = n V V^T with V^T x the outputs: M^1/2 x is a rotation of the label, if it is fitted."""
    data = data_of(counts, 30)
    layer = layer_of(data, kernel="linear")
    before, after = (
        collapse.measure(points, counts) for points in (layer.x, layer.project(layer.x))
    )
    assert layer.fit.valid
    assert before.nc1 > 0.5
    assert before.nc2 > 0.1
    # Directions that M does not have come out of a root in float64 as 1e-8.
    assert after.nc1 < 1e-12
    assert after.nc2 < 1e-7
    slope = layer.alpha.T @ layer.x
    expected = slope.T @ slope
    assert error(layer.root @ layer.root, expected / expected.max()) < 1e-9
    # Others do not.
    assert collapse.measure(layer_of(data).project(layer.x), counts).nc1 > 1e-4


def test_relu_tangent_and_linear_kernels_without_interpolation_go_on_collapsing(few_digits):
    """300 points in 64 dimensions: the linear machine cannot fit them."""
    for kernel, ridge in (("linear", 1e-2), ("relu_ntk", 0.0)):
        wanted = papers.settings(kernel, ridge=ridge, width=256, depth=4)
        layers = list(build(few_digits, wanted, 0, CPU))
        found = [
            collapse.measure(layer.project(layer.x), few_digits.class_counts).nc1
            for layer in layers
        ]
        assert all(layer.fit.valid for layer in layers)
        assert found[-1] < 0.2 * found[0]


def test_a_linear_system_without_ridge_is_refused_with_one_that_helps():
    data = data_of([12, 15, 13], 6)
    with pytest.raises(
        UserError, match=r"40 points is singular.*rank is that of .* 6 dim"
    ) as error:
        layer_of(data, kernel="linear")
    named = float(re.search(r"a ridge of (\S+) would help", str(error.value))[1])
    layer = layer_of(data, kernel="linear", ridge=named)
    assert layer.fit.valid
    assert spectra.measure(layer.eigenvalues).agop_effective_rank <= 3


@pytest.mark.parametrize("kernel", ["linear", "relu_ntk"])
def test_behind_a_collapse_or_with_twins_a_ridge_helps(kernel):
    """A layer of the linear kernel makes the points of a class one."""
    twins = data_of([6, 6], 30)
    twins.x[1] = twins.x[0]
    with pytest.raises(
        UserError, match=r"12 points is singular.*a ridge of \S+ would help"
    ) as error:
        layer_of(twins, kernel=kernel)
    named = float(re.search(r"a ridge of (\S+) would help", str(error.value))[1])
    assert layer_of(twins, kernel=kernel, ridge=named).fit.valid


@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_what_is_trusted_does_not_depend_on_the_unit_of_length(ridge):
    """The kernel matrix, its rounding and the ridge grow together."""
    points = cloud(2, [9, 8], 5)
    targets = torch.tensor(oracle.plus_minus_one(oracle.classes_of(points.counts), 2))
    small, large = (pairs_of("relu_ntk", scale * points.x, points.counts) for scale in (1e-6, 1e3))
    assert large.largest == pytest.approx(1e18 * small.largest, rel=1e-12)
    one = small.solve(targets, ridge * 1e-12) * 1e-12
    other = large.solve(targets, ridge * 1e6) * 1e6
    assert error(one, other) < 1e-7
