"""FACT and eNFA: table B of measures.md, their definitions by autograd, and where FACT is exact."""

import math

import numpy as np
import pytest
import torch
from agop_collapse.metrics import fact
from agop_collapse.metrics.head import measure_head
from agop_collapse.networks.activations import linear
from agop_collapse.networks.activations.activation import Activation
from agop_collapse.networks.losses import mse
from chains import COUNTS, HALF_SQUARES, TANH, chain, cosine, normal, pearson, power_of, targets
from clouds import cloud


def test_fact_of_table_b(table_b):
    found = fact.measure(table_b, 0.1)
    assert fact.fact(table_b, 0.1).trace() == pytest.approx(-23.48449488, rel=1e-8)
    assert found.fact == pytest.approx(-0.4468446012, rel=1e-8)
    assert found.fact_residual == pytest.approx(7.856943967, rel=1e-8)
    assert found.fact_root == pytest.approx(0.7496907116, rel=1e-8)
    assert found.bfact == pytest.approx(-0.4183547324, rel=1e-8)
    assert found.enfa == pytest.approx(0.7522199799, rel=1e-8)


@pytest.mark.parametrize("decay", [0.003, 2.0])
def test_fact_is_its_definition(both, decay):
    layers, literal, _ = both
    for layer, truth in zip(layers, literal, strict=False):
        count = len(truth.inputs)
        w, n = truth.weight, truth.weight.T @ truth.weight
        pairs = list(zip(truth.deltas, truth.inputs, strict=True))
        forward = sum(torch.outer(w.T @ delta, h) for delta, h in pairs) / (-count * decay)
        backward = sum(torch.outer(w @ h, delta) for delta, h in pairs) / (-count * decay)
        enfa = sum(torch.outer(g, g) for g in truth.loss_gradients) / count
        found = fact.measure(layer, decay)
        assert found.fact == pytest.approx(pearson(n, forward), abs=1e-9)
        # N is symmetric: FACT^T says the same.
        assert found.fact == pytest.approx(pearson(n, forward.T), abs=1e-9)
        root = power_of((forward @ forward.T).numpy(), 0.5)
        assert found.fact_root == pytest.approx(pearson(n, root), abs=1e-6)
        assert found.bfact == pytest.approx(pearson(w @ w.T, backward), abs=1e-9)
        expected = np.linalg.norm(n - forward) / np.linalg.norm(n)
        assert found.fact_residual == pytest.approx(expected, rel=1e-9)
        expected = np.linalg.norm(w @ w.T - backward) / np.linalg.norm(w @ w.T)
        assert found.bfact_residual == pytest.approx(expected, rel=1e-9)
        assert found.enfa == pytest.approx(pearson(n, enfa), abs=1e-9)
        assert found.enfa_cosine == pytest.approx(cosine(n, enfa), abs=1e-9)
        assert fact.fact(layer, decay).norm() == pytest.approx(float(forward.norm()))


def test_gradients_of_the_loss_are_autograds():
    """Of weights, on the loss of all points at once, in several batches; the passes in float32."""
    weights = [
        normal(seed, *shape).float() / 3 for seed, shape in enumerate([(9, 6)] + [(9, 9)] * 4)
    ]
    network, x = chain([*weights, normal(9, 3, 9).float()]), cloud(1, COUNTS, 6).x.float()
    mse.loss.value(network(x), targets(COUNTS).float()).backward()
    for layer, module in zip(
        measure_head(network, x, COUNTS, at_a_time=3, loss=mse.loss), network.hidden, strict=True
    ):
        assert layer.loss.by_weight.dtype == torch.float64
        torch.testing.assert_close(layer.loss.by_weight.float(), module.weight.grad)


# --- where FACT is exact ----------------------------------------------------------------------


def test_fact_is_exact_at_a_critical_point_of_a_linear_layer():
    """Table B: ridge regression, as the first of two maps of which the second is the identity."""
    x, y, decay = normal(0, 6, 4), targets([2, 2, 2]), 0.1
    identity = torch.eye(4, dtype=torch.float64)
    weight = (torch.linalg.inv(x.T @ x + 6 * decay * identity) @ x.T @ y).T
    network = chain([weight, torch.eye(3, dtype=torch.float64)], linear.activation)
    (layer,) = measure_head(network, x, [2, 2, 2], loss=HALF_SQUARES)
    assert float(weight.square().sum()) == pytest.approx(3.385178964, rel=1e-8)
    assert fact.fact(layer, decay).trace() == pytest.approx(3.385178964, rel=1e-8)
    found = fact.measure(layer, decay)
    assert found.fact == pytest.approx(1, abs=1e-12)
    assert found.fact_root == pytest.approx(1, abs=1e-9)
    assert found.bfact == pytest.approx(1, abs=1e-12)
    assert found.fact_residual < 1e-12
    assert found.bfact_residual < 1e-12


def trained(activation: Activation, decay: float):
    """A deep network at a critical point, by descent with torch's own weight decay."""
    weights = [normal(seed, *shape) / 2 for seed, shape in enumerate([(5, 4), (5, 5), (3, 5)])]
    network, x, y = chain(weights, activation), cloud(2, COUNTS, 4).x, targets(COUNTS)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=decay)
    for _ in range(2000):
        optimizer.zero_grad()
        mse.loss.value(network(x), y).backward()
        optimizer.step()
    return network, x


@pytest.mark.parametrize("activation", [linear.activation, TANH], ids=["linear", "tanh"])
def test_fact_is_exact_where_training_with_weight_decay_ends(activation):
    network, x = trained(activation, 0.05)
    for layer in measure_head(network, x, COUNTS, loss=mse.loss):
        assert layer.weight.norm() > 0.1
        found = fact.measure(layer, 0.05)
        assert found.fact == pytest.approx(1, abs=1e-6)
        assert found.fact_residual < 1e-4
        assert found.bfact_residual < 1e-4
        # Not with another weight decay.
        assert fact.measure(layer, 0.1).fact_residual == pytest.approx(0.5, abs=1e-3)


def test_no_weight_decay_no_fact():
    (layer,) = measure_head(
        chain([normal(0, 5, 4), normal(1, 3, 5)]), cloud(0, COUNTS, 4).x, COUNTS, loss=mse.loss
    )
    found = fact.measure(layer, 0)
    undefined = (found.fact, found.fact_residual, found.fact_root, found.bfact)
    assert all(map(math.isnan, undefined))
    assert math.isnan(found.bfact_residual)
    assert math.isfinite(found.enfa)


def test_fact_needs_a_loss():
    network, x = chain([normal(0, 5, 4), normal(1, 3, 5)]), cloud(0, COUNTS, 4).x
    (layer,) = measure_head(network, x, COUNTS)
    assert layer.loss is None
    with pytest.raises(ValueError, match="need the gradients of a loss"):
        fact.measure(layer, 0.1)
    with pytest.raises(ValueError, match=r"outputs \(11, 3\) for targets \(11, 2\)"):
        measure_head(network, x, [5, 6], loss=mse.loss)
