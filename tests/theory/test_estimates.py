"""What a layer says of the theorems: against kernels that are as the theorems have them."""

import dataclasses
import math

import pytest
import torch
from agop_collapse.common.classes import unit_rows
from agop_collapse.common.seeding import generator
from agop_collapse.machine.deep_rfm import Fit, Layer
from agop_collapse.machine.kernels.laplace import kernel as laplace
from agop_collapse.machine.random_features import FeatureMap
from agop_collapse.theory import estimates, objective
from agop_collapse.theory.recursion import expected_rate

COUNTS = [6, 4, 5]
FIT = Fit(0.0, 0.0, 0.0, 1.0, 1.0, 1.0, None, True)


def points(seed: int = 0, dim: int = 40) -> torch.Tensor:
    draws = torch.randn(sum(COUNTS), dim, generator=generator(seed, "test"), dtype=torch.float64)
    return unit_rows(draws)


def targets() -> torch.Tensor:
    labels = torch.repeat_interleave(torch.tensor(COUNTS))
    return 2 * torch.nn.functional.one_hot(labels).double() - 1


def layer_of(x: torch.Tensor, root: torch.Tensor, ridge: float, **others) -> Layer:
    kernel = torch.exp(-torch.cdist(x, x) / 2)
    alpha = torch.linalg.solve(kernel + ridge * torch.eye(len(x)).double(), targets())
    weight = torch.eye(x.shape[1], dtype=torch.float64)
    features = FeatureMap("linear", weight)
    return Layer(x, root, features, alpha, torch.ones(x.shape[1]), FIT, **others)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_kernel_as_in_the_theorem_has_its_perturbation(scale):
    """Whatever constant, slope and scale of the points: lambda is in units of their square."""
    x = scale * points()
    gram = x @ x.T
    kernel = 0.7 + 2.5 * (gram + 0.3 * scale**2 * torch.eye(len(x)).double())
    found = estimates.linear_part(kernel, gram)
    assert found.perturbation == pytest.approx(0.3)
    assert found.r2 == pytest.approx(1)


def test_r2_is_the_squared_correlation_off_the_diagonal():
    gram = points() @ points().T
    kernel = torch.exp(-torch.cdist(points(), points()))
    off = ~torch.eye(len(gram), dtype=torch.bool)
    expected = torch.corrcoef(torch.stack([gram[off], kernel[off]]))[0, 1] ** 2
    assert estimates.linear_part(kernel, gram).r2 == pytest.approx(float(expected))


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_numbers_of_a_layer(ridge):
    x, root = points(), torch.diag(torch.linspace(0.1, 2, 40).double())
    found = estimates.measure(layer_of(x, root, ridge), targets(), COUNTS, laplace, 2.0, ridge)
    kernel = torch.exp(-torch.cdist(x, x) / 2)
    within = [kernel[i, j] for i, j in pairs() if i != j]
    assert found.kernel_within == pytest.approx(float(sum(within) / len(within)))
    apart = torch.ones(15, 15).double()
    for i, j in pairs():
        apart[i, j] = 0
    assert found.kernel_between == pytest.approx(float((kernel * apart).sum() / apart.sum()))
    solved = torch.linalg.inv(kernel + ridge * torch.eye(15).double())
    assert found.squared_norm == pytest.approx(float((targets().T @ solved @ targets()).trace()))
    # Linear features of points are linear.
    assert found.lambda_map == pytest.approx(0, abs=1e-12)
    assert found.lambda_map_r2 == pytest.approx(1)
    assert found.lambda_k > 0


def test_rate_is_the_theorems_where_there_is_one():
    assert estimates._rate(0.2, 0.4, 5) == expected_rate(0.2, 0.4, 5)
    assert math.isnan(estimates._rate(0.2, -1e-3, 5))
    assert math.isnan(estimates._rate(0, 0.4, 5))


def pairs():
    start = 0
    for count in COUNTS:
        yield from (
            (i, j) for i in range(start, start + count) for j in range(start, start + count)
        )
        start += count


def test_norms_are_those_of_the_theorem():
    """For classes of one size: k* of ten classes has 100, and 67.6 at its best between 6 / 26."""
    x, labels = points(1), targets()
    found = estimates.measure(
        layer_of(x, torch.eye(40).double(), 0.0), labels, COUNTS, laplace, 2.0, 0.0
    )
    assert found.squared_norm_collapsed == pytest.approx(9)
    assert found.kernel_between_best == 0
    assert objective.two_level_square("plus_minus", 10, 180, 0, 0) == pytest.approx(100)
    best = objective.best_between("plus_minus", 10, 180, 0, True)
    assert best == pytest.approx(6 / 26)
    assert objective.two_level_square("plus_minus", 10, 180, 0, best) == pytest.approx(67.6)
    by_solve = objective.objective(
        objective.two_level_kernel(10, 3, 0.2), objective.labels_of("plus_minus", 10, 3), 1e-6
    )
    closed = objective.two_level_square("plus_minus", 10, 3, 1e-6, 0.2)
    assert float(by_solve) / 1e-6 == pytest.approx(closed, rel=1e-6)


def test_a_metric_is_of_the_kernel_and_a_sample_of_all_classes(monkeypatch):
    x, metric = points(2), torch.diag(torch.linspace(0.5, 1.5, 40).double())
    layer = layer_of(x, torch.eye(40).double(), 0.1, metric=metric)
    found = estimates.measure(layer, targets(), COUNTS, laplace, 2.0, 0.1)
    plain = dataclasses.replace(layer, x=x @ metric, metric=None)
    other = estimates.measure(plain, targets(), COUNTS, laplace, 2.0, 0.1)
    assert found.lambda_k == pytest.approx(other.lambda_k)
    assert found.kernel_between == pytest.approx(other.kernel_between)
    monkeypatch.setattr(estimates, "SAMPLE", 8)
    few = estimates.measure(layer, targets(), COUNTS, laplace, 2.0, 0.1)
    assert few.squared_norm == found.squared_norm
    assert math.isfinite(few.kernel_within)
    assert few.kernel_between == pytest.approx(found.kernel_between, abs=0.1)
