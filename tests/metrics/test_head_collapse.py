"""Collapse of a network's head: each stage against points that are made by loops over layers."""

import dataclasses

import numpy as np
import oracle
import papers
import pytest
import torch
from agop_collapse.data.dataset import Dataset
from agop_collapse.metrics import head_collapse, in_full, nearest_centre, readout
from agop_collapse.metrics.class_means import frame_of_classes
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.activations import tanh
from clouds import cloud

COUNTS, TEST_COUNTS, IMAGE = [7, 4, 6], [3, 2, 4], (1, 2, 3)


def data(test_counts: list[int] = TEST_COUNTS) -> Dataset:
    train, test = cloud(0, COUNTS, 6), cloud(1, test_counts, 6)
    labels, test_labels = (
        torch.tensor(oracle.classes_of(c), dtype=torch.int64) for c in (COUNTS, test_counts)
    )
    return Dataset(train.x, labels, test.x, test_labels, IMAGE, 3)


@torch.no_grad()
@pytest.mark.parametrize("biases", [False, True])
def test_each_stage_is_measured_in_full(biases):
    wanted = papers.mlp(5, 1.0, tanh.activation)
    wanted = dataclasses.replace(wanted, hidden_layers=2, biases=biases)
    network, known = networks.build(wanted, IMAGE, 3, 0).double(), data()
    found = head_collapse.measure(network, known.x, known.test_x, known, at_a_time=4)
    assert len(found.layers) == 2
    both = [known.x, known.test_x]
    for layer, stages in zip(network.hidden, found.layers, strict=True):
        assert list(stages) == ["input", "right", "full"]
        # S V^T by the decomposition itself; that U changes nothing is claim C9.
        _, values, right = np.linalg.svd(layer.weight.detach().numpy(), full_matrices=False)
        factor = torch.tensor(values[:, None] * right)
        after = [torch.tanh(x @ layer.weight.T + (layer.bias if biases else 0)) for x in both]
        points = {"input": both, "right": [x @ factor.T for x in both], "full": after}
        for stage, (train, test) in points.items():
            expected = in_full.measure(train, COUNTS, test, TEST_COUNTS)
            assert stages[stage] == pytest.approx(expected, rel=1e-7, abs=1e-9, nan_ok=True)
        both = [x.detach() for x in after]
        assert stages["right"]["nc1"] != pytest.approx(stages["full"]["nc1"], rel=1e-3)

    weight, bias = network.readout.weight.detach(), network.readout.bias
    frame = frame_of_classes(both[0], COUNTS)
    expected = dataclasses.asdict(readout.measure(frame, COUNTS, weight, bias))
    for name, x, counts in zip(("nc4", "nc4_test"), both, (COUNTS, TEST_COUNTS), strict=True):
        expected[name] = nearest_centre.measure(x, counts, frame.vectors, weight, bias).nc4
    assert found.readout == pytest.approx(expected, rel=1e-9)


def test_without_test_points_what_is_of_them_is_nan():
    network, known = networks.build(papers.mlp(5, 1.0), IMAGE, 3, 0).double(), data([0, 0, 0])
    found = head_collapse.measure(network, known.x, known.test_x, known)
    last = found.layers[-1]["full"]
    missing = {name for name, value in last.items() if np.isnan(value)}
    assert {name for name in last if "test" in name} <= missing
    assert np.isnan(found.readout["nc4_test"])
    assert not np.isnan(found.readout["nc4"])


def test_classes_count_alike_where_wanted():
    network, known = networks.build(papers.mlp(5, 1.0), IMAGE, 3, 0).double(), data()
    ways = [
        head_collapse.measure(network, known.x, known.test_x, known, weighting).layers[0]["input"]
        for weighting in ("samples", "classes")
    ]
    for way, expected in zip(ways, ([7 / 17, 4 / 17, 6 / 17], [1 / 3] * 3), strict=True):
        parts = known.x.split(COUNTS)
        traces = [float((part - part.mean(dim=0)).square().sum(dim=1).mean()) for part in parts]
        assert way["trace_within"] == pytest.approx(np.dot(expected, traces))
        assert way["nc1"] == pytest.approx(way["trace_within"] / way["trace_between"])
