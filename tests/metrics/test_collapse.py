"""Collapse metrics against their definitions, invariances, and exact collapse."""

import dataclasses
import math

import numpy as np
import oracle
import pytest
import torch
from agop_collapse.metrics import collapse, gram, spectra
from clouds import SEEDS, cloud, clouds, rotation, shuffle_within_classes
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor


def exact_etf(classes: int, counts: list[int], d: int) -> Tensor:
    """Every point of a class at one vertex of a regular simplex, turned and moved."""
    vertices = torch.eye(classes, d, dtype=torch.float64) - 1 / classes * (
        torch.arange(d) < classes
    )
    labels = oracle.classes_of(counts)
    return 3 * vertices[labels] @ rotation(0, d) + 0.5


def assert_same(found: collapse.Collapse, expected: collapse.Collapse, rel: float = 1e-8) -> None:
    assert found.nc1 == pytest.approx(expected.nc1, rel=rel, abs=1e-18)
    assert found.nc2 == pytest.approx(expected.nc2, rel=rel, abs=1e-12)
    assert found.trace_within == pytest.approx(expected.trace_within, rel=rel, abs=1e-28)
    assert found.trace_between == pytest.approx(expected.trace_between, rel=rel)


# --- nc1, nc2, traces -------------------------------------------------------------------------


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


# --- Gram statistics --------------------------------------------------------------------------


@given(points=clouds(), block=st.sampled_from([1, 2, 3, 7, 4096]))
def test_gram_statistics_are_over_all_pairs(points, block):
    directions = gram.centred_directions(points.x)
    cosines = oracle.cosines(points.x.numpy())
    np.testing.assert_allclose(directions @ directions.T, cosines, rtol=0, atol=1e-9)
    found = gram.gram_statistics(directions, points.counts, block)
    expected = oracle.gram_statistics(cosines, points.counts)
    np.testing.assert_allclose(dataclasses.astuple(found), expected, rtol=1e-9, atol=1e-7)
    within, _, between, _ = expected
    np.testing.assert_allclose([found.within_mean, found.between_mean], [within, between], 1e-8)


@pytest.mark.parametrize("counts", [[4, 4], [3, 3, 3], [6] * 10])
def test_gram_statistics_of_exact_collapse(counts):
    classes = len(counts)
    x = exact_etf(classes, counts, classes + 3)
    found = gram.gram_statistics(gram.centred_directions(x), counts)
    assert found.within_mean == pytest.approx(1, rel=1e-14)
    assert found.between_mean == pytest.approx(-1 / (classes - 1), rel=1e-12)
    assert found.within_sd < 1e-12
    assert found.between_sd < 1e-12


def test_the_spread_of_cosines_keeps_its_digits_in_collapse():
    points = cloud(2, [20, 20, 20], 6, spread=1e-5)
    found = gram.gram_statistics(gram.centred_directions(points.x), points.counts)
    cosines = oracle.cosines(points.x.numpy())
    _, within_sd, _, _ = oracle.gram_statistics(cosines, points.counts)
    assert 1e-10 < within_sd < 1e-9
    assert found.within_sd == pytest.approx(within_sd, rel=1e-5)
    # The mean of squares less the squared mean has none left.
    one_class = gram[:20, :20][~np.eye(20, dtype=bool)]
    variance = (one_class**2).mean() - one_class.mean() ** 2
    assert math.sqrt(abs(variance)) != pytest.approx(within_sd, rel=0.5)


def test_without_such_pairs_there_are_no_statistics():
    directions = gram.centred_directions(cloud(3, [5], 3).x)
    alone = gram.gram_statistics(directions, [1] * 5)
    assert math.isnan(alone.within_mean)
    assert math.isnan(alone.within_sd)
    assert alone.between_mean == pytest.approx(-1 / 4, abs=0.2)
    together = gram.gram_statistics(directions, [5])
    assert math.isnan(together.between_mean)
    assert math.isnan(together.between_sd)
    assert together.within_mean == pytest.approx(alone.between_mean, rel=1e-12)


def test_a_point_at_the_mean_has_no_direction():
    x = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]])
    expected = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    directions = gram.centred_directions(x)
    assert torch.equal(directions, expected)
    # Its cosines, with itself too, are 0, and count: pairs are 0, -1 and 0.
    found = gram.gram_statistics(directions, [2, 1])
    assert (found.within_mean, found.within_sd) == (0, 0)
    assert (found.between_mean, found.between_sd) == (-0.5, 0.5)


@given(points=clouds(), size=st.integers(1, 30))
def test_gram_picture_is_the_gram_matrix_in_block_means(points, size):
    directions = gram.centred_directions(points.x)
    cosines = (directions @ directions.T).numpy()
    picture = gram.gram_picture(directions, size)
    pixels = min(size, points.n)
    blocks = np.array_split(np.arange(points.n), pixels)
    expected = [[cosines[np.ix_(rows, columns)].mean() for columns in blocks] for rows in blocks]
    np.testing.assert_allclose(picture, expected, rtol=0, atol=1e-13)


# --- effective rank ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spectrum", "expected"),
    [([2.0, 2, 2, 0, 0], 3), ([7.0], 1), ([5.0, 0], 1), ([3.0, 1], 1.6), ([1.0] * 64, 64)],
)
def test_effective_rank(spectrum, expected):
    assert spectra.effective_rank(torch.tensor(spectrum)) == pytest.approx(expected, rel=1e-15)


def test_no_spectrum_has_no_rank():
    assert math.isnan(spectra.effective_rank(torch.zeros(3)))


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20), st.floats(1e-3, 1e3))
def test_effective_rank_is_between_one_and_all_and_has_no_scale(spectrum, scale):
    eigenvalues = torch.tensor(spectrum, dtype=torch.float64)
    rank = spectra.effective_rank(eigenvalues)
    assert 1 - 1e-12 <= rank <= len(spectrum) * (1 + 1e-12)
    assert spectra.effective_rank(eigenvalues * scale) == pytest.approx(rank, rel=1e-12)
