"""Shares of the parts of a layer in the change of ln NC1."""

import math
from dataclasses import astuple

import pytest
from agop_collapse.metrics import attribution
from hypothesis import assume, given
from hypothesis import strategies as st

NC1 = st.floats(1e-8, 1e3)
RUNS = st.integers(1, 6).flatmap(
    lambda layers: st.tuples(*[st.lists(NC1, min_size=layers, max_size=layers)] * 3)
)


def test_known_digits():
    layers, total = attribution.deep_rfm([2, 1, 0.4], [0.8, 0.3, 0.1], [1.1, 0.45, 0.16])
    assert total.share_projection == pytest.approx(1.388335166, rel=1e-9)
    assert total.share_features == pytest.approx(-0.4727041724, rel=1e-9)
    assert total.share_norm == pytest.approx(0.08436900612, rel=1e-9)
    assert total.log_nc1_change == pytest.approx(math.log(0.16 / 2), rel=1e-12)
    assert len(layers) == 3


def test_shares_of_a_layer_by_hand():
    """From 8 to 2 to 4 to 1, in powers of two: the steps are 2, -1 and 2 of 3."""
    layers, total = attribution.deep_rfm([8, 1], [2], [4])
    assert astuple(layers[0]) == pytest.approx((-3 * math.log(2), 2 / 3, -1 / 3, 2 / 3))
    assert total == layers[0]


def test_last_layer_has_no_normalisation():
    layers, total = attribution.deep_rfm([8, 4], [2, 2], [4, 1])
    assert astuple(layers[0]) == pytest.approx((-math.log(2), 2, -1, 0))
    assert astuple(layers[1])[:3] == pytest.approx((-2 * math.log(2), 0.5, 0.5))
    assert math.isnan(layers[1].share_norm)
    assert astuple(total) == pytest.approx((-3 * math.log(2), 1, 0, 0))


def test_one_layer_alone_has_no_normalisation_in_total():
    _, total = attribution.deep_rfm([8], [2], [4])
    assert astuple(total)[:3] == pytest.approx((-math.log(2), 2, -1))
    assert math.isnan(total.share_norm)


def test_network_by_hand():
    layers, total = attribution.network([16, 4], [8, 1], [4, 2])
    assert astuple(layers[0]) == pytest.approx((-2 * math.log(2), 0.5, 0.5))
    assert astuple(layers[1]) == pytest.approx((-math.log(2), 2, -1))
    assert astuple(total) == pytest.approx((-3 * math.log(2), 1, 0))


@given(RUNS, NC1)
def test_shares_of_deep_rfm_telescope(run, last):
    x, mx, phi = run
    layers, total = attribution.deep_rfm([*x, last], mx, phi)
    assert total.log_nc1_change == pytest.approx(math.log(last / x[0]), abs=1e-10)
    for layer, before, after in zip(layers, x, [*x[1:], last], strict=True):
        assert layer.log_nc1_change == pytest.approx(math.log(after / before), abs=1e-10)
    for found in [*layers, total]:
        if abs(found.log_nc1_change) > 0.05:
            assert sum(astuple(found)[1:]) == pytest.approx(1, abs=1e-8)


@given(RUNS)
def test_parts_of_the_total_are_sums_over_layers(run):
    inputs, right, full = run
    layers, total = attribution.network(inputs, right, full)
    assume(all(abs(layer.log_nc1_change) > 0.05 for layer in [*layers, total]))
    for part in ("share_linear", "share_activation"):
        found = sum(layer.log_nc1_change * getattr(layer, part) for layer in layers)
        expected = total.log_nc1_change * getattr(total, part)
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(("change", "missing"), [(0.0499, True), (-0.0499, True), (0.0501, False)])
def test_too_small_a_change_has_no_shares(change, missing):
    _, total = attribution.network([1], [3], [math.exp(change)])
    assert total.log_nc1_change == pytest.approx(change, rel=1e-12)
    assert math.isnan(total.share_linear) == missing
    assert math.isnan(total.share_activation) == missing


def test_a_layer_that_changes_nothing_counts_in_the_total():
    layers, total = attribution.network([4, 4], [2, 2], [4, 1])
    assert math.isnan(layers[0].share_linear)
    assert total.share_linear == pytest.approx(1)


@pytest.mark.parametrize("bad", [math.nan, 0, -1])
def test_nc1_that_is_no_positive_number(bad):
    layers, total = attribution.network([4, 2], [bad, 1.5], [2, 1])
    assert all(map(math.isnan, astuple(layers[0])))
    assert not any(map(math.isnan, astuple(layers[1])))
    assert all(map(math.isnan, astuple(total)))


@pytest.mark.parametrize(
    ("x", "mx", "phi"), [([], [], []), ([1], [1, 2], [1, 2]), ([1, 2], [1, 2], [1])]
)
def test_layers_that_do_not_fit(x, mx, phi):
    with pytest.raises(ValueError, match=r"NC1 of \d X, \d M X, \d Phi\(M X\)"):
        attribution.deep_rfm(x, mx, phi)
    with pytest.raises(ValueError, match=r"NC1 of \d inputs, \d S V\^T, \d outputs"):
        attribution.network(x, mx, phi)
