"""Statistics and pictures of Gram matrices against all pairs of points, and exact collapse."""

import dataclasses
import math

import numpy as np
import oracle
import pytest
import torch
from agop_collapse.metrics import gram
from clouds import cloud, clouds, exact_etf
from hypothesis import given
from hypothesis import strategies as st


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


def test_an_exact_frame_of_unequal_classes_is_one_about_its_class_means_alone():
    """SVHN's shares of the classes (science.md, F5): about the points' mean it is none."""
    counts = [495, 1386, 1058, 850, 746, 688, 573, 560, 504, 466]
    x = exact_etf(10, counts, 12)
    points = gram.gram_statistics(gram.centred_directions(x), counts)
    assert points.between_mean == pytest.approx(-0.129, abs=5e-4)
    assert points.between_sd == pytest.approx(0.072, abs=5e-4)
    classes = gram.gram_statistics(gram.centred_directions(x, counts), counts)
    assert classes.between_mean == pytest.approx(-1 / 9, rel=1e-12)
    assert classes.between_sd < 1e-12


@given(points=clouds())
def test_the_centre_is_the_mean_of_points_or_of_class_means(points):
    x = points.x.numpy()
    means = [oracle.class_mean(x, points.counts, k) for k in range(len(points.counts))]
    for centre, counts in ((x.mean(axis=0), None), (np.mean(means, axis=0), points.counts)):
        found = gram.centred_directions(points.x, counts)
        np.testing.assert_allclose(found, oracle.unit(x - centre), atol=1e-9)


def test_the_spread_of_cosines_keeps_its_digits_in_collapse():
    points = cloud(2, [20, 20, 20], 6, spread=1e-5)
    found = gram.gram_statistics(gram.centred_directions(points.x), points.counts)
    cosines = oracle.cosines(points.x.numpy())
    _, within_sd, _, _ = oracle.gram_statistics(cosines, points.counts)
    assert 1e-10 < within_sd < 1e-9
    assert found.within_sd == pytest.approx(within_sd, rel=1e-5)
    # The mean of squares less the squared mean has none left.
    one_class = cosines[:20, :20][~np.eye(20, dtype=bool)]
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
    picture = gram.picture_of_means(directions, size)
    pixels = min(size, points.n)
    blocks = np.array_split(np.arange(points.n), pixels)
    expected = [[cosines[np.ix_(rows, columns)].mean() for columns in blocks] for rows in blocks]
    np.testing.assert_allclose(picture, expected, rtol=0, atol=1e-13)


@given(points=clouds(), size=st.integers(1, 30))
def test_a_picture_of_points_is_their_gram_matrix(points, size):
    """Of the first of each class, as many of each; the spread of pairs is in it."""
    directions = gram.centred_directions(points.x)
    cosines = (directions @ directions.T).numpy()
    drawn = gram.drawn_points(points.counts, size)
    labels = oracle.classes_of(points.counts)
    chosen, seen = [], [0] * len(points.counts)
    for index, label in enumerate(labels):
        if seen[label] < max(1, size // len(points.counts)):
            chosen.append(index)
            seen[label] += 1
    assert drawn == seen
    picture = gram.picture_of_points(directions, points.counts, size)
    np.testing.assert_allclose(picture, cosines[np.ix_(chosen, chosen)], rtol=0, atol=1e-13)


def test_a_picture_of_points_keeps_the_spread_that_means_hide():
    points = cloud(5, [400, 400], 20, spread=1.0)
    directions = gram.centred_directions(points.x)
    spread = gram.gram_statistics(directions, points.counts).within_sd
    some = gram.picture_of_points(directions, points.counts, 100)[:50, :50]
    means = gram.picture_of_means(directions, 100)[:50, :50]
    off = ~torch.eye(50, dtype=torch.bool)
    assert float(some[off].std()) == pytest.approx(spread, rel=0.2)
    assert float(means[off].std()) < 0.5 * spread
