"""Activations: their formulas, and their derivatives by autograd."""

import pytest
import torch
from agop_collapse.networks.activations import linear, relu
from clouds import SEEDS
from hypothesis import given

ACTIVATIONS = {"relu": relu.activation, "linear": linear.activation}
POINTS = torch.tensor([[-2.0, -0.0, 0.0], [0.25, 0.5, 7.0]])


def test_relu_is_its_formula():
    assert relu.activation.function(POINTS.clone()).tolist() == [[0, 0, 0], [0.25, 0.5, 7]]
    assert relu.activation.derivative(POINTS).tolist() == [[False] * 3, [True] * 3]


def test_linear_is_its_formula():
    assert torch.equal(linear.activation.function(POINTS.clone()), POINTS)
    assert linear.activation.derivative(POINTS).tolist() == [[True] * 3] * 2


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@given(seed=SEEDS)
def test_derivatives_are_autograds(activation, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    before = x.detach().clone()
    slope = activation.derivative(x)
    # A number in place, as a layer's output is: not a leaf.
    (expected,) = torch.autograd.grad(activation.function(x * 1).sum(), x)
    assert torch.equal(slope.double(), expected)
    assert torch.equal(x, before)
    assert (slope.shape, slope.dtype) == (x.shape, torch.bool)
