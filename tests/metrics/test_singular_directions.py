"""What small singular directions carry and erase, against projections and covariance matrices."""

import math

import numpy as np
import oracle
import pytest
import torch
from agop_collapse.metrics import collapse
from agop_collapse.metrics.head import measure_head
from agop_collapse.metrics.singular_directions import (
    erased,
    measure_spectra,
    nc1_of_factor,
    small_directions,
)
from chains import COUNTS, TANH, chain, normal
from clouds import SEEDS, cloud, rotation
from hypothesis import example, given
from hypothesis import strategies as st


def literal_shares(weight, x, counts, kept):
    """By the projections themselves, and NC1 of the projected points."""
    _, _, right = np.linalg.svd(weight.numpy(), full_matrices=True)
    large = right[:kept].T @ right[:kept]
    small = np.eye(x.shape[1]) - large
    within, between = oracle.covariances(x.numpy(), counts)
    shares = [np.trace(small @ s @ small) / np.trace(s) for s in (within, between)]
    before = math.log(oracle.nc1(x.numpy(), counts))
    total = math.log(oracle.nc1((x @ weight.T).numpy(), counts)) - before
    erasing = math.log(oracle.nc1(x.numpy() @ large, counts)) - before
    return shares, erasing / total


@given(seed=SEEDS, w=st.integers(1, 7), d=st.integers(2, 7), share=st.floats(0, 1))
def test_shares_are_those_of_projections(seed, w, d, share):
    weight, x = normal(seed, w, d), cloud(seed, COUNTS, d).x
    kept = max(1, round(share * min(w, d)))
    found = erased(measure_spectra(weight, x, COUNTS), kept)
    (within, between), explained = literal_shares(weight, x, COUNTS, kept)
    assert found.kept == kept
    assert found.share_within == pytest.approx(within, abs=1e-9)
    assert found.share_between == pytest.approx(between, abs=1e-9)
    if not math.isnan(found.explained):
        assert found.explained == pytest.approx(explained, rel=1e-6, abs=1e-9)


@given(seed=SEEDS, w=st.integers(1, 7), d=st.integers(1, 7))
@example(seed=0, w=2, d=7)
def test_spectra_are_those_of_the_matrices(seed, w, d):
    weight, x = normal(seed, w, d), cloud(seed, COUNTS, d).x
    found = measure_spectra(weight, x, COUNTS)
    within, between = oracle.covariances(x.numpy(), COUNTS)
    _, values, right = np.linalg.svd(weight.numpy(), full_matrices=True)
    rows = min(w, d)
    for matrix, along, null in (
        (within, found.within, found.within_null),
        (between, found.between, found.between_null),
    ):
        each = np.array([v @ matrix @ v for v in right])
        np.testing.assert_allclose(along, each[:rows], atol=1e-12)
        assert null == pytest.approx(each[rows:].sum(), abs=1e-12)
    np.testing.assert_allclose(found.singular_values, values, atol=1e-12)
    covariance = np.cov(x.numpy().T, bias=True).reshape(d, d)
    expected = np.linalg.eigvalsh(covariance)[::-1][: len(x)]
    np.testing.assert_allclose(found.features, expected, atol=1e-12)
    # The formula of the module's heading.
    behind = oracle.nc1((x @ weight.T).numpy(), COUNTS)
    assert nc1_of_factor(found) == pytest.approx(behind, rel=1e-6)


def test_more_dimensions_than_points_have_as_many_eigenvalues_as_points():
    x = cloud(0, COUNTS, 30).x
    found = measure_spectra(normal(0, 4, 30), x, COUNTS).features
    expected = np.linalg.eigvalsh(np.cov(x.numpy().T, bias=True))[::-1]
    assert found.shape == (11,)
    np.testing.assert_allclose(found, expected[:11], atol=1e-12)


@given(seed=SEEDS, scale=st.floats(0.1, 10), shift=st.floats(-3, 3))
def test_scale_shift_and_rotations_change_no_share(seed, scale, shift):
    weight, x = normal(seed, 5, 6), cloud(seed, COUNTS, 6).x
    turn, left = rotation(seed, 6), rotation(seed + 1, 5)
    spectra = measure_spectra(weight, x, COUNTS)
    other = measure_spectra(left @ weight @ turn.T / scale, scale * x @ turn.T + shift, COUNTS)
    for one, same in zip(
        small_directions(spectra).values(), small_directions(other).values(), strict=True
    ):
        assert same.kept == one.kept
        assert same.share_within == pytest.approx(one.share_within, abs=1e-9)
        assert same.share_between == pytest.approx(one.share_between, abs=1e-9)
        assert same.explained == pytest.approx(one.explained, rel=1e-6, nan_ok=True)


def test_a_projection_explains_all_of_it():
    """Noise in one direction, classes in the other: W drops the noise and only turns the rest."""
    x = torch.tensor([[1.0, 3], [1, -3], [-1, 3], [-1.5, -3]], dtype=torch.float64)
    weight = torch.tensor([[2.0, 0], [0, 0.01]], dtype=torch.float64)
    found = small_directions(measure_spectra(weight, x, [2, 2]))["tenth"]
    assert found.kept == 1
    assert found.share_within > 0.99
    assert found.share_between == 0
    assert found.explained == pytest.approx(1, abs=0.01)
    wide = small_directions(measure_spectra(weight[:1], x, [2, 2]))["tenth"]
    assert wide.explained == pytest.approx(1, abs=1e-12)
    assert wide.share_within == pytest.approx(found.share_within)


def test_three_meanings_of_small():
    values = torch.tensor([4.0, 3, 1, 0.39], dtype=torch.float64)
    found = small_directions(measure_spectra(torch.diag(values), cloud(0, COUNTS, 4).x, COUNTS))
    squares = np.array([16, 9, 1, 0.39**2])
    assert found["tenth"].kept == 3
    assert found["effective_rank"].kept == round(squares.sum() ** 2 / (squares**2).sum()) == 2
    assert found["stable_rank"].kept == round(squares.sum() / 16) == 2


@pytest.mark.parametrize("w", [3, 5])
def test_where_nc1_does_not_change_nothing_is_explained(w):
    turned = measure_spectra(rotation(0, 5)[:w] * 3, cloud(0, COUNTS, 5).x, COUNTS)
    found = erased(turned, w)
    if w == 5:
        assert (found.share_within, found.share_between) == (0, 0)
        assert math.isnan(found.explained)
    else:
        assert found.explained == pytest.approx(1)


def test_dead_layers_and_collapsed_points():
    x = cloud(0, COUNTS, 4).x
    for found in small_directions(measure_spectra(torch.zeros(3, 4), x, COUNTS)).values():
        assert found.kept == 0
        assert (found.share_within, found.share_between) == (1, 1)
        assert math.isnan(found.explained)
    means = torch.eye(3, 4, dtype=torch.float64).repeat_interleave(torch.tensor(COUNTS), dim=0)
    found = erased(measure_spectra(normal(0, 3, 4), means, COUNTS), 2)
    assert math.isnan(found.share_within)
    assert math.isnan(found.explained)
    assert 0 < found.share_between < 1


def test_spectra_of_a_head_are_of_its_layers_inputs():
    weights, x = [normal(0, 6, 4), normal(1, 5, 6), normal(2, 3, 5)], cloud(0, COUNTS, 4).x
    layers = measure_head(chain(weights, TANH), x, COUNTS, spectra=True)
    points = x
    for layer, weight in zip(layers, weights, strict=False):
        expected = measure_spectra(weight, points, COUNTS)
        torch.testing.assert_close(layer.spectra.within, expected.within)
        torch.testing.assert_close(layer.spectra.features, expected.features)
        total = float(layer.spectra.within.sum()) + layer.spectra.within_null
        assert total == pytest.approx(collapse.measure(points, COUNTS).trace_within)
        points = torch.tanh(points @ weight.T)
    assert measure_head(chain(weights, TANH), x, COUNTS)[0].spectra is None
