"""Spectra in one number, against their definition."""

import math

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
