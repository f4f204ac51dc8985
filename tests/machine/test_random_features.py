"""Random features: their formulas, the laws of their weights, and the kernels they stand for."""

import math

import numpy as np
import oracle
import pytest
import scipy.stats
import torch
from agop_collapse.common.seeding import generator
from agop_collapse.machine.random_features import (
    FeatureMap,
    fourier_features,
    linear_features,
    relu_features,
)
from clouds import SEEDS, cloud
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor


def drawn(feature_map: str, d: int, width: int, seed: int = 0, dist: str = "gaussian"):
    source = generator(seed, "feature map", 1)
    if feature_map == "relu":
        return relu_features(d, width, dist, source)
    if feature_map == "relu with bias":
        return relu_features(d, width, dist, source, bias=0.7)
    if feature_map == "linear":
        return linear_features(d, width, dist, source)
    return fourier_features(d, width, 0.3, source)


@pytest.mark.parametrize("feature_map", ["relu", "relu with bias", "cos", "linear"])
@given(seed=SEEDS, n=st.integers(1, 8), d=st.integers(1, 6), width=st.integers(1, 9))
def test_features_are_their_formula(feature_map, seed, n, d, width):
    features = drawn(feature_map, d, width, seed)
    x = cloud(seed, [n], d).x
    bias = None if features.bias is None else features.bias.numpy()
    expected = oracle.features(features.kind, x.numpy(), features.weight.numpy(), bias)
    # A cosine errs by the rounding of its argument, which Cauchy draws can make large.
    size = 1 + float((x.abs() @ features.weight.T.abs()).max())
    np.testing.assert_allclose(features(x), expected, rtol=1e-12, atol=1e-14 * size)


def test_features_leave_their_points_alone():
    x = cloud(0, [5], 3).x
    before = x.clone()
    drawn("cos", 3, 7)(x)
    drawn("relu", 3, 7)(x)
    assert torch.equal(x, before)


def test_a_bias_draws_the_same_weights_and_linear_features_are_relus_without_it():
    plain, biased = drawn("relu", 5, 9), drawn("relu with bias", 5, 9)
    assert plain.bias is None
    assert torch.equal(biased.weight, plain.weight)
    linear, x = drawn("linear", 5, 9), cloud(0, [6], 5).x
    assert torch.equal(linear.weight, plain.weight)
    assert torch.equal(linear(x).relu(), plain(x))
    assert (linear(x) < 0).any()


@pytest.mark.parametrize("dist", ["uniform", "gaussian"])
def test_a_bias_is_drawn_as_a_weight_of_the_coordinate_that_points_share(dist):
    source = generator(0, "feature map", 1)
    bias = relu_features(16, 5000, dist, source, bias=0.6).bias
    law = {"uniform": scipy.stats.uniform(-0.15, 0.3), "gaussian": scipy.stats.norm(0, 0.15)}[dist]
    assert bias.shape == (5000,)
    assert p_value(bias, law) > 1e-3
    assert p_value(bias * 1.1, law) < 1e-3


def p_value(draws: Tensor, law) -> float:
    return scipy.stats.kstest(draws.flatten().numpy(), law.cdf).pvalue


def test_uniform_weights():
    weight = drawn("relu", 16, 5000, dist="uniform").weight
    assert weight.shape == (5000, 16)
    assert weight.dtype == torch.float64
    assert weight.abs().max() <= 0.25
    assert weight.abs().max() > 0.2499
    assert p_value(weight, scipy.stats.uniform(-0.25, 0.5)) > 1e-3
    assert p_value(weight * 1.02, scipy.stats.uniform(-0.25, 0.5)) < 1e-3


def test_gaussian_weights():
    weight = drawn("relu", 16, 5000).weight
    assert p_value(weight, scipy.stats.norm(0, 0.25)) > 1e-3
    assert p_value(weight, scipy.stats.norm(0, 0.26)) < 1e-3


def test_fourier_frequencies_and_phases():
    features = drawn("cos", 16, 5000)
    assert features.weight.shape == (5000, 16)
    assert p_value(features.weight, scipy.stats.cauchy(0, 0.3)) > 1e-3
    assert p_value(features.weight, scipy.stats.cauchy(0, 0.32)) < 1e-3
    assert p_value(features.bias, scipy.stats.uniform(0, 2 * math.pi)) > 1e-3
    assert (features.bias >= 0).all()
    assert (features.bias < 2 * math.pi).all()


def test_unknown_distribution():
    with pytest.raises(ValueError, match="'cauchy'.*uniform, gaussian"):
        relu_features(2, 3, "cauchy", generator(0))


def test_draws_belong_to_seed_and_purpose_and_leave_the_global_generator():
    before = torch.get_rng_state()
    for feature_map in ("relu", "cos"):
        one, same = drawn(feature_map, 3, 4, 1), drawn(feature_map, 3, 4, 1)
        assert torch.equal(one.weight, same.weight)
        assert not torch.equal(one.weight, drawn(feature_map, 3, 4, 2).weight)
    assert torch.equal(one.bias, same.bias)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_precision_is_the_same_map():
    for feature_map in ("relu", "cos"):
        features = drawn(feature_map, 5, 7)
        single = features.to(torch.device("cpu"), torch.float32)
        x = cloud(2, [6], 5).x
        assert single(x.float()).dtype == torch.float32
        torch.testing.assert_close(single(x.float()).double(), features(x), rtol=1e-4, atol=1e-5)
        assert torch.equal(single.weight, features.weight.float())


# --- the kernels they stand for ---------------------------------------------------------------


def pair_at(r: float, d: int) -> Tensor:
    """Two unit vectors with inner product r."""
    pair = torch.zeros(2, d, dtype=torch.float64)
    pair[0, 0] = 1
    pair[1, 0], pair[1, 1] = r, math.sqrt(1 - r**2)
    return pair


def standard_errors(products: Tensor, expected: float) -> float:
    mean, sd = float(products.mean()), float(products.std())
    return (mean - expected) / (sd / math.sqrt(len(products)))


@pytest.mark.parametrize("r", [-1, -0.9, -0.5, 0, 0.3, 0.7, 0.9, 0.99, 1])
def test_relu_features_have_the_kernel_of_proposition_a1(r):
    """E relu(Wx).relu(Wy) = (sin t + (pi - t) cos t) / pi for W of N(0, 2/D), t = arccos r."""
    d, width = 10, 100_000
    features = drawn("relu", d, width)(pair_at(r, d))
    # Weights of variance 2/D, not 1/d: each of the D terms is larger by 2 d / D.
    products = features[0] * features[1] * 2 * d
    angle = math.acos(r)
    expected = (math.sin(angle) + (math.pi - angle) * r) / math.pi
    if r == -1:
        assert expected == pytest.approx(0, abs=1e-15)
        assert (products == 0).all()
    else:
        assert abs(standard_errors(products, expected)) < 3
        assert abs(standard_errors(products, expected + 0.03)) > 3


@pytest.mark.parametrize(("r", "bias"), [(-0.5, 0.5), (0.3, 2.0), (1, 0.7)])
def test_relu_features_with_bias_have_that_kernel_of_longer_points(r, bias):
    """Of (x, bias) and (y, bias), by Proposition A.1 and homogeneity."""
    d, width = 10, 100_000
    source = generator(0, "feature map", 1)
    features = relu_features(d, width, "gaussian", source, bias)(pair_at(r, d))
    products = features[0] * features[1] * 2 * d
    angle = math.acos((r + bias**2) / (1 + bias**2))
    expected = (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi * (1 + bias**2)
    assert abs(standard_errors(products, expected)) < 3
    without = math.acos(r)
    other = (math.sin(without) + (math.pi - without) * r) / math.pi
    assert abs(standard_errors(products, other)) > 3


@pytest.mark.parametrize(("dist", "variance"), [("uniform", 1 / 30), ("gaussian", 1 / 10)])
def test_linear_features_keep_inner_products(dist, variance):
    features = drawn("linear", 10, 100_000, dist=dist)(pair_at(0.3, 10))
    products = features[0] * features[1] / variance
    assert abs(standard_errors(products, 0.3)) < 3
    assert abs(standard_errors(products, 0.33)) > 3


@pytest.mark.parametrize("gamma", [0.05, 0.5])
def test_fourier_features_have_the_l1_laplacian_kernel(gamma):
    d, width = 4, 100_000
    source = generator(1, "feature map", 1)
    x = cloud(3, [4], d).x
    features = fourier_features(d, width, gamma, source)(x)
    assert features.shape == (4, width)
    for i in range(4):
        for j in range(i + 1):
            expected = math.exp(-gamma * float((x[i] - x[j]).abs().sum()))
            products = features[i] * features[j] * width
            assert abs(standard_errors(products, expected)) < 3.5
            gram = float(features[i] @ features[j])
            assert gram == pytest.approx(expected, abs=0.02)


def test_the_map_is_what_its_weights_say():
    """relu(2 * 1 - 1 * 3) = 0 and relu(-2 + 4 * 3) = 10; sqrt(2) cos(pi) on one feature."""
    relu = FeatureMap("relu", torch.tensor([[2.0, -1.0], [-2.0, 4.0]]))
    assert relu(torch.tensor([[1.0, 3.0]])).tolist() == [[0, 10]]
    cos = FeatureMap("cos", torch.tensor([[math.pi, 0.0]]), torch.tensor([0.0]))
    torch.testing.assert_close(cos(torch.tensor([[1.0, 9.0]])), torch.tensor([[-math.sqrt(2)]]))
