"""NC1 of test points, against sums point by point and its decomposition."""

import math
from dataclasses import astuple

import collapse_example as example
import numpy as np
import oracle
import pytest
import torch
from agop_collapse.metrics import collapse, variability
from agop_collapse.metrics.class_means import frame_of, frame_of_classes
from agop_collapse.metrics.generalisation import Generalisation, measure
from clouds import SEEDS, cloud, clouds, rotation
from hypothesis import given
from hypothesis import strategies as st

MEANS = frame_of_classes(example.X, example.COUNTS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nc1_test_strong", 0.9168701878),
        ("nc1_test_strong_pinv", 0.3466611731),
        ("nc1_test_own", 0.6388574770),
        ("nc1_test_weak", 0.9083678732),
        ("test_centre_accuracy", 0.9166666667),
    ],
)
def test_known_digits(name, expected):
    found = getattr(measure(example.TEST_X, example.COUNTS, MEANS), name)
    assert found == pytest.approx(expected, rel=1e-9)


def by_definition(x: np.ndarray, counts: list[int], means: np.ndarray) -> Generalisation:
    labels = oracle.classes_of(counts)
    classes = len(means)
    centred = means - means.mean(axis=0)
    between = centred.T @ centred / classes
    values, vectors = np.linalg.eigh(between)
    rank = min(classes - 1, x.shape[1])
    inverse = (vectors[:, -rank:] / values[-rank:]) @ vectors[:, -rank:].T
    apart = [row - means[k] for row, k in zip(x, labels, strict=True)]
    outer = sum(np.outer(a, a) for a in apart) / len(x)
    nearest = [min(math.dist(row, m) for m in means) for row in x]
    own = [oracle.class_mean(x, counts, k) for k in range(classes)]
    first = [min(range(classes), key=lambda k: math.dist(row, means[k])) for row in x]
    return Generalisation(
        np.trace(outer) / np.trace(between),
        np.trace(outer @ inverse) / classes,
        oracle.nc1(x, counts),
        np.mean(np.square(nearest)) / np.trace(between),
        sum(c * math.dist(a, b) ** 2 for c, a, b in zip(counts, own, means, strict=True)) / len(x),
        np.mean([a == b for a, b in zip(first, labels, strict=True)]),
    )


@given(clouds(spreads=(1.0, 0.1, 1e-3)), SEEDS)
def test_measures_are_their_definitions(points, seed):
    shape = (len(points.counts), points.x.shape[1])
    means = np.random.default_rng(seed).normal(size=shape)
    found = measure(points.x, points.counts, frame_of(torch.tensor(means)))
    expected = by_definition(points.x.numpy(), points.counts, means)
    assert astuple(found) == pytest.approx(astuple(expected), rel=1e-6)


@given(clouds(), SEEDS)
def test_strong_collapse_is_own_collapse_and_drift(points, seed):
    train = cloud(seed, points.counts, points.x.shape[1])
    frame = frame_of_classes(train.x, train.counts)
    found = measure(points.x, points.counts, frame)
    own_numerator = found.nc1_test_own * collapse.measure(points.x, points.counts).trace_between
    expected = own_numerator + found.test_drift
    assert found.nc1_test_strong * frame.trace == pytest.approx(expected, rel=1e-8)
    assert found.nc1_test_weak <= found.nc1_test_strong * (1 + 1e-12)


@given(clouds(min_points=2))
def test_of_the_training_points_it_is_nc1(points):
    frame = frame_of_classes(points.x, points.counts)
    found = measure(points.x, points.counts, frame)
    expected = collapse.measure(points.x, points.counts).nc1
    assert found.nc1_test_strong == pytest.approx(expected, rel=1e-9)
    assert found.nc1_test_own == pytest.approx(expected, rel=1e-9)
    pinv = variability.measure(points.x, points.counts).nc1_pinv
    assert found.nc1_test_strong_pinv == pytest.approx(pinv, rel=1e-9)
    assert found.test_drift < 1e-25


@given(seed=SEEDS, scale=st.floats(1e-3, 1e3))
def test_measures_do_not_see_frame_and_scale(seed, scale):
    turn = rotation(seed, 5)
    x, test_x = (scale * (points @ turn + turn[0]) for points in (example.X, example.TEST_X))
    found = measure(test_x, example.COUNTS, frame_of_classes(x, example.COUNTS))
    expected = measure(example.TEST_X, example.COUNTS, MEANS)
    for name, value in vars(expected).items():
        size = scale**2 if name == "test_drift" else 1
        assert getattr(found, name) == pytest.approx(value * size, rel=1e-8), name


def test_weak_collapse_to_the_wrong_class():
    """All test points at means of the training points, half of them another class's."""
    x = MEANS.vectors[[0, 1, 1, 2, 2, 0]]
    found = measure(x, [2, 2, 2], MEANS)
    assert found.nc1_test_weak < 1e-28
    assert found.nc1_test_strong > 0.1
    assert found.test_centre_accuracy == 0.5


def test_class_that_the_test_points_lack():
    found = measure(example.TEST_X[4:], [0, 4, 4], MEANS)
    assert all(map(math.isnan, astuple(found)[:-1]))
    assert found.test_centre_accuracy == 0.875


def test_training_means_that_are_one():
    found = measure(example.TEST_X, example.COUNTS, frame_of(torch.ones(3, 5)))
    for name in ("nc1_test_strong", "nc1_test_strong_pinv", "nc1_test_weak"):
        assert math.isnan(getattr(found, name))
    assert found.nc1_test_own == pytest.approx(0.6388574770, rel=1e-9)
    assert found.test_drift > 0


def test_test_means_that_are_one():
    x = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    found = measure(x, [2, 2], frame_of(torch.tensor([[1.0, 0], [-1, 0]])))
    assert math.isnan(found.nc1_test_own)
    # Distances 0, 4 of one class, 2, 2 of the other; S_B = 1.
    assert found.nc1_test_strong == pytest.approx(2)
    assert found.test_drift == pytest.approx(1)


def test_float32_is_measured_in_float64():
    x = example.TEST_X.float()
    assert measure(x, example.COUNTS, MEANS) == measure(x.double(), example.COUNTS, MEANS)


def test_counts_that_do_not_fit():
    with pytest.raises(ValueError, match="do not split 12 points into 3 classes"):
        measure(example.TEST_X, [4, 4], MEANS)
