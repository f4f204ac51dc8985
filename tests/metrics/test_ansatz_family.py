"""Variants of the ansatz, C-NFA, overlap, exponent: table B of measures.md, explicit matrices."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from agop_collapse.metrics import ansatz, fact, factored
from agop_collapse.metrics.head import measure_head
from agop_collapse.metrics.layer import Layer
from agop_collapse.networks.activations import linear
from agop_collapse.networks.losses import mse
from chains import COUNTS, TANH, chain, cosine, normal, pearson, power_of
from clouds import SEEDS, cloud, rotation
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

W1_0 = normal(3, 5, 4)


def by_name(layer: Layer, initial: Tensor | None = None) -> dict[tuple, ansatz.Variant]:
    found = ansatz.variants(layer, initial)
    return {(one.weights, one.jacobians, one.power): one for one in found}


# --- table B of measures.md -------------------------------------------------------------------


def test_variants_of_table_b(table_b):
    found = by_name(table_b, W1_0)
    (third,) = factored.pairs_with_powers(table_b.weight, table_b.agop, [1 / 3])
    half, one = found["whole", "plain", "half"], found["whole", "plain", "one"]
    expected = {
        9.478242298: float(table_b.agop.values.sum()),
        0.8469886920: half.pearson,
        0.7961802242: one.pearson,
        0.8593478062: third.pearson,
        0.8518908685: half.cosine,
        0.7663059159: one.cosine,
        0.8749184099: third.cosine,
        1.144006771: half.scale,
        0.5237193410: half.residual,
        2.737798530: float(table_b.agop_centred.values.sum()),
        0.9067112065: found["whole", "centred", "half"].pearson,
        0.3285991105: found["change", "plain", "half"].pearson,
    }
    for value, measured in expected.items():
        assert measured == pytest.approx(value, rel=1e-8)
    assert found["whole", "plain", "depth"].exponent == 1 / 2
    assert len(found) == 12


def test_family_of_table_b(table_b):
    found = ansatz.family(table_b, 2, W1_0)
    assert found.cnfa == pytest.approx(0.6688008015, rel=1e-8)
    assert found.cnfa_cosine == pytest.approx(0.6903722999, rel=1e-8)
    assert found.overlap == pytest.approx(0.5130185681, rel=1e-8)
    assert found.overlap_chance == 0.5
    assert found.fitted_exponent == pytest.approx(0.2337644707, rel=1e-8)
    expected = np.linalg.norm(table_b.weight - W1_0) / np.linalg.norm(table_b.weight)
    assert found.weight_change == pytest.approx(expected)


def balanced() -> list[Tensor]:
    """Three maps of table B with W_{i+1} W_{i+1}^T = W_i^T W_i up to what the next one turns."""
    q = [torch.linalg.qr(normal(seed, 4, 4))[0] for seed in range(4)]
    values = torch.diag(torch.tensor([2, 1.5, 1, 0.5], dtype=torch.float64))
    return [after @ values @ before.T for before, after in pairwise(q)]


def test_depth_is_the_power_of_a_balanced_linear_network():
    x = cloud(0, [3, 3, 3, 3], 4).x
    layers = measure_head(chain(balanced(), linear.activation), x, [3, 3, 3, 3])
    assert [layer.maps for layer in layers] == [3, 2]
    for layer in layers:
        depth = by_name(layer)["whole", "plain", "depth"]
        assert depth.exponent == 1 / layer.maps
        assert depth.pearson == pytest.approx(1, abs=1e-10)
        assert depth.scale == pytest.approx(1, rel=1e-10)
        assert ansatz.fitted_exponent(layer) == pytest.approx(1 / layer.maps, rel=1e-9)
        assert ansatz.overlap(layer, 2) == pytest.approx(1, abs=1e-12)
    first = by_name(layers[0])
    assert first["whole", "plain", "half"].pearson == pytest.approx(0.9840479510, rel=1e-8)
    assert first["whole", "plain", "one"].pearson == pytest.approx(0.8996173655, rel=1e-8)


# --- brute force ------------------------------------------------------------------------------


def test_variants_are_those_of_explicit_matrices(both):
    for layer, literal, initial in zip(*both, strict=False):
        found = by_name(layer, initial)
        assert len(found) == 12
        for (weights, jacobians, power), one in found.items():
            weight = literal.weight - initial if weights == "change" else literal.weight
            exponent = {"half": 0.5, "one": 1, "depth": 1 / layer.maps}[power]
            assert one.exponent == exponent
            n = (weight.T @ weight).numpy()
            b = power_of(literal.agop(jacobians == "centred"), exponent)
            close = {"abs": 1e-8}
            assert one.pearson == pytest.approx(pearson(n, b), **close)
            assert one.cosine == pytest.approx(cosine(n, b), **close)
            assert one.scale == pytest.approx((n * b).sum() / (b**2).sum(), rel=1e-8)
            best = np.linalg.norm(n - one.scale * b) / np.linalg.norm(n)
            assert one.residual == pytest.approx(best, **close)
        assert layer.agop_centred.values.sum() < 0.999 * layer.agop.values.sum()


def test_cnfa_is_that_of_explicit_matrices(both):
    for layer, literal, initial in zip(*both, strict=False):
        change = literal.weight - initial
        h = sum(j.T @ j for j in literal.by_z) / len(literal.by_z)
        n, b = change.T @ change, change.T @ h @ change
        found = ansatz.family(layer, 2, initial)
        assert found.cnfa == pytest.approx(pearson(n, b), abs=1e-8)
        assert found.cnfa_cosine == pytest.approx(cosine(n, b), abs=1e-8)


def test_overlap_and_exponent_are_those_of_explicit_matrices(both):
    for layer, literal, _ in zip(*both, strict=False):
        n, a = (literal.weight.T @ literal.weight).numpy(), literal.agop(False)
        values, vectors = np.linalg.eigh(a)
        _, ours = np.linalg.eigh(n)
        for k in (1, 2, 3):
            expected = np.linalg.norm(ours[:, -k:].T @ vectors[:, -k:]) ** 2 / k
            assert ansatz.overlap(layer, k) == pytest.approx(expected, abs=1e-7)
        kept = values > 1e-12 * values[-1]
        along = [v @ n @ v for v in vectors.T[kept]]
        expected = np.polyfit(np.log(values[kept]), np.log(along), 1)[0]
        assert ansatz.fitted_exponent(layer) == pytest.approx(expected, rel=1e-5)


# --- invariances ------------------------------------------------------------------------------


@given(seed=SEEDS, d=st.integers(3, 8), width=st.integers(3, 8), scale=st.floats(0.1, 10))
def test_scale_of_the_outputs_changes_no_correlation(seed, d, width, scale):
    weights = [normal(seed, width, d), normal(seed + 1, width, width), normal(seed + 2, 3, width)]
    x = cloud(seed, COUNTS, d).x
    layers = measure_head(chain(weights, TANH), x, COUNTS)
    scaled = measure_head(chain([*weights[:2], scale * weights[2]], TANH), x, COUNTS)
    for before, after in zip(layers, scaled, strict=True):
        for one, other in zip(ansatz.variants(before), ansatz.variants(after), strict=True):
            assert other.pearson == pytest.approx(one.pearson, abs=1e-6)
            assert other.cosine == pytest.approx(one.cosine, abs=1e-6)
            expected = one.scale * scale ** (-2 * one.exponent)
            assert other.scale == pytest.approx(expected, rel=1e-5)
        k = 2
        assert ansatz.overlap(after, k) == pytest.approx(ansatz.overlap(before, k), abs=1e-6)


@given(seed=SEEDS, d=st.integers(3, 8), width=st.integers(3, 8))
def test_turning_the_input_changes_no_cosine(seed, d, width):
    """The Pearson correlation is no such invariant: it knows the direction of all ones."""
    weights = [normal(seed, width, d), normal(seed + 1, 3, width)]
    turn, x = rotation(seed, d), cloud(seed, COUNTS, d).x
    (before,) = measure_head(chain(weights, TANH), x, COUNTS, loss=mse.loss)
    turned = chain([weights[0] @ turn.T, weights[1]], TANH)
    (after,) = measure_head(turned, x @ turn.T, COUNTS, loss=mse.loss)
    for one, other in zip(ansatz.variants(before), ansatz.variants(after), strict=True):
        assert other.cosine == pytest.approx(one.cosine, abs=1e-6)
        assert other.residual == pytest.approx(one.residual, abs=1e-4)
        assert -1e-12 <= one.cosine <= 1 + 1e-12
    assert ansatz.overlap(after, 2) == pytest.approx(ansatz.overlap(before, 2), abs=1e-6)
    own, same = fact.measure(before, 0.1), fact.measure(after, 0.1)
    assert same.fact_residual == pytest.approx(own.fact_residual, rel=1e-9)
    assert same.enfa_cosine == pytest.approx(own.enfa_cosine, abs=1e-9)


# --- edges ------------------------------------------------------------------------------------


def test_nothing_has_changed_at_the_initialisation():
    weights = [normal(0, 5, 4), normal(1, 3, 5)]
    (layer,) = measure_head(chain(weights), cloud(0, COUNTS, 4).x, COUNTS)
    for initial in (None, weights[0]):
        found = ansatz.family(layer, 3, initial)
        assert found.weight_change == 0
        assert math.isnan(found.cnfa)
        assert math.isnan(found.cnfa_cosine)
    changed = [one for one in ansatz.variants(layer, weights[0]) if one.weights == "change"]
    assert len(changed) == 6
    assert all(math.isnan(one.pearson) and math.isnan(one.cosine) for one in changed)
    assert all(math.isnan(one.residual) for one in changed)
    assert not any(one.weights == "change" for one in ansatz.variants(layer))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_centred_jacobians_of_a_linear_network_are_nothing(dtype):
    weights = [normal(0, 50, 20), normal(1, 50, 50), normal(2, 3, 50)]
    network = chain([weight.to(dtype) for weight in weights], linear.activation)
    layers = measure_head(network, cloud(0, [300, 200, 250], 20).x.to(dtype), [300, 200, 250])
    for layer in layers:
        assert (layer.agop_centred.values == 0).all()
        centred = [one for one in ansatz.variants(layer) if one.jacobians == "centred"]
        assert all(math.isnan(one.pearson) and math.isnan(one.scale) for one in centred)
        assert math.isfinite(ansatz.nfa(layer))


def layer_of(weight: Tensor, gram: Tensor) -> Layer:
    return Layer(weight, gram, torch.zeros_like(gram), torch.finfo(torch.float64).eps, None, None)


def test_ties_have_no_first_eigenvectors():
    identity = torch.eye(4, dtype=torch.float64)
    steps = torch.diag(torch.tensor([3.0, 2.0, 2.0, 1.0], dtype=torch.float64))
    apart = torch.diag(torch.tensor([4.0, 3.0, 2.0, 1.0], dtype=torch.float64))
    assert math.isnan(ansatz.overlap(layer_of(identity, apart), 2))
    layer = layer_of(apart, steps @ steps)
    assert ansatz.overlap(layer, 1) == pytest.approx(1)
    assert ansatz.overlap(layer, 2) == pytest.approx(1)
    assert ansatz.overlap(layer, 4) == pytest.approx(1)
    assert math.isnan(ansatz.overlap(layer, 5))
    tied = layer_of(apart, torch.linalg.inv(apart) @ steps @ torch.linalg.inv(apart))
    assert ansatz.overlap(tied, 1) == pytest.approx(1)
    assert math.isnan(ansatz.overlap(tied, 2))
    assert ansatz.overlap(tied, 3) == pytest.approx(1)


def test_directions_of_eigenvalue_zero_are_not_first():
    weight = torch.eye(2, 5, dtype=torch.float64) * torch.tensor([[2.0], [1.0]])
    layer = layer_of(weight, torch.eye(2, dtype=torch.float64))
    assert ansatz.overlap(layer, 2) == pytest.approx(1)
    assert math.isnan(ansatz.overlap(layer, 3))
    assert ansatz.family(layer, 2).overlap_chance == 0.4
    assert ansatz.family(layer, 9).overlap_chance == 1


def test_exponent_of_one_eigenvalue_is_nan():
    identity = torch.eye(3, dtype=torch.float64)
    assert math.isnan(ansatz.fitted_exponent(layer_of(identity, identity)))
    one = torch.diag(torch.tensor([1.0, 0, 0], dtype=torch.float64))
    assert math.isnan(ansatz.fitted_exponent(layer_of(identity, one)))
    assert math.isnan(ansatz.fitted_exponent(layer_of(identity, torch.zeros_like(identity))))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_is_not_raised_to_a_small_power(dtype):
    """AGOPs of a linear network of three outputs have three eigenvalues, also the first of many."""
    weights = [normal(0, 30, 20), *[normal(seed, 30, 30) for seed in range(1, 5)]]
    weights = [weight / math.sqrt(30) for weight in [*weights, normal(5, 3, 30)]]
    network = chain([weight.to(dtype) for weight in weights], linear.activation)
    layer = measure_head(network, cloud(0, COUNTS, 20).x.to(dtype), COUNTS)[0]
    product = torch.linalg.multi_dot(weights[::-1])
    # Of U S V^T the AGOP is V S^2 V^T.
    _, values, vectors = np.linalg.svd(product.numpy(), full_matrices=False)
    expected = (vectors.T * values ** (2 / 6)) @ vectors
    n = (weights[0].T @ weights[0]).numpy()
    depth = by_name(layer)["whole", "plain", "depth"]
    assert depth.pearson == pytest.approx(pearson(n, expected), abs=1e-5)
    assert depth.cosine == pytest.approx(cosine(n, expected), abs=1e-5)
    half, one = (by_name(layer)["whole", "plain", power].pearson for power in ("half", "one"))
    assert half == pytest.approx(ansatz.nfa(layer), abs=1e-12)
    assert one == pytest.approx(ansatz.nfa_agop(layer), abs=1e-12)


def test_depth_needs_a_chain():
    layer = layer_of(normal(0, 3, 4), torch.eye(3, dtype=torch.float64))
    assert {one.power for one in ansatz.variants(layer)} == {"half", "one"}


@pytest.mark.parametrize("dead", ["weight", "gram"])
def test_a_dead_layer_has_no_measure(dead):
    weight, gram = normal(0, 4, 3), torch.eye(4, dtype=torch.float64)
    layer = layer_of(weight * (dead != "weight"), gram * (dead != "gram"))
    assert all(math.isnan(one.pearson) and math.isnan(one.cosine) for one in ansatz.variants(layer))
    found = ansatz.family(layer, 2)
    assert math.isnan(found.overlap)
    assert math.isnan(found.weight_change) == (dead == "weight")
