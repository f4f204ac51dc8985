"""NC4: decisions of the nearest class mean and of the readout, point by point."""

import math

import collapse_example as example
import numpy as np
import oracle
import pytest
import torch
from agop_collapse.metrics import nearest_centre
from agop_collapse.metrics.class_means import frame_of_classes
from agop_collapse.metrics.nearest_centre import Decisions, measure
from clouds import SEEDS, cloud, clouds
from hypothesis import given

MEANS = frame_of_classes(example.X, example.COUNTS).vectors


@pytest.mark.parametrize(
    ("x", "accuracy"), [(example.X, 1), (example.TEST_X, 0.9166666667)], ids=["train", "test"]
)
def test_known_digits(x, accuracy):
    found = measure(x, example.COUNTS, MEANS, example.WEIGHT, example.BIAS)
    assert found.centre_accuracy == pytest.approx(accuracy, rel=1e-9)
    assert found.nc4 == pytest.approx(0.5, rel=1e-9)


def by_definition(x, counts, means, weight, bias) -> Decisions:
    nearest = [min(range(len(means)), key=lambda k: math.dist(row, means[k])) for row in x]
    outputs = [[w @ row + b for w, b in zip(weight, bias, strict=True)] for row in x]
    decided = [max(range(len(row)), key=lambda k: row[k]) for row in outputs]
    labels = oracle.classes_of(counts)
    agree = [a == b for a, b in zip(nearest, decided, strict=True)]
    right = [a == b for a, b in zip(nearest, labels, strict=True)]
    return Decisions(np.mean(right), np.mean(agree))


@given(clouds(duplicates=False), SEEDS)
def test_measures_are_their_definitions(points, seed):
    random = np.random.default_rng(seed)
    classes, d = len(points.counts), points.x.shape[1]
    means, weight = random.normal(size=(2, classes, d)) / math.sqrt(d)
    bias = random.normal(size=classes) / 2
    found = measure(points.x, points.counts, *map(torch.tensor, (means, weight, bias)))
    assert found == by_definition(points.x.numpy(), points.counts, means, weight, bias)


def test_points_in_parts(monkeypatch):
    expected = measure(example.X, example.COUNTS, MEANS, example.WEIGHT, example.BIAS)
    monkeypatch.setattr(nearest_centre, "AT_A_TIME", 5)
    assert measure(example.X, example.COUNTS, MEANS, example.WEIGHT, example.BIAS) == expected


def test_the_first_of_equals():
    """A point between the means of classes 0 and 2, and one between 1 and 2."""
    means = torch.tensor([[0.0, 0], [0, 4], [4, 0]])
    x = torch.tensor([[2.0, 0], [2, 2], [4, 4]])
    nearest, distances = nearest_centre.nearest_centres(x, means)
    assert nearest.tolist() == [0, 0, 1]
    assert distances.tolist() == pytest.approx([2, math.sqrt(8), 4])
    readout = torch.tensor([[1.0, 0], [1, 0], [0, 1]])
    assert nearest_centre.readout_classes(x, readout).tolist() == [0, 0, 0]
    bias = torch.tensor([0.0, 0, 2])
    assert nearest_centre.readout_classes(x, readout, bias).tolist() == [0, 2, 2]


def test_means_that_are_near_by_their_size():
    """Squares of 1e8 would leave nothing of a distance of 1e-4."""
    means = 1e8 + torch.tensor([[0.0], [1e-4]], dtype=torch.float64)
    assert nearest_centre.nearest_centres(means, means)[0].tolist() == [0, 1]


def test_readout_that_decides_by_distance():
    """W = M and b = -|M|^2 / 2."""
    points = cloud(1, [5, 6, 7, 8], 3)
    means = frame_of_classes(points.x, points.counts).vectors
    bias = -means.square().sum(dim=1) / 2
    found = measure(points.x, points.counts, means, means, bias)
    assert found.nc4 == 1
    assert found.centre_accuracy < 1
    assert measure(points.x, points.counts, means, -means, -bias).nc4 < 0.5


def test_without_a_readout_there_is_no_nc4():
    found = measure(example.X, example.COUNTS, MEANS)
    assert found.centre_accuracy == 1
    assert math.isnan(found.nc4)


def test_class_that_the_points_lack():
    x = example.X[4:]
    assert measure(x, [0, 4, 4], MEANS).centre_accuracy == 1
    assert measure(x, [4, 0, 4], MEANS).centre_accuracy == 0.5


def test_no_points():
    found = measure(example.X[:0], [0, 0, 0], MEANS, example.WEIGHT)
    assert math.isnan(found.centre_accuracy)
    assert math.isnan(found.nc4)


@pytest.mark.parametrize("counts", [[12], [6, 6], [4, 4, 5]])
def test_counts_that_do_not_fit(counts):
    with pytest.raises(ValueError, match="do not split 12 points into 3 classes"):
        measure(example.X, counts, MEANS)
