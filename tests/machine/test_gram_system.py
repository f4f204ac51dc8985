"""The kernel machine on all pairs of points: distances that survive collapse, and the solve."""

import math

import numpy as np
import oracle
import papers
import pytest
import torch
from agop_collapse.data.dataset import one_hot_targets
from agop_collapse.machine import gram_system as pairs
from agop_collapse.machine.gram_system import Pairs
from clouds import SEEDS, cloud, clouds
from hypothesis import given
from torch import Tensor

EPS = torch.finfo(torch.float64).eps
BANDWIDTH = 1.7
BLOCK_ROWS = [1, 4, 1000]


def pairs_of(x: Tensor, counts: list[int], kernel: str = "laplace", block_rows: int = 4) -> Pairs:
    return Pairs(x, counts, papers.KERNELS[kernel], BANDWIDTH, block_rows)


def distances(x: Tensor, counts: list[int], block_rows: int = 4) -> Tensor:
    return pairs_of(x, counts, block_rows=block_rows).distances(slice(0, len(x)))


def relative_error(found: Tensor, truth: np.ndarray) -> float:
    truth = torch.tensor(truth)
    apart = truth > 0
    return float(((found - truth).abs()[apart] / truth[apart]).max())


def targets_of(points) -> Tensor:
    labels = torch.tensor(oracle.classes_of(points.counts))
    return one_hot_targets(labels, len(points.counts), torch.float64)


@pytest.fixture(params=papers.KERNELS)
def kernel(request) -> str:
    return request.param


# --- distances --------------------------------------------------------------------------------


@pytest.mark.parametrize("block_rows", BLOCK_ROWS)
@given(points=clouds())
def test_distances_are_norms_of_differences(block_rows, points):
    found = distances(points.x, points.counts, block_rows)
    truth = oracle.distances(points.x.numpy(), points.x.numpy())
    # A pair's square errs by the rounding of its points' squares, about their class mean if shared.
    labels = torch.tensor(oracle.classes_of(points.counts))
    means = [oracle.class_mean(points.x.numpy(), points.counts, k) for k in labels]
    own = torch.tensor(np.array(means))
    near, far = (points.x - own).square().sum(dim=1), points.x.square().sum(dim=1)
    norms = torch.where(labels[:, None] == labels, near[:, None] + near, far[:, None] + far)
    squares = torch.tensor(truth**2)
    assert ((found.square() - squares).abs() <= 40 * EPS * (norms + squares)).all()
    assert (found.diagonal() == 0).all()
    assert torch.equal(found, found.T)


@pytest.mark.parametrize("block_rows", BLOCK_ROWS)
@pytest.mark.parametrize("spread", [1.0, 1e-3, 1e-6, 1e-9])
def test_distances_keep_their_digits_in_collapsed_classes(spread, block_rows):
    points = cloud(1, [9, 30, 1, 17], 12, spread=spread)
    truth = oracle.distances(points.x.numpy(), points.x.numpy())
    assert relative_error(distances(points.x, points.counts, block_rows), truth) < 1e-9


def test_the_plain_formula_loses_them():
    points = cloud(1, [9, 30, 1, 17], 12, spread=1e-6)
    truth = oracle.distances(points.x.numpy(), points.x.numpy())
    plain = torch.tensor(oracle.expanded_distances(points.x.numpy()))
    assert relative_error(plain, truth) > 1e-5
    assert relative_error(distances(points.x, [1] * points.n), truth) > 1e-5


@pytest.mark.parametrize("counts", [[4, 1, 7], [3, 3], [9]])
@given(seed=SEEDS)
def test_between_distance_is_the_least_across_classes(counts, seed):
    x = cloud(seed, counts, 4).x
    labels = oracle.classes_of(counts)
    truth = oracle.distances(x.numpy(), x.numpy())
    across = [truth[i, j] for i in range(len(x)) for j in range(i) if labels[i] != labels[j]]
    found = pairs_of(x, counts).between_distance()
    assert found == pytest.approx(min(across, default=math.inf), rel=1e-9)


def test_equal_points_of_two_classes_are_passed_over_and_nearly_equal_ones_are_not():
    x = cloud(4, [3, 4, 2], 5).x
    expected = pairs_of(x, [3, 4, 2]).between_distance()
    x[4] = x[8] = x[1]
    assert pairs_of(x, [3, 4, 2]).between_distance() <= expected
    assert pairs_of(x, [3, 4, 2]).between_distance() > 0.01
    x[4] += 1e-12
    found = pairs_of(x, [3, 4, 2]).between_distance()
    assert found == pytest.approx(5**0.5 * 1e-12, rel=1e-3)


def test_coincident_points_are_at_distance_zero():
    x = cloud(0, [20, 20], 30).x
    within = distances(torch.cat([x, x]), [60, 20])
    assert torch.equal(within[:40, 40:60].diagonal(), torch.zeros(20, dtype=torch.float64))
    assert (within == 0).sum() == 80 + 2 * 40


@pytest.mark.parametrize("counts", [[5, 1, 4, 2], [4, 4], [2, 2, 2], [6, 3, 1]])
def test_within_distance_is_the_median_of_medians(counts):
    points = cloud(13, counts, 3)
    distance = oracle.distances(points.x.numpy(), points.x.numpy())
    labels = oracle.classes_of(points.counts)
    medians = []
    for i, label in enumerate(labels):
        others = [distance[i, j] for j, other in enumerate(labels) if other == label and j != i]
        if others:
            medians.append(lower_median(others))
    found = pairs_of(points.x, counts).within_distance()
    assert found == pytest.approx(lower_median(medians), rel=1e-12)
    assert pairs_of(points.x, [1] * points.n).within_distance() == math.inf


def lower_median(values: list[float]) -> float:
    return sorted(values)[(len(values) - 1) // 2]


def test_large_classes_are_sampled_for_it(monkeypatch):
    monkeypatch.setattr(pairs, "SAMPLE", 3)
    points = cloud(14, [9, 7], 4)
    first = torch.cat([points.x[:3], points.x[9:12]])
    sampled = pairs_of(points.x, points.counts).within_distance()
    assert sampled == pytest.approx(pairs_of(first, [3, 3]).within_distance(), rel=1e-12)
    monkeypatch.setattr(pairs, "SAMPLE", 1000)
    assert pairs_of(points.x, points.counts).within_distance() != pytest.approx(sampled)


# --- the machine ------------------------------------------------------------------------------


@pytest.mark.parametrize("block_rows", BLOCK_ROWS)
@pytest.mark.parametrize("ridge", [0.0, 1e-3, 10.0])
def test_the_solution_solves_the_system(kernel, ridge, block_rows):
    points = cloud(12, [4, 7, 1], 4)
    targets = targets_of(points)
    machine = pairs_of(points.x, points.counts, kernel, block_rows)
    alpha = machine.solve(targets, ridge)
    values = oracle.kernel_matrix(kernel, points.x.numpy(), points.x.numpy(), BANDWIDTH)
    expected = np.linalg.inv(values + ridge * np.eye(12)) @ targets.numpy()
    np.testing.assert_allclose(alpha, expected, rtol=1e-7)
    np.testing.assert_allclose(machine.apply(alpha), values @ alpha.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kernel", papers.KERNELS)
@given(points=clouds(spreads=(1.0, 0.1), duplicates=False))
def test_solving_leaves_the_distances_and_weights_come_from_them(kernel, points):
    before = pairs_of(points.x, points.counts, kernel)
    after = pairs_of(points.x, points.counts, kernel)
    after.solve(targets_of(points), 1e-3)
    everything = slice(0, points.n)
    assert torch.equal(after.distances(everything), before.distances(everything))
    distance = before.distances(everything)
    radial = papers.KERNELS[kernel]
    values = radial.values(distance, BANDWIDTH)
    expected = radial.gradient_weights(values, distance, BANDWIDTH).fill_diagonal_(0)
    assert torch.equal(after.into_weights(), expected)


@pytest.mark.parametrize("block_rows", BLOCK_ROWS)
def test_a_system_that_rounding_leaves_indefinite_is_solved_too(block_rows):
    """Points so near that their ridgeless Gaussian matrix is one of rank one to rounding."""
    points = cloud(3, [6, 9], 4, spread=1e-6)
    machine = pairs_of(1e-3 * points.x, points.counts, "gaussian", block_rows)
    machine._write_system(0.0)
    assert not machine._factorise()
    targets = torch.ones(15, 1, dtype=torch.float64)
    try:
        alpha = machine.solve(targets, 0.0)
    except ValueError as refusal:
        assert "singular with ridge 0" in str(refusal)  # noqa: PT017
    else:
        assert float((machine.apply(alpha) - targets).norm()) < 1e-6 * float(targets.norm())


def test_of_too_many_points_an_indefinite_system_is_refused_at_once(monkeypatch):
    """LU takes two more arrays, and counts their elements in 32 bits."""
    points = cloud(3, [6, 9], 4, spread=1e-6)
    targets = torch.ones(15, 1, dtype=torch.float64)

    def machine():
        return pairs_of(1e-3 * points.x, points.counts, "gaussian")

    monkeypatch.setattr(pairs, "LARGEST_LU", 14)
    monkeypatch.setattr(torch.linalg, "solve_ex", None)
    with pytest.raises(ValueError, match="indefinite from rounding.*a ridge of") as refusal:
        machine().solve(targets, 0.0)
    ridge = float(str(refusal.value).split("a ridge of ")[1].split()[0])
    alpha, system = machine().solve(targets, ridge), machine()
    torch.testing.assert_close(system.apply(alpha) + ridge * alpha, targets)


@pytest.mark.parametrize("block_rows", BLOCK_ROWS)
def test_a_singular_system_is_refused_and_the_ridge_it_names_helps(block_rows):
    x, targets = torch.ones(5, 2, dtype=torch.float64), torch.ones(5, 2, dtype=torch.float64)
    machine = pairs_of(x, [5], "laplace", block_rows)
    with pytest.raises(ValueError, match="5 points is singular with ridge 0.*of 1e-14 would help"):
        machine.solve(targets, 0.0)
    alpha = machine.solve(targets, 1e-14)
    torch.testing.assert_close(alpha.sum(dim=0), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(machine.apply(alpha), targets)


@given(seed=SEEDS)
def test_a_ridge_is_tried_before_it_is_named(seed):
    """Three equal points with two labels: what no function fits, and little ridges amplify."""
    points = cloud(seed, [7, 6], 4)
    x, targets = points.x, targets_of(points)
    x[1] = x[7] = x[0]
    try:
        pairs_of(x, [7, 6]).solve(targets, 0.0)
    except ValueError as refusal:
        named = float(str(refusal).split("a ridge of ")[1].split()[0])
    else:  # rounding has made it regular
        return
    machine = pairs_of(x, [7, 6])
    alpha = machine.solve(targets, named)
    left_over = machine.apply(alpha) + named * alpha - targets
    assert float(left_over.norm() / targets.norm()) < EPS**0.5
    assert float(alpha.norm() * 13**0.5 * EPS / targets.norm()) < EPS**0.5
