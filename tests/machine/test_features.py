"""The points of a Deep RFM's layers: training points as stored, test points as fitted with."""

import dataclasses

import papers
import pytest
import torch
from agop_collapse.data.dataset import Dataset
from agop_collapse.machine.deep_rfm import build
from agop_collapse.machine.features import layer_points
from clouds import cloud

COUNTS, DIMENSION, DEPTH = [9, 6, 8], 6, 3


def data(test_counts: list[int]) -> Dataset:
    train, test = cloud(0, COUNTS, DIMENSION), cloud(1, test_counts, DIMENSION)
    labels, test_labels = (
        torch.repeat_interleave(torch.arange(3), torch.tensor(counts))
        for counts in (COUNTS, test_counts)
    )
    return Dataset(train.x, labels, test.x, test_labels, (1, 2, 3), 3)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_test_points_go_where_training_points_go(precision):
    """The training points themselves, taken for test points, are mapped as they were."""
    settings = papers.settings(depth=DEPTH, width=16, precision=precision)
    known = data(COUNTS)
    known = dataclasses.replace(known, test_x=known.x, test_labels=known.labels)
    layers = list(build(known, settings, 0, torch.device("cpu")))
    found = list(layer_points(layers, known.test_x))
    assert len(found) == DEPTH
    for layer, (train, test) in zip(layers, found, strict=True):
        assert set(train) == set(test) == {"X", "MX", "PhiMX"}
        assert torch.equal(train["X"], layer.x)
        torch.testing.assert_close(train["MX"], layer.x @ layer.root)
        expected = (train["MX"] @ layer.features.weight.T).clamp(min=0)
        torch.testing.assert_close(
            train["PhiMX"] / train["PhiMX"].norm(), expected / expected.norm()
        )
        for name, points in train.items():
            torch.testing.assert_close(test[name], points)
            assert points.dtype == layer.x.dtype
    following = found[1][0]["PhiMX"]
    torch.testing.assert_close(found[2][0]["X"], following / following.norm(dim=1, keepdim=True))


def test_without_test_points_there_are_none():
    layers = build(data([0, 0, 0]), papers.settings(depth=2, width=5), 0, torch.device("cpu"))
    for _, test in layer_points(layers, torch.zeros(0, DIMENSION, dtype=torch.float64)):
        assert {name: tuple(x.shape) for name, x in test.items()}["PhiMX"] == (0, 5)
