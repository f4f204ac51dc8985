"""Panels of rows, and the symmetric products made of them."""

import pytest
import torch
from agop_collapse.common.blocks import panels, symmetric_product
from hypothesis import given
from hypothesis import strategies as st


@given(n=st.integers(0, 60_000), block_rows=st.integers(1, 5000))
def test_panels_are_even_consecutive_and_no_larger_than_asked(n, block_rows):
    found = panels(n, block_rows)
    assert [rows.stop for rows in found[:-1]] == [rows.start for rows in found[1:]]
    sizes = [rows.stop - rows.start for rows in found]
    assert sum(sizes) == n
    if n:
        assert (found[0].start, found[-1].stop) == (0, n)
        assert 1 <= min(sizes) <= max(sizes) <= min(sizes) + 1
        assert max(sizes) <= block_rows


@pytest.mark.parametrize(("m", "width"), [(1, 1), (2, 5), (40, 300), (1100, 1100)])
def test_symmetric_product(m, width):
    a = torch.randn(m, width, generator=torch.Generator().manual_seed(m), dtype=torch.float64)
    product = symmetric_product(a)
    torch.testing.assert_close(product, a.T @ a, rtol=1e-12, atol=1e-12)
    assert torch.equal(product, product.T)
