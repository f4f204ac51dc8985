"""The plain baseline against the literal definitions, and the library against it at sizes where
those would take too long."""

import numpy as np
import oracle
import papers
import plain
import pytest
import torch
from agop_collapse.common.classes import unit_rows
from agop_collapse.machine import agop
from agop_collapse.machine.agop import Gradients
from agop_collapse.machine.deep_rfm import Problem, fit_layer
from agop_collapse.machine.gram_system import Pairs
from agop_collapse.machine.random_features import FeatureMap
from agop_collapse.metrics import ansatz, collapse
from agop_collapse.metrics.head import measure_head
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.features import layer_points
from clouds import cloud
from torch import Tensor

FEW = [3, 1, 4]
# Some panels of 128 rows, and one class smaller than any.
MANY = [130, 3, 90, 77]
BANDWIDTH = 1.3
RIDGE = 1e-3


def points(counts: list[int], d: int) -> tuple[Tensor, Tensor]:
    """Unit rows, and targets."""
    labels = oracle.classes_of(counts)
    targets = torch.tensor(oracle.plus_minus_one(labels, len(counts)))
    return unit_rows(cloud(3, counts, d).x), targets


def error(found, truth) -> float:
    found, truth = torch.as_tensor(found), torch.as_tensor(truth)
    return float((found - truth).norm() / truth.norm())


def head(image: tuple[int, int, int], width: int, classes: int):
    """A network in float64, and its weights."""
    network = networks.build(papers.mlp(width, 1.0), image, classes, 0)
    network = network.double().requires_grad_(False)
    layers = [*network.hidden, network.readout]
    return network, [layer.weight for layer in layers]


# --- the baseline -----------------------------------------------------------------------------


@pytest.mark.parametrize("distances", [plain.exact_distances, plain.metric_distances])
@pytest.mark.parametrize("kernel", plain.KERNELS)
def test_plain_layer_is_the_definitions(kernel, distances):
    x, targets = points(FEW, 5)
    metric = torch.eye(5, dtype=x.dtype)
    alpha = plain.solve(kernel, x, targets, BANDWIDTH, RIDGE, metric, distances)
    root = plain.root_of(plain.agop(kernel, x, alpha, BANDWIDTH, metric, distances))
    outputs = plain.predict(kernel, x[:3], x, alpha, BANDWIDTH, metric, distances)
    expected = oracle.deep_rfm_layer(
        x.numpy(),
        targets.numpy(),
        x[:3].numpy(),
        kernel=kernel,
        bandwidth=BANDWIDTH,
        ridge=RIDGE,
        iterations=1,
        agop_norm="max",
        projection="agop",
    )
    # A point is not quite at itself by the expanded formula, and the Laplace kernel has a cusp.
    tolerance = 1e-10 if distances is plain.exact_distances else 1e-5
    assert error(alpha, expected["alpha"]) < tolerance
    assert error(root, expected["root"]) < tolerance
    assert error(outputs, expected["test"]) < tolerance


def test_plain_collapse_is_the_definitions():
    x = cloud(0, FEW, 4).x
    within, between = oracle.covariances(x.numpy(), FEW)
    nc1, nc2, trace_within, trace_between, trace_total = plain.collapse(x, FEW)
    assert nc1 == pytest.approx(oracle.nc1(x.numpy(), FEW), rel=1e-12)
    assert nc2 == pytest.approx(oracle.nc2(x.numpy(), FEW), rel=1e-12)
    assert trace_within == pytest.approx(np.trace(within), rel=1e-12)
    assert trace_between == pytest.approx(np.trace(between), rel=1e-12)
    centre = torch.stack([own.mean(dim=0) for own in x.split(FEW)]).mean(dim=0)
    assert trace_total == pytest.approx(float((x - centre).square().sum()) / len(x), rel=1e-12)


def test_plain_head_is_the_definitions():
    _, weights = head((1, 2, 3), 7, len(FEW))
    x = cloud(1, FEW, 6).x
    inputs = x
    for number, layer in enumerate(plain.measure_head(weights, x, FEW), start=1):
        expected = oracle.network_agop(weights, x, number)
        assert error(layer["agop"], expected) < 1e-12
        weight = weights[number - 1].numpy()
        features = (weight.T @ weight).flatten()
        root = oracle.root_of(expected).flatten()
        assert layer["nfa"] == pytest.approx(np.corrcoef(features, root)[0, 1], abs=1e-7)
        right = inputs @ weights[number - 1].T
        outputs = torch.relu(right)
        for stage, of in {"input": inputs, "right": right, "full": outputs}.items():
            assert layer[stage][0] == pytest.approx(oracle.nc1(of.numpy(), FEW), rel=1e-10)
            assert layer[stage][1] == pytest.approx(oracle.nc2(of.numpy(), FEW), rel=1e-10)
        inputs = outputs


# --- the library ------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [40, 400])
@pytest.mark.parametrize("kernel", plain.KERNELS)
def test_solution_sums_and_root_are_the_plain_ones(kernel, d):
    x, targets = points(MANY, d)
    rest = (torch.eye(d, dtype=x.dtype), plain.exact_distances)
    expected = plain.solve(kernel, x, targets, BANDWIDTH, RIDGE, *rest)
    outer = plain.agop(kernel, x, expected, BANDWIDTH, *rest)

    pairs = Pairs(x, MANY, papers.KERNELS[kernel], BANDWIDTH, block_rows=100)
    alpha = pairs.solve(targets, RIDGE)
    assert error(alpha, expected) < 1e-9
    outputs = plain.predict(kernel, x, x, expected, BANDWIDTH, *rest)
    assert error(pairs.apply(alpha), outputs) < 1e-9
    gradients = Gradients.of(x, pairs.into_weights(), alpha, MANY)
    sums = [form(gradients, 100) for form in (agop.direct_form, agop.hadamard_form)]
    if d > len(x):
        root, _ = agop.gram_side_root(gradients, 100)
        sums.append(root @ root)
    for found in sums:
        assert error(found / found.max(), outer) < 1e-9


@pytest.mark.parametrize("d", [40, 400])
@pytest.mark.parametrize("kernel", plain.KERNELS)
def test_a_layer_and_its_collapse_are_the_plain_ones(kernel, d):
    x, targets = points(MANY, d)
    rest = (torch.eye(d, dtype=x.dtype), plain.exact_distances)
    alpha = plain.solve(kernel, x, targets, BANDWIDTH, RIDGE, *rest)
    outer = plain.agop(kernel, x, alpha, BANDWIDTH, *rest)

    features = FeatureMap("relu", cloud(5, [30], d).x)
    settings = papers.settings(
        kernel=kernel,
        depth=1,
        bandwidth=BANDWIDTH,
        ridge=RIDGE,
        width=30,
        n_features=30,
        gamma=1.0,
        block_rows=100,
    )
    nobody = torch.zeros(0, dtype=torch.int64)
    layer = fit_layer(Problem(x, targets, x[:0], nobody, MANY), settings, features)
    # The square, not the root: where M is singular its root has half the digits, on either side.
    assert error(layer.root @ layer.root, outer) < 1e-8
    projected = x @ plain.root_of(outer)
    for found, expected in (
        (layer.project(x), projected),
        (layer.advance(x), unit_rows(torch.relu(projected @ features.weight.T))),
    ):
        assert error(found, expected) < 1e-8
        metrics = collapse.measure(found, MANY)
        nc1, nc2, trace_within, trace_between, _ = plain.collapse(expected, MANY)
        assert metrics.nc1 == pytest.approx(nc1, rel=1e-8)
        assert metrics.nc2 == pytest.approx(nc2, rel=1e-8)
        assert metrics.trace_within == pytest.approx(trace_within, rel=1e-8)
        assert metrics.trace_between == pytest.approx(trace_between, rel=1e-8)


@pytest.mark.parametrize("image", [(1, 5, 8), (1, 16, 16)], ids=["d<w", "d>w"])
def test_a_head_is_the_plain_one(image):
    network, weights = head(image, 48, len(MANY))
    x, _ = points(MANY, image[1] * image[2])
    found = measure_head(network, x, MANY, at_a_time=70)
    with torch.no_grad():
        points_of = list(layer_points(network, x))
    expected = plain.measure_head(weights, x, MANY)
    assert len(found) == len(expected) == 5
    for number, (layer, reference) in enumerate(zip(found, expected, strict=True)):
        assert error(layer.agop_factor.T @ layer.agop_factor, reference["agop"]) < 1e-10
        assert ansatz.nfa(layer) == pytest.approx(reference["nfa"], abs=1e-8)
        stages = {
            "input": points_of[number]["activation"],
            "right": points_of[number + 1]["preactivation"],
            "full": points_of[number + 1]["activation"],
        }
        for stage, of_stage in stages.items():
            metrics = collapse.measure(of_stage, MANY)
            measured = (metrics.nc1, metrics.nc2, metrics.trace_within, metrics.trace_between)
            assert measured == pytest.approx(reference[stage][:4], rel=1e-8)
