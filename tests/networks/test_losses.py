"""Losses against loops over points and against PyTorch's, and their gradients in closed form."""

import math

import numpy as np
import oracle
import pytest
import torch
from agop_collapse.data.dataset import one_hot_targets
from agop_collapse.networks.losses import cross_entropy, mse
from clouds import SEEDS
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

LOSSES = {"mse": mse.loss, "cross_entropy": cross_entropy.loss}


def drawn(seed: int, n: int, classes: int):
    """Outputs, targets and labels."""
    random = np.random.default_rng(seed)
    outputs = torch.tensor(3 * random.normal(size=(n, classes)))
    labels = torch.tensor(random.integers(classes, size=n))
    return outputs, one_hot_targets(labels, classes, torch.float64), labels


shapes = given(seed=SEEDS, n=st.integers(1, 7), classes=st.integers(2, 5))


@shapes
def test_mse_is_its_formula(seed, n, classes):
    outputs, targets, labels = drawn(seed, n, classes)
    rows = oracle.plus_minus_one(labels.tolist(), classes)
    expected = sum((o - t) ** 2 for o, t in zip(outputs.flatten(), rows.flatten(), strict=True))
    assert float(mse.loss.value(outputs, targets)) == pytest.approx(float(expected) / rows.size)


@shapes
def test_cross_entropy_is_its_formula_and_pytorchs(seed, n, classes):
    outputs, targets, labels = drawn(seed, n, classes)
    found = float(cross_entropy.loss.value(outputs, targets))
    assert found == pytest.approx(oracle.cross_entropy(outputs.numpy(), targets.numpy()))
    assert found == pytest.approx(float(functional.cross_entropy(outputs, labels)))
    shares = (targets + 1) / 2
    assert found == pytest.approx(float(functional.cross_entropy(outputs, shares)))
    # The same for outputs that are all larger by a number, whatever its size.
    assert float(cross_entropy.loss.value(outputs + 1e4, targets)) == pytest.approx(found, rel=1e-7)


@shapes
def test_gradients_are_in_closed_form(seed, n, classes):
    outputs, targets, labels = drawn(seed, n, classes)
    outputs.requires_grad_()
    (by_mse,) = torch.autograd.grad(mse.loss.value(outputs, targets), outputs)
    torch.testing.assert_close(by_mse, 2 * (outputs - targets) / outputs.numel())
    (by_entropy,) = torch.autograd.grad(cross_entropy.loss.value(outputs, targets), outputs)
    share = np.array([oracle.softmax(row) for row in outputs.detach().numpy()])
    share[range(n), labels.numpy()] -= 1
    np.testing.assert_allclose(by_entropy, share / n, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@shapes
def test_a_loss_is_the_mean_over_points(loss, seed, n, classes):
    outputs, targets, _ = drawn(seed, n, classes)
    found = loss.value(outputs, targets)
    assert found.shape == ()
    singles = [float(loss.value(o[None], t[None])) for o, t in zip(outputs, targets, strict=True)]
    assert float(found) == pytest.approx(sum(singles) / n)
    single = loss.value(outputs.float(), targets.float())
    assert single.dtype == torch.float32
    assert float(single) == pytest.approx(float(found), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("classes", [2, 10])
def test_known_values(classes):
    targets = one_hot_targets(torch.arange(classes), classes, torch.float64)
    nothing = torch.zeros_like(targets)
    assert float(mse.loss.value(nothing, targets)) == 1
    assert float(mse.loss.value(targets, targets)) == 0
    assert float(cross_entropy.loss.value(nothing, targets)) == pytest.approx(math.log(classes))
    wrong = 1000 * targets.roll(1, dims=1)
    assert float(cross_entropy.loss.value(wrong, targets)) == pytest.approx(2000)
    assert float(cross_entropy.loss.value(1000 * targets, targets)) == 0


def test_a_network_has_fitted_below_the_papers_bound():
    assert [loss.fitted_below for loss in LOSSES.values()] == [0.05, 0.05]
