"""AGOP, neural feature matrix and collapse at each layer, against jacrev and explicit matrices."""

import math

import numpy as np
import oracle
import papers
import pytest
import torch
from agop_collapse.metrics import ansatz
from agop_collapse.metrics.factored import agop_factors
from agop_collapse.metrics.head import HeadLayer, measure_head
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.activations import linear, relu
from agop_collapse.networks.activations.activation import Activation
from clouds import SEEDS, cloud
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import leaky_relu

COUNTS = [5, 2, 4]


def network_of(weights: list[Tensor], activation=relu.activation) -> networks.Network:
    """A network with these weights: of five hidden layers, and of the readout."""
    first, readout = weights[0], weights[-1]
    network = networks.Network(
        torch.nn.Identity(), first.shape[1], first.shape[0], readout.shape[0], activation
    )
    for layer, weight in zip([*network.hidden, network.readout], weights, strict=True):
        layer.weight = torch.nn.Parameter(weight, requires_grad=False)
    return network


def random_weights(seed: int, d: int, width: int, classes: int = 3) -> list[Tensor]:
    random = np.random.default_rng(seed)
    shapes = [(width, d), *[(width, width)] * 4, (classes, width)]
    return [torch.tensor(random.normal(size=shape) * math.sqrt(2 / shape[1])) for shape in shapes]


def square(factor: Tensor) -> np.ndarray:
    return (factor.T @ factor).numpy()


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.flatten(), b.flatten())[0, 1])


def off_diagonal(matrix: np.ndarray) -> np.ndarray:
    return matrix[~np.eye(len(matrix), dtype=bool)]


# Fewer features than units, as many, more; and points enough for several batches.
@pytest.fixture(params=[(4, 9), (8, 8), (15, 6)], ids=str)
def measured(request) -> tuple[list[Tensor], Tensor, list[HeadLayer]]:
    d, width = request.param
    weights, x = random_weights(0, d, width), cloud(1, COUNTS, d).x
    return weights, x, measure_head(network_of(weights), x, COUNTS, at_a_time=4)


def test_agop_of_each_layer_is_jacrevs(measured):
    weights, x, layers = measured
    assert len(layers) == 5
    for number, layer in enumerate(layers, start=1):
        expected = oracle.network_agop(weights, x, number)
        found = square(layer.agop_factor)
        assert np.linalg.norm(expected) > 0.01
        assert np.linalg.norm(found - expected) < 1e-12 * np.linalg.norm(expected)
        assert torch.equal(layer.weight, weights[number - 1])


ACTIVATIONS = {
    "linear": (linear.activation, lambda x: x),
    "tanh": (Activation(torch.tanh, lambda x: 1 - torch.tanh(x) ** 2), torch.tanh),
    "leaky": (
        Activation(leaky_relu, lambda x: 0.01 + 0.99 * (x > 0).to(x.dtype)),
        leaky_relu,
    ),
}


@pytest.mark.parametrize(("activation", "function"), ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize(("d", "width"), [(4, 9), (8, 8), (15, 6)])
def test_agop_of_any_activation_is_jacrevs(activation, function, d, width):
    weights, x = random_weights(0, d, width), cloud(1, COUNTS, d).x
    layers = measure_head(network_of(weights, activation), x, COUNTS, at_a_time=4)
    for number, layer in enumerate(layers, start=1):
        expected = oracle.network_agop(weights, x, number, function)
        found = square(layer.agop_factor)
        assert np.linalg.norm(found - expected) < 1e-12 * np.linalg.norm(expected)


@given(seed=SEEDS, d=st.integers(1, 9), width=st.integers(2, 9), classes=st.integers(1, 4))
def test_agop_of_a_linear_network_is_that_of_its_one_matrix(seed, d, width, classes):
    """J = W_6 ... W_l at every point."""
    weights = random_weights(seed, d, width, classes)
    x = cloud(seed, COUNTS, d).x
    layers = measure_head(network_of(weights, linear.activation), x, COUNTS)
    for number, layer in enumerate(layers):
        jacobian = np.linalg.multi_dot([weight.numpy() for weight in weights[number:][::-1]])
        expected = jacobian.T @ jacobian
        error = np.linalg.norm(square(layer.agop_factor) - expected)
        assert error < 1e-10 * np.linalg.norm(expected)


def test_its_root_is_positive_and_squares_to_it(measured):
    weights, x, layers = measured
    for number, layer in enumerate(layers, start=1):
        agop, root = oracle.network_agop(weights, x, number), square(layer.root_factor)
        expected = oracle.root_of(agop)
        assert np.linalg.norm(root @ root - agop) < 1e-8 * np.linalg.norm(agop)
        assert np.linalg.norm(root - expected) < 1e-7 * np.linalg.norm(expected)


@given(seed=SEEDS, w=st.integers(1, 9), d=st.integers(1, 9), decay=st.sampled_from([1, 0.1, 1e-4]))
def test_factors_are_of_the_agop_and_of_its_root(seed, w, d, decay):
    """Also where eigenvalues fall by orders of magnitude, as a trained network's do."""
    random = np.random.default_rng(seed)
    weight = random.normal(size=(w, d)) * decay ** np.arange(w)[:, None]
    half = random.normal(size=(w, w))
    gram = half @ half.T
    agop_factor, root_factor = agop_factors(torch.tensor(weight), torch.tensor(gram))
    agop = weight.T @ gram @ weight
    root = oracle.root_of(agop)
    assert agop_factor.shape == root_factor.shape == (min(w, d), d)
    assert np.linalg.norm(square(agop_factor) - agop) < 1e-13 * np.linalg.norm(agop)
    assert np.linalg.norm(square(root_factor) - root) < 1e-7 * np.linalg.norm(root)


def test_a_dead_network_has_agop_zero():
    weights = random_weights(2, 4, 5)
    weights[2] = torch.zeros(5, 5, dtype=torch.float64)
    layers = measure_head(network_of(weights), cloud(3, COUNTS, 4).x, COUNTS)
    assert all((layer.agop_factor == 0).all() for layer in layers[:2])
    assert all((layer.root_factor == 0).all() for layer in layers[:2])
    assert all(math.isnan(ansatz.nfa(layer)) for layer in layers[:2])


# --- correlations -----------------------------------------------------------------------------


@given(seed=SEEDS, w=st.integers(1, 6), v=st.integers(1, 6), d=st.integers(3, 8))
def test_correlation_of_grams_is_numpys(seed, w, v, d):
    random = np.random.default_rng(seed)
    f, g = (torch.tensor(random.normal(size=(rows, d))) for rows in (w, v))
    explicit = square(f), square(g)
    found = ansatz.pearson_of_grams(f, g)
    assert found == pytest.approx(correlation(*explicit), abs=1e-9)
    assert abs(found) <= 1 + 1e-12
    expected = correlation(*map(off_diagonal, explicit))
    assert ansatz.pearson_of_grams(f, g, diagonal=False) == pytest.approx(expected, abs=1e-9)
    # Neither the scale of a matrix counts, nor which factor it is given by.
    again = ansatz.pearson_of_grams(3 * f.flip(0), torch.cat([g, g]))
    assert again == pytest.approx(found, abs=1e-9)


@given(seed=SEEDS, w=st.integers(1, 6), d=st.integers(1, 6), value=st.floats(0.01, 10))
@example(seed=0, w=3, d=1, value=0.1)
def test_constants_have_no_correlation(seed, w, d, value):
    other = torch.tensor(np.random.default_rng(seed).normal(size=(w, d)))
    constant = torch.full((w, d), value, dtype=torch.float64)
    for pair in ((constant, other), (other, constant)):
        assert math.isnan(ansatz.pearson_of_grams(*pair))
        assert math.isnan(ansatz.pearson_of_grams(*pair, diagonal=False))


@given(seed=SEEDS, w=st.integers(1, 6))
def test_one_entry_off_the_diagonal_is_a_constant(seed, w):
    random = np.random.default_rng(seed)
    f, g = (torch.tensor(random.normal(size=(w, 2))) for _ in range(2))
    assert math.isnan(ansatz.pearson_of_grams(f, g, diagonal=False))


def test_nfa_is_the_correlation_of_explicit_matrices(measured):
    weights, x, layers = measured
    for number, layer in enumerate(layers, start=1):
        agop = oracle.network_agop(weights, x, number)
        root, matrix = oracle.root_of(agop), square(weights[number - 1])
        assert ansatz.nfa(layer) == pytest.approx(correlation(matrix, root), abs=1e-7)
        assert ansatz.nfa_agop(layer) == pytest.approx(correlation(matrix, agop), abs=1e-9)
        expected = correlation(off_diagonal(matrix), off_diagonal(root))
        assert ansatz.nfa_offdiagonal(layer) == pytest.approx(expected, abs=1e-7)
        for value in (ansatz.nfa(layer), ansatz.nfa_agop(layer), ansatz.nfa_offdiagonal(layer)):
            assert -1 <= value <= 1


def test_nfa_with_another_network(measured):
    weights, x, layers = measured
    d, width = x.shape[1], len(weights[0])
    others = measure_head(network_of(random_weights(7, d, width)), x, COUNTS)
    for weight, layer, other in zip(weights, layers, others, strict=False):
        expected = correlation(square(weight), square(other.root_factor))
        assert ansatz.nfa(layer, other) == pytest.approx(expected, abs=1e-9)
        assert ansatz.nfa(layer, other) != pytest.approx(ansatz.nfa(layer), abs=1e-3)


@pytest.mark.parametrize(("d", "width"), [(4, 7), (6, 6), (11, 5)])
def test_nfa_is_one_where_the_ansatz_holds(d, width):
    """The readout is the transpose of the first layer, all between are the identity, and nothing
    is negative: then J = W_1^T W_1, the AGOP is its square, and AGOP^1/2 = W_1^T W_1."""
    random = np.random.default_rng(4)
    first = torch.tensor(random.uniform(0.1, 1, size=(width, d)))
    identity = torch.eye(width, dtype=torch.float64)
    weights = [first, identity, identity, identity, identity, first.T]
    x = torch.tensor(random.uniform(size=(11, d)))
    layers = measure_head(network_of(weights), x, COUNTS)
    assert ansatz.nfa(layers[0]) == pytest.approx(1, abs=1e-9)
    assert ansatz.nfa_offdiagonal(layers[0]) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(square(layers[0].root_factor), square(first), rtol=0, atol=1e-7)
    assert ansatz.nfa_agop(layers[0]) < 0.9999
    outer = (first @ first.T).numpy()
    for layer in layers[1:]:
        np.testing.assert_allclose(square(layer.agop_factor), outer, rtol=1e-10)
        expected = correlation(np.eye(width), oracle.root_of(outer))
        assert ansatz.nfa(layer) == pytest.approx(expected, abs=1e-7)


def test_a_backbone_is_measured_in_evaluation_mode():
    """Batch statistics would depend on the batches, and change the running ones."""
    network = networks.Network(torch.nn.BatchNorm1d(4), 4, 5, 3, relu.activation)
    network.backbone.running_mean += 0.3
    x = cloud(6, COUNTS, 4).x.float()
    before = network.state_dict()["backbone.running_mean"].clone()
    network.train()
    layers = measure_head(network, x, COUNTS)
    assert torch.equal(network.state_dict()["backbone.running_mean"], before)
    features = (x.double() - 0.3) / math.sqrt(1 + 1e-5)
    weights = [layer.weight.detach().double() for layer in (*network.hidden, network.readout)]
    expected = oracle.network_agop(weights, features, 1)
    error = np.linalg.norm(square(layers[0].agop_factor) - expected)
    assert error < 1e-5 * np.linalg.norm(expected)
    network.train()
    again = measure_head(network, x, COUNTS, at_a_time=3)
    torch.testing.assert_close(again[0].agop_factor, layers[0].agop_factor)


def test_measuring_leaves_a_network_as_it_was():
    network = networks.build(papers.mlp(6, 1.0), (1, 2, 2), 3, 0)
    before = [parameter.clone() for parameter in network.parameters()]
    x = cloud(5, COUNTS, 4).x.float()
    layers = measure_head(network, x, COUNTS)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert {layer.agop_factor.dtype for layer in layers} == {torch.float64}
    assert not any(layer.root_factor.requires_grad for layer in layers)
    # Jacobians in float32, as the network is; their sums in float64.
    weights = [parameter.detach().double() for parameter in before]
    expected = oracle.network_agop(weights, x.double(), 1)
    assert np.linalg.norm(square(layers[0].agop_factor) - expected) < 4e-7 * np.linalg.norm(
        expected
    )
