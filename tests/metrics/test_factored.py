"""Matrices by factors, against the matrices."""

import pytest
from agop_collapse.metrics import factored
from chains import cosine, normal, pearson
from clouds import SEEDS
from hypothesis import given
from hypothesis import strategies as st


@given(seed=SEEDS, rows=st.integers(1, 6), other=st.integers(1, 6), d=st.integers(2, 7))
def test_pairs_of_products_are_those_of_explicit_matrices(seed, rows, other, d):
    factors = [normal(seed + i, rows if i < 2 else other, d) for i in range(4)]
    a, b = factors[0].T @ factors[1], factors[2].T @ factors[3]
    left, right = factored.Product(*factors[:2]), factored.Product(*factors[2:])
    found = factored.pair(left, right)
    assert found.cosine == pytest.approx(cosine(a, b), abs=1e-9)
    assert found.pearson == pytest.approx(pearson(a, b), abs=1e-7)
    assert left.trace() == pytest.approx(float(a.trace()), abs=1e-9)
    assert left.norm() == pytest.approx(float(a.norm()))
