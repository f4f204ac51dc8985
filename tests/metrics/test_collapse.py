"""Collapse metrics against their definitions, invariances, and exact collapse."""

import math

import numpy as np
import oracle
import pytest
import torch
from agop_collapse.metrics import collapse
from clouds import SEEDS, cloud, clouds, exact_etf, rotation, shuffle_within_classes
from hypothesis import given
from hypothesis import strategies as st


def assert_same(found: collapse.Collapse, expected: collapse.Collapse, rel: float = 1e-8) -> None:
    assert found.nc1 == pytest.approx(expected.nc1, rel=rel, abs=1e-18)
    assert found.nc2 == pytest.approx(expected.nc2, rel=rel, abs=1e-12)
    assert found.trace_within == pytest.approx(expected.trace_within, rel=rel, abs=1e-28)
    assert found.trace_between == pytest.approx(expected.trace_between, rel=rel)


@given(clouds())
def test_metrics_are_their_definitions(points):
    found = collapse.measure(points.x, points.counts)
    x, counts = points.x.numpy(), points.counts
    within, between = oracle.covariances(x, counts)
    classes = len(counts)
    expected = collapse.Collapse(
        oracle.nc1(x, counts), 0, oracle.nc2(x, counts), 0, np.trace(within), np.trace(between)
    )
    assert_same(found, expected)
    assert found.nc1_code == pytest.approx(found.nc1 / classes, rel=1e-14)
    assert found.nc2_mse == pytest.approx(found.nc2**2 / classes**2, rel=1e-14)


def test_classes_count_alike_whatever_their_size():
    """By hand: means 2 and 10, so mu_G = 6, S_B = 16; S_W = (4 + 0 + 4 + 0) / 4."""
    found = collapse.measure(torch.tensor([[0.0], [2.0], [4.0], [10.0]]), [3, 1])
    assert found == collapse.Collapse(2 / 16, 1 / 16, 0.0, 0.0, 2.0, 16.0)


def test_nc2_by_hand():
    """Three means at 1, 0 and -1 on a line: cosines 0/0 for the middle one, taken as 0."""
    x = torch.tensor([[1.0], [0.0], [-1.0]])
    gram = np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]])
    etf = np.array([[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]])
    found = collapse.measure(x, [1, 1, 1])
    assert found.nc2 == pytest.approx(np.linalg.norm(gram - etf), rel=1e-14)
    assert found.nc2_mse == pytest.approx(((gram - etf) ** 2).mean(), rel=1e-14)


@given(points=clouds(), seed=SEEDS, scale=st.floats(1e-4, 1e4))
def test_metrics_do_not_see_frame_order_and_scale(points, seed, scale):
    """Rotation, translation and order change nothing; scale changes the traces only."""
    found = collapse.measure(points.x, points.counts)
    turn = rotation(seed, points.x.shape[1])
    moved = (points.x @ turn + turn[0])[shuffle_within_classes(seed, points.counts)]
    assert_same(collapse.measure(moved, points.counts), found, rel=1e-7)

    scaled = collapse.measure(points.x * scale, points.counts)
    assert scaled.nc1 == pytest.approx(found.nc1, rel=1e-8, abs=1e-18)
    assert scaled.nc2 == pytest.approx(found.nc2, rel=1e-8, abs=1e-12)
    assert scaled.trace_within == pytest.approx(found.trace_within * scale**2, rel=1e-8, abs=1e-20)
    assert scaled.trace_between == pytest.approx(found.trace_between * scale**2, rel=1e-8)


def test_metrics_see_the_classes():
    points = cloud(0, [5, 5], 3, spread=0.1)
    swapped = points.x[[5, *range(1, 5), 0, *range(6, 10)]]
    assert collapse.measure(swapped, [5, 5]).nc1 > 2 * collapse.measure(points.x, [5, 5]).nc1


@pytest.mark.parametrize("counts", [[4, 4], [3, 3, 3], [1, 5, 2, 7], [6] * 10])
def test_exact_collapse(counts):
    classes = len(counts)
    found = collapse.measure(exact_etf(classes, counts, classes + 3), counts)
    assert found.nc1 < 1e-28
    assert found.nc2 < 1e-13
    assert found.trace_between == pytest.approx(9 * (1 - 1 / classes), rel=1e-12)


def test_without_class_means_apart_there_is_no_nc1():
    found = collapse.measure(torch.tensor([[1.0], [-1.0], [1.0], [-1.0]]), [2, 2])
    assert math.isnan(found.nc1)
    assert math.isnan(found.nc1_code)
    assert (found.trace_within, found.trace_between) == (1, 0)


@given(seed=SEEDS)
def test_nor_where_they_are_apart_by_rounding(seed):
    """One mean in each class, in other orders: what is between them is their sums' rounding."""
    points = 1e3 * cloud(seed, [40], 6).x
    x = torch.cat([points, points.flip(0), points[torch.randperm(40)]])
    assert math.isnan(collapse.measure(x, [40, 40, 40]).nc1)
    x[:40] += 1e-6 * x.abs().max()
    assert collapse.measure(x, [40, 40, 40]).nc1 > 1e6


@given(points=clouds())
def test_of_two_classes_nc2_says_nothing(points):
    found = collapse.measure(points.x, [points.n - 1, 1])
    assert found.nc2 < 1e-12 or math.isnan(found.nc1)


def test_float32_is_measured_in_float64():
    x = cloud(1, [6, 5], 4, spread=1e-3).x.float()
    assert collapse.measure(x, [6, 5]) == collapse.measure(x.double(), [6, 5])


@pytest.mark.parametrize("counts", [[4], [2, 1], [2, 3], []])
def test_counts_that_do_not_fit(counts):
    with pytest.raises(ValueError, match=r"class counts \[.*\] do not split 4 points"):
        collapse.measure(torch.zeros(4, 2), counts)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_simplex_etf(classes):
    etf = collapse.simplex_etf(classes)
    eigenvalues = [0] + [classes / (classes - 1)] * (classes - 1)
    np.testing.assert_allclose(torch.linalg.eigvalsh(etf), eigenvalues, atol=1e-14)
    assert (etf.diagonal() == 1).all()
