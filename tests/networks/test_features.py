"""The points of a network's layers, against loops over layers written out."""

import dataclasses

import papers
import pytest
import torch
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.activations import gelu, linear, relu, tanh
from agop_collapse.networks.features import layer_points
from clouds import cloud

FUNCTIONS = {
    relu.activation: torch.relu,
    linear.activation: lambda x: x,
    tanh.activation: torch.tanh,
    gelu.activation: torch.nn.functional.gelu,
}


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("biases", [False, True])
def test_points_are_those_of_the_formula(activation, biases):
    wanted = papers.mlp(7, 1.0, activation)
    wanted = dataclasses.replace(wanted, hidden_layers=2, biases=biases)
    network = networks.build(wanted, (1, 2, 3), 3, 0).double()
    x = cloud(0, [9], 6).x
    before = x.clone()
    found = list(layer_points(network, x, at_a_time=4))
    assert [set(layer) for layer in found] == [
        {"activation"},
        *[{"preactivation", "activation"}] * 2,
        {"preactivation"},
    ]
    points = x
    torch.testing.assert_close(found[0]["activation"], x)
    for number, layer in enumerate([*network.hidden, network.readout], start=1):
        points = points @ layer.weight.T + (layer.bias if biases else 0)
        torch.testing.assert_close(found[number]["preactivation"], points)
        if number < 3:
            points = FUNCTIONS[activation](points)
            torch.testing.assert_close(found[number]["activation"], points)
    torch.testing.assert_close(found[-1]["preactivation"], network(x))
    assert torch.equal(x, before)


def test_statistics_of_batches_rest():
    network = networks.Network(torch.nn.BatchNorm1d(4), 4, 5, 3, relu.activation).double()
    x = cloud(0, [9], 4).x
    whole, parts = (list(layer_points(network, x, at_a_time=size)) for size in (9, 2))
    for one, other in zip(whole, parts, strict=True):
        for name, points in one.items():
            torch.testing.assert_close(points, other[name])
    assert network.backbone.num_batches_tracked == 0


def test_no_points_have_no_features():
    network = networks.build(papers.mlp(7, 1.0), (1, 2, 3), 3, 0)
    assert [
        len(p) for layer in layer_points(network, torch.zeros(0, 6)) for p in layer.values()
    ] == ([0] * 12)
