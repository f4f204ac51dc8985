"""Class means about their mean: what the frame holds, and when directions are rounding."""

import math

import numpy as np
import oracle
import pytest
import torch
from agop_collapse.metrics.class_means import frame_of, frame_of_classes
from clouds import SEEDS, cloud, clouds
from hypothesis import given


@given(clouds())
def test_frame_is_of_the_class_means(points):
    x, classes = points.x.numpy(), len(points.counts)
    frame = frame_of_classes(points.x, points.counts)
    means = np.array([oracle.class_mean(x, points.counts, k) for k in range(classes)])
    np.testing.assert_allclose(frame.vectors, means, atol=1e-14)
    np.testing.assert_allclose(frame.centred, means - means.mean(axis=0), atol=1e-14)
    assert frame.rank == min(classes - 1, points.x.shape[1])
    between = oracle.covariances(x, points.counts)[1]
    assert frame.trace == pytest.approx(np.trace(between), rel=1e-12)


@given(clouds())
def test_coordinates_and_directions_make_up_the_centred_means(points):
    frame = frame_of_classes(points.x, points.counts)
    np.testing.assert_allclose(frame.coordinates @ frame.directions.T, frame.centred, atol=1e-13)
    np.testing.assert_allclose(
        frame.directions.T @ frame.directions, np.eye(frame.rank), atol=1e-13
    )
    np.testing.assert_allclose(
        frame.coordinates.T @ frame.coordinates,
        np.diag(frame.singular_values.square()),
        atol=1e-13,
    )


def test_vectors_are_a_frame_of_points_of_their_own_class():
    vectors = cloud(0, [1] * 6, 4).x
    own, of_classes = frame_of(vectors), frame_of_classes(vectors, [1] * 6)
    for name, value in vars(own).items():
        np.testing.assert_allclose(value, getattr(of_classes, name), rtol=1e-14)


@given(SEEDS)
def test_a_difference_by_rounding_is_no_direction(seed):
    """One mean in each class, in other orders; and once apart by more."""
    points = 1e3 * cloud(seed, [40], 6).x
    x = torch.cat([points, points.flip(0), points[torch.randperm(40)]])
    assert frame_of_classes(x, [40] * 3).rank == 0
    x[:40] += 1e-6
    assert frame_of_classes(x, [40] * 3).rank == 1


def test_float32_is_taken_in_float64():
    x = cloud(1, [6, 5], 4).x.float()
    found, expected = (frame_of_classes(y, [6, 5]) for y in (x, x.double()))
    assert found.vectors.dtype == torch.float64
    assert torch.equal(found.vectors, expected.vectors)


@pytest.mark.parametrize("counts", [[4], [2, 1], [2, 3], []])
def test_counts_that_do_not_fit(counts):
    with pytest.raises(ValueError, match=r"class counts \[.*\] do not split 4 points"):
        frame_of_classes(torch.zeros(4, 2), counts)


def test_a_class_without_points_has_no_mean():
    with pytest.raises(ValueError, match=r"a class of \[4, 0\] has no points"):
        frame_of_classes(torch.zeros(4, 2), [4, 0])


def test_one_vector_is_no_frame():
    with pytest.raises(ValueError, match="two vectors or more, not 1"):
        frame_of(torch.zeros(1, 2))


def test_rounding_goes_by_the_points_not_by_their_means():
    x = torch.tensor([[1e6], [-1e6], [1e6 + 1e-10], [-1e6]], dtype=torch.float64)
    assert frame_of_classes(x, [2, 2]).rounding == pytest.approx(16 * 2**-52 * 1e6, rel=1e-9)
    assert frame_of(torch.tensor([[3.0, 4], [0, 0]])).rounding == pytest.approx(
        16 * 2**-52 * math.sqrt(12.5), rel=1e-12
    )
