"""Activations: their formulas, and their derivatives by autograd."""

import math

import pytest
import torch
from agop_collapse.networks.activations import gelu, leaky_relu, linear, relu, silu, tanh
from clouds import SEEDS
from hypothesis import given

MODULES = (relu, linear, leaky_relu, tanh, gelu, silu)
ACTIVATIONS = {module.__name__.rpartition(".")[2]: module.activation for module in MODULES}
POINTS = torch.tensor([[-2.0, -0.0, 0.0], [0.25, 0.5, 7.0]])


def test_relu_is_its_formula():
    assert relu.activation.function(POINTS.clone()).tolist() == [[0, 0, 0], [0.25, 0.5, 7]]
    assert relu.activation.derivative(POINTS).tolist() == [[False] * 3, [True] * 3]


def test_linear_is_its_formula():
    assert torch.equal(linear.activation.function(POINTS.clone()), POINTS)
    assert linear.activation.derivative(POINTS).tolist() == [[True] * 3] * 2


def test_the_others_are_their_formulas():
    def normal(x: float) -> float:
        return (1 + math.erf(x / math.sqrt(2))) / 2

    formulas = {
        "leaky_relu": lambda x: x if x > 0 else x / 100,
        "tanh": lambda x: 1 - 2 / (math.exp(2 * x) + 1),
        "gelu": lambda x: x * normal(x),
        "silu": lambda x: x / (1 + math.exp(-x)),
    }
    assert set(formulas) == set(ACTIVATIONS) - {"relu", "linear"}
    for name, formula in formulas.items():
        found = ACTIVATIONS[name].function(POINTS.double()).flatten().tolist()
        expected = [formula(x) for x in POINTS.flatten().tolist()]
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@given(seed=SEEDS)
def test_derivatives_are_autograds(activation, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    before = x.detach().clone()
    slope = activation.derivative(x)
    # A number in place, as a layer's output is: not a leaf.
    (expected,) = torch.autograd.grad(activation.function(x * 1).sum(), x)
    torch.testing.assert_close(slope.double(), expected, rtol=1e-12, atol=1e-14)
    assert torch.equal(x, before)
    assert slope.shape == x.shape
    zero_or_one = activation in (relu.activation, linear.activation)
    assert slope.dtype == (torch.bool if zero_or_one else x.dtype)
