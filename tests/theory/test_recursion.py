"""Theorem 5.3's recursion against a plain one, closed forms and measured values."""

import math

import pytest
import torch
from agop_collapse.theory import recursion
from hypothesis import given, settings
from hypothesis import strategies as st

K, N = 5, 20
# science: the floor of the error at lambda_map = 1 and lambda_k = 1e-2, ..., 1e-5.
SMALL = (1e-2, 1e-3, 1e-4, 1e-5)
FLOORS = {
    "paper": (0.814, 7.84e-2, 7.81e-3, 7.81e-4),
    "first_order": (1.36e-5, 1.36e-7, 1.36e-9, 1.36e-11),
}
positive = st.floats(1e-3, 3)


def run(lambda_k, lambda_map, kind, layers, seed=0):
    points = recursion.random_points(K * N, seed)
    scale = recursion.kappa(kind, lambda_k, lambda_map, N)
    return recursion.run(points, recursion.one_hot(K, N), lambda_k, lambda_map, scale, layers)


def test_recursion_is_the_plain_one():
    """By inverses of whole matrices, and centred means for NC1."""
    points, labels = recursion.random_points(12, 3), recursion.one_hot(3, 4)
    states = recursion.run(points, labels, 0.2, 0.7, 0.9, 4)
    gram = points @ points.T
    features = gram
    for state in states:
        assert state.error == pytest.approx(
            float(torch.linalg.svdvals(gram - labels @ labels.T)[0]), abs=1e-12
        )
        means = labels @ labels.T @ gram @ labels @ labels.T / 16  # of classes, for each point
        centre = torch.full((12, 12), 1 / 12, dtype=torch.float64)
        spread = means - centre @ gram @ centre
        expected = float((gram - means).trace() / spread.trace())
        assert state.nc1 == pytest.approx(expected, rel=1e-9)
        inverse = torch.linalg.inv(features + 0.2 * torch.eye(12, dtype=torch.float64))
        gram = features @ inverse @ labels @ labels.T @ inverse @ features / 0.9
        features = gram + 0.7 * torch.eye(12, dtype=torch.float64)


def test_linear_kernel_collapses_in_one_step():
    first, second, *_ = run(0.0, 1.0, "exact", 3)
    assert first.error > 1
    assert second.error < 1e-10
    assert second.nc1 < 1e-20


@pytest.mark.parametrize("kind", FLOORS)
def test_floors_are_the_measured_and_the_closed_ones(kind):
    found = [run(lambda_k, 1.0, kind, 12)[-1].error for lambda_k in SMALL]
    assert found == pytest.approx(FLOORS[kind], rel=5e-3)
    for lambda_k, floor in zip(SMALL, found, strict=True):
        scale = recursion.kappa(kind, lambda_k, 1.0, N)
        expected = N * abs(recursion.fixed_point(lambda_k, 1.0, N, scale) - 1)
        assert floor == pytest.approx(expected, rel=1e-3)
    wanted = {"paper": 1, "first_order": 2}[kind]
    assert recursion.slope(SMALL, found) == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize("lambda_map", [0.3, 1, 3])
@pytest.mark.parametrize("ratio", [1e-2, 0.1, 1])
def test_exact_kappa_converges_at_the_expected_rate(ratio, lambda_map):
    states = run(ratio * lambda_map, lambda_map, "exact", 50)
    assert states[-1].error < 1e-10
    expected = recursion.expected_rate(ratio * lambda_map, lambda_map, N)
    rate = recursion.measured_rate([state.error_rescaled for state in states])
    assert rate == pytest.approx(expected, rel=0.02)
    squared = recursion.measured_rate([state.nc1 for state in states], 1e-22)
    assert squared == pytest.approx(expected**2, rel=0.04)


def test_rate_of_a_wrong_kappa_is_about_its_own_fixed_point():
    scale = recursion.kappa("paper", 0.1, 1.0, N)
    states = run(0.1, 1.0, "paper", 30)
    g = recursion.fixed_point(0.1, 1.0, N, scale)
    rate = recursion.measured_rate([state.error_rescaled for state in states])
    assert rate == pytest.approx(recursion.expected_rate(0.1, 1.0, N, g), rel=0.01)
    assert states[-1].error_rescaled < 1e-12 < 1 < states[-1].error


@given(lambda_k=positive, lambda_map=positive, n=st.integers(8, 50))
def test_the_exact_kappa_has_the_collapsed_matrix_as_a_fixed_point(lambda_k, lambda_map, n):
    scale = recursion.kappa("exact", lambda_k, lambda_map, n)
    assert recursion.fixed_point(lambda_k, lambda_map, n, scale) == pytest.approx(1, abs=1e-9)
    first = recursion.kappa("first_order", lambda_k, lambda_map, n)
    assert 0 <= scale - first <= 3 * (lambda_k / (n + lambda_map)) ** 2 + 1e-12


@given(classes=st.integers(2, 5), n=st.integers(1, 8), lambda_map=st.floats(0.05, 10))
@settings(deadline=None)
def test_lemma_c2(classes, n, lambda_map):
    labels = recursion.one_hot(classes, n)
    collapsed = labels @ labels.T
    inverse = torch.linalg.inv(collapsed + lambda_map * torch.eye(len(labels)).double())
    lemma = recursion.inverse_at_collapse(classes, n, lambda_map)
    torch.testing.assert_close(lemma, inverse, rtol=0, atol=1e-11)
    # What the proof of Theorem 5.3 should have taken from it.
    torch.testing.assert_close(collapsed @ lemma, collapsed / (n + lambda_map))


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="unknown kappa 'other'; known: paper"):
        recursion.kappa("other", 1, 1, 1)
    negative = recursion.kappa("paper", 1, 10, N)
    assert negative == pytest.approx(-1.2)
    with pytest.raises(ValueError, match="not positive"):
        recursion.run(torch.eye(4).double(), recursion.one_hot(2, 2), 1, 10, negative, 3)


def test_rates_and_slopes_of_known_sequences():
    assert recursion.measured_rate([1, 0.5, 0.25, 1e-15]) == 0.5
    assert math.isnan(recursion.measured_rate([1e-15]))
    assert recursion.slope([1, 10, 100], [3, 300, 30000]) == pytest.approx(2)
