"""Spectra in one number, against their definition."""

import math
from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest
import torch
from agop_collapse.metrics import spectra
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("spectrum", "expected"),
    [([2.0, 2, 2, 0, 0], 3), ([7.0], 1), ([5.0, 0], 1), ([3.0, 1], 1.6), ([1.0] * 64, 64)],
)
def test_effective_rank(spectrum, expected):
    assert spectra.effective_rank(torch.tensor(spectrum)) == pytest.approx(expected, rel=1e-15)


def test_no_spectrum_has_no_rank():
    assert math.isnan(spectra.effective_rank(torch.zeros(3)))


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20), st.floats(1e-3, 1e3))
def test_effective_rank_is_between_one_and_all_and_has_no_scale(spectrum, scale):
    eigenvalues = torch.tensor(spectrum, dtype=torch.float64)
    rank = spectra.effective_rank(eigenvalues)
    assert 1 - 1e-12 <= rank <= len(spectrum) * (1 + 1e-12)
    assert spectra.effective_rank(eigenvalues * scale) == pytest.approx(rank, rel=1e-12)


def test_ranks_known_digits():
    found = spectra.ranks(torch.tensor([4.0, 2, 1, 1, 0]))
    assert found.participation_rank == pytest.approx(2.909090909, rel=1e-9)
    assert found.stable_rank == pytest.approx(2, rel=1e-9)
    assert found.entropy_rank == pytest.approx(3.363585661, rel=1e-9)
    assert found.entropy_rank_of_roots == pytest.approx(3.828427125, rel=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 8))
def test_ranks_are_those_of_a_factor(seed, rows, columns):
    """Stable rank by norms, entropies by loops over singular values and their squares."""
    factor = np.random.default_rng(seed).normal(size=(rows, columns))
    values = np.linalg.svd(factor)[1]

    def entropy_rank(weights):
        shares = [value / sum(weights) for value in weights]
        return math.prod(share**-share for share in shares)

    found = spectra.ranks(torch.tensor(np.linalg.eigvalsh(factor.T @ factor)).clamp(min=0))
    stable = np.linalg.norm(factor) ** 2 / np.linalg.norm(factor, 2) ** 2
    assert found.stable_rank == pytest.approx(stable, rel=1e-9)
    assert found.entropy_rank == pytest.approx(entropy_rank(values**2), rel=1e-9)
    # Roots of eigenvalues that are rounding are 1e-8.
    assert found.entropy_rank_of_roots == pytest.approx(entropy_rank(values), rel=1e-5)
    participation = sum(values**2) ** 2 / sum(values**4)
    assert found.participation_rank == pytest.approx(participation, rel=1e-9)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20), st.floats(1e-3, 1e3))
def test_ranks_are_in_order_and_have_no_scale(spectrum, scale):
    """Renyi entropies of order infinity, 2 and 1 grow in this order; roots are more even."""
    eigenvalues = torch.tensor(spectrum, dtype=torch.float64)
    found = spectra.ranks(eigenvalues)
    in_order = [
        1,
        found.stable_rank,
        found.participation_rank,
        found.entropy_rank,
        found.entropy_rank_of_roots,
        len(spectrum),
    ]
    for smaller, larger in pairwise(in_order):
        assert smaller <= larger * (1 + 1e-12)
    scaled = spectra.ranks(eigenvalues * scale)
    assert astuple(scaled) == pytest.approx(astuple(found), rel=1e-10)


@pytest.mark.parametrize("size", [1, 3, 64])
def test_ranks_of_an_even_spectrum(size):
    assert astuple(spectra.ranks(torch.full((size,), 0.3))) == pytest.approx([size] * 4, rel=1e-12)


def test_no_spectrum_has_no_ranks():
    assert all(map(math.isnan, astuple(spectra.ranks(torch.zeros(3)))))
