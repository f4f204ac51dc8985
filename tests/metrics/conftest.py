"""Layers that the tests of several measures share."""

import math

import pytest
from agop_collapse.metrics.head import measure_head
from agop_collapse.metrics.layer import Layer
from agop_collapse.networks.losses import cross_entropy, mse
from chains import COUNTS, HALF_SQUARES, TANH, Literal, chain, normal, targets
from clouds import cloud
from torch import Tensor


@pytest.fixture(scope="module")
def table_b() -> Layer:
    """The layer W1 of table B."""
    weights = [normal(1, 5, 4), normal(2, 3, 5)]
    (layer,) = measure_head(chain(weights), normal(0, 6, 4), [2, 2, 2], loss=HALF_SQUARES)
    return layer


SHAPES = [(4, 7), (9, 5), (6, 6)]
LOSSES = {"mse": mse.loss, "cross_entropy": cross_entropy.loss}


@pytest.fixture(scope="module", params=[(*shape, name) for shape in SHAPES for name in LOSSES])
def both(request) -> tuple[list, list[Literal], list[Tensor]]:
    """Layers of a deep tanh network with biases, the same literally, and initial weights."""
    d, width, name = request.param
    shapes = [(width, d), (width + 1, width), (width, width + 1), (3, width)]
    weights = [normal(seed, *shape) / math.sqrt(shape[1]) for seed, shape in enumerate(shapes)]
    biases = [normal(10 + seed, shape[0]) / 2 for seed, shape in enumerate(shapes)]
    network, x = chain(weights, TANH, biases), cloud(1, COUNTS, d).x
    layers = measure_head(network, x, COUNTS, at_a_time=4, loss=LOSSES[name])
    literal = [Literal(network, x, targets(COUNTS), index, LOSSES[name]) for index in range(3)]
    initial = [weight + normal(20 + seed, *weight.shape) for seed, weight in enumerate(weights)]
    return layers, literal, initial
