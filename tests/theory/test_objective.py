"""Theorems 5.4 and v1's 5.5 against direct minimisation, closed forms and measured values."""

import math

import pytest
import torch
from agop_collapse.common.seeding import generator
from agop_collapse.theory import objective as theory
from agop_collapse.theory.recursion import one_hot
from hypothesis import given, settings
from hypothesis import strategies as st

cases = st.sampled_from(
    [(kind, classes) for kind in theory.LABELS for classes in (2, 3, 6) if kind != "scalar"]
    + [("scalar", 2)]
)


@given(case=cases, n=st.integers(1, 4), ridge=st.floats(0.1, 10), between=st.floats(0, 0.9))
@settings(deadline=None)
def test_objective_is_that_of_the_best_coefficients(case, n, ridge, between):
    """Problem 7 itself, at A = Y (k + mu)^-1, and in closed form."""
    kind, classes = case
    kernel = theory.two_level_kernel(classes, n, between)
    labels = theory.labels_of(kind, classes, n)
    a = labels.T @ torch.linalg.inv(kernel + ridge * torch.eye(len(kernel)).double())
    fit = (labels.T - a @ kernel).square().sum()
    direct = float(fit + ridge * (kernel @ a.T @ a).trace())
    assert float(theory.objective(kernel, labels, ridge)) == pytest.approx(direct, rel=1e-9)
    closed = theory.two_level_objective(kind, classes, n, ridge, between)
    assert closed == pytest.approx(direct, rel=1e-9)


# science: K, n, mu, labels, between, objective.
MEASURED = [
    (3, 4, 0.1, "one_hot", 0, 0.292683),
    (3, 4, 1, "one_hot", 0, 2.4),
    (3, 4, 10, "one_hot", 0, 8.571429),
    (5, 6, 1, "one_hot", 0, 4.285714),
    (10, 10, 10, "one_hot", 0, 50),
    (10, 10, 1, "plus_minus", 0, 90.909),
    (10, 10, 1, "plus_minus", 0.25, 61.457),
    (2, 6, 0.1, "scalar", 0, 0.19672),
    (2, 6, 1, "scalar", 0, 1.71429),
    (2, 6, 0.1, "scalar", -1, 0.0992),
    (2, 6, 1, "scalar", -1, 0.9231),
]


@pytest.mark.parametrize(("classes", "n", "ridge", "kind", "between", "expected"), MEASURED)
def test_measured_values(classes, n, ridge, kind, between, expected):
    kernel = theory.two_level_kernel(classes, n, between)
    found = theory.objective(kernel, theory.labels_of(kind, classes, n), ridge)
    assert float(found) == pytest.approx(expected, rel=1e-3)


@given(case=cases, n=st.integers(1, 9), ridge=st.floats(0.01, 10), nonnegative=st.booleans())
def test_best_between_is_the_best_of_a_grid(case, n, ridge, nonnegative):
    kind, classes = case
    lowest = 0 if nonnegative else -1 / (classes - 1)
    grid = [lowest + (1 - lowest) * step / 500 for step in range(501)]
    best = theory.best_between(kind, classes, n, ridge, nonnegative)
    assert lowest <= best <= 1
    values = [theory.two_level_objective(kind, classes, n, ridge, each) for each in grid]
    found = theory.two_level_objective(kind, classes, n, ridge, best)
    assert found <= min(values) * (1 + 1e-12)


def test_which_labels_have_the_collapsed_kernel_as_optimum():
    for classes in range(2, 12):
        assert theory.best_between("one_hot", classes, 7, 0.3, False) == pytest.approx(0)
        best = theory.best_between("plus_minus", classes, 7, 0.3, True)
        expected = (classes - 4) * 7.3 / (7 * (3 * classes - 4))
        assert best == pytest.approx(max(expected, 0), abs=1e-12)
    assert theory.best_between("scalar", 2, 7, 0.3, True) == 0
    assert theory.best_between("scalar", 2, 7, 0.3, False) == -1


@pytest.mark.parametrize(("kind", "classes"), [("one_hot", 4), ("plus_minus", 6), ("scalar", 2)])
def test_no_feasible_kernel_is_better_than_the_closed_optimum(kind, classes):
    n, ridge = 4, 0.5
    labels = theory.labels_of(kind, classes, n)
    between = theory.best_between(kind, classes, n, ridge, True)
    least = theory.two_level_objective(kind, classes, n, ridge, between)
    families = set()
    for family, kernel in theory.random_kernels(classes, n, 100, generator(0, "test")):
        families.add(family)
        assert (kernel >= 0).all()
        torch.testing.assert_close(kernel.diag(), torch.ones(len(kernel)).double())
        assert torch.linalg.eigvalsh(kernel)[0] > -1e-9
        assert float(theory.objective(kernel, labels, ridge)) >= least * (1 - 1e-12)
    assert families == set(theory.FAMILIES)


@given(seed=st.integers(0, 50), share=st.floats(0, 1))
@settings(deadline=None)
def test_objective_is_convex_and_averaging_over_orders_makes_it_less(seed, share):
    labels = theory.labels_of("plus_minus", 3, 3)
    drawn = theory.random_kernels(3, 3, 1, generator(seed, "test"))
    a, b, *_ = (kernel for _, kernel in drawn)
    value = {name: float(theory.objective(k, labels, 0.2)) for name, k in (("a", a), ("b", b))}
    mixed = float(theory.objective(share * a + (1 - share) * b, labels, 0.2))
    assert mixed <= share * value["a"] + (1 - share) * value["b"] + 1e-9
    within, between = theory.levels(a, 3)
    same = one_hot(3, 3) @ one_hot(3, 3).T
    average = between + (within - between) * same + (1 - within) * torch.eye(9).double()
    assert float(theory.objective(average, labels, 0.2)) <= value["a"] + 1e-9


@pytest.mark.parametrize(
    ("kind", "classes", "nonnegative"),
    [
        ("one_hot", 3, True),
        ("one_hot", 3, False),
        ("plus_minus", 6, True),
        ("scalar", 2, True),
        ("scalar", 2, False),
    ],
)
def test_descent_finds_the_closed_optimum(kind, classes, nonnegative):
    labels = theory.labels_of(kind, classes, 3)
    trace = theory.descend(labels, 1.0, nonnegative, 400, seed=1)
    between = theory.best_between(kind, classes, 3, 1.0, nonnegative)
    least = theory.two_level_objective(kind, classes, 3, 1.0, between)
    last = trace[-1]
    assert (trace[0].step, last.step) == (0, 400)
    assert least * (1 - 1e-12) <= last.objective <= least * 1.002 < trace[0].objective
    found = theory.levels(last.kernel, classes)
    assert found == pytest.approx((1, between), abs=0.05)


def test_levels_of_single_points():
    within, between = theory.levels(theory.two_level_kernel(3, 1, 0.25), 3)
    assert math.isnan(within)
    assert between == pytest.approx(0.25)


def test_unknown_labels_are_refused():
    with pytest.raises(ValueError, match="no labels 'scalar' of 3 classes"):
        theory.labels_of("scalar", 3, 2)
    with pytest.raises(ValueError, match="unknown labels 'other'"):
        theory.best_between("other", 3, 2, 1, True)
