"""NC3 against its definition, at the optima that are known, and at the edges."""

import math
from dataclasses import astuple

import collapse_example as example
import numpy as np
import oracle
import pytest
import torch
from agop_collapse.metrics import readout
from agop_collapse.metrics.class_means import frame_of, frame_of_classes
from agop_collapse.metrics.frames import frame_distance
from clouds import SEEDS, cloud, rotation
from hypothesis import given
from hypothesis import strategies as st

MEANS = frame_of_classes(example.X, example.COUNTS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nc3", 1.263596302),
        ("nc3_centred", 1.021801142),
        ("nc3_cos", 0.1735458305),
        ("nc3_etf", 1.016858072),
        ("nc3_bias", 4.735542292),
        ("unc3", 16.29700963),
        ("principal_cosine", 0.5284546747),
    ],
)
def test_known_digits(name, expected):
    found = readout.measure(MEANS, example.COUNTS, example.WEIGHT, example.BIAS)
    assert getattr(found, name) == pytest.approx(expected, rel=1e-9)


# --- against its definition -------------------------------------------------------------------


def by_definition(m: np.ndarray, counts: list[int], w: np.ndarray, b: np.ndarray):
    """Loops, and dense matrices with numpy's pseudo-inverse."""
    classes = len(m)
    mu = sum(m) / classes
    g = sum(count * row for count, row in zip(counts, m, strict=True)) / sum(counts)
    centred = np.array([row - mu for row in m])
    pw = np.array([row - sum(w) / classes for row in w])
    span = np.linalg.pinv(m, rcond=1e-12) @ m
    targets = 2 * np.eye(classes) - 1
    fit = (targets - b[:, None]) @ np.linalg.pinv(m.T, rcond=1e-12)
    pairs = [(w, centred), (pw, centred), (pw @ span, centred), (w @ span, fit)]
    distances = [((x / np.linalg.norm(x) - y / np.linalg.norm(y)) ** 2).sum() for x, y in pairs]
    cosines = [
        [r @ s / math.sqrt((r @ r) * (s @ s)) for r, s in zip(x, y, strict=True)] for x, y in pairs
    ]
    products = w @ centred.T
    etf = (np.eye(classes) - 1 / classes) / math.sqrt(classes - 1)
    along = [row @ mean for row, mean in zip(w, centred, strict=True)]
    k = min(m.shape)
    of_weight, of_means = (np.linalg.svd(x, full_matrices=False)[2][:k] for x in (w, m))
    return readout.Alignment(
        *distances,
        np.mean(cosines[0]),
        min(cosines[0]),
        np.mean(cosines[1]),
        min(cosines[1]),
        np.mean(cosines[2]),
        np.mean(cosines[3]),
        np.linalg.norm(products / np.linalg.norm(products) - etf),
        math.sqrt(sum((row @ g + bias) ** 2 for row, bias in zip(w, b, strict=True))),
        sum((value - sum(along) / classes) ** 2 for value in along) / (classes - 1),
        np.linalg.svd(of_weight @ of_means.T)[1].mean(),
    )


@given(SEEDS, st.lists(st.integers(1, 5), min_size=2, max_size=6), st.integers(1, 9), st.booleans())
def test_measures_are_their_definitions(seed, counts, d, with_bias):
    random = np.random.default_rng(seed)
    classes = len(counts)
    m, w = random.normal(size=(2, classes, d)) + 1
    b = random.normal(size=classes) if with_bias else np.zeros(classes)
    found = readout.measure(
        frame_of(torch.tensor(m)),
        counts,
        torch.tensor(w),
        torch.tensor(b) if with_bias else None,
    )
    expected = by_definition(m, counts, w, b)
    assert astuple(found) == pytest.approx(astuple(expected), rel=1e-7, abs=1e-8)


def test_dependent_means():
    """Four means in three dimensions: the projection and the inverse are of these."""
    random = np.random.default_rng(0)
    m, w = random.normal(size=(2, 4, 7))
    m[3] = m[0] + m[1] - 2 * m[2]
    found = readout.measure(frame_of(torch.tensor(m)), [1] * 4, torch.tensor(w))
    expected = by_definition(m, [1] * 4, w, np.zeros(4))
    for name, value in vars(expected).items():
        if name != "principal_cosine":
            assert getattr(found, name) == pytest.approx(value, rel=1e-9), name


@given(seed=SEEDS, scale=st.floats(1e-3, 1e3))
def test_measures_do_not_see_turns_and_order(seed, scale):
    """Nor scale, but for the two that are lengths."""
    order = np.random.default_rng(seed).permutation(3)
    turn = rotation(seed, 5)
    expected = readout.measure(MEANS, [1, 2, 3], example.WEIGHT)
    counts = [int(k) + 1 for k in order]
    found = readout.measure(
        frame_of(MEANS.vectors[order] @ turn), counts, scale * example.WEIGHT[order] @ turn
    )
    for name, value in vars(expected).items():
        power = {"nc3_bias": 1, "unc3": 2}.get(name, 0)
        assert getattr(found, name) == pytest.approx(value * scale**power, rel=1e-8), name


# --- where the optimum is known ---------------------------------------------------------------


def plus_minus_optimum(classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Means with M M^T = |T|, and W = sign(T) M, which fits them."""
    t = oracle.plus_minus_one(list(range(classes)), classes)
    values, vectors = np.linalg.eigh(t)
    basis = rotation(seed, classes + 3)[:classes].numpy()
    m = (vectors * np.sqrt(abs(values))) @ vectors.T @ basis
    return torch.tensor(m), torch.tensor((vectors * np.sign(values)) @ vectors.T @ m)


@pytest.mark.parametrize("classes", [3, 4, 6, 10])
def test_optimum_of_targets_plus_minus_one(classes):
    m, w = plus_minus_optimum(classes)
    np.testing.assert_allclose(w @ m.T, 2 * np.eye(classes) - 1, atol=1e-12)
    found, lines = readout.measure(frame_of(m), [1] * classes, w), readout.reference_lines(classes)
    assert found.nc3_centred < 1e-25
    assert found.nc3_projected < 1e-25
    assert found.nc3_least_squares < 1e-25
    assert found.nc3_cos_centred_min == pytest.approx(1, rel=1e-12)
    assert found.nc3_cos_least_squares == pytest.approx(1, rel=1e-12)
    assert found.nc3_cos == pytest.approx(lines.nc3_cos_plus_minus, rel=1e-12)
    assert found.nc3_cos_min == pytest.approx(lines.nc3_cos_plus_minus, rel=1e-12)
    assert found.unc3 < 1e-25
    assert found.principal_cosine == pytest.approx(1, rel=1e-12)
    cosine = m[0] @ m[1] / torch.linalg.vector_norm(m[0]) / torch.linalg.vector_norm(m[1])
    assert float(cosine) == pytest.approx(lines.mean_cosine_plus_minus, abs=1e-12)
    expected = frame_distance(frame_of(m))
    assert lines.frame_distance_plus_minus == pytest.approx(expected, rel=1e-12)


def test_what_the_initialisation_left_off_the_span_is_projected_off():
    m, w = plus_minus_optimum(5)
    off = rotation(0, 8)[5:]
    found = readout.measure(frame_of(m), [1] * 5, w + cloud(0, [1] * 5, 3).x @ off)
    assert found.nc3_centred > 0.01
    assert found.nc3_projected < 1e-25
    assert found.nc3_least_squares < 1e-25


def test_other_codings():
    """Orthonormal means: readouts in proportion to one-hot and to +-1 targets."""
    m = rotation(1, 9)[:6]
    frame, lines = frame_of(m), readout.reference_lines(6)
    signs = 2 * torch.eye(6, dtype=torch.float64) - 1
    plus_minus = readout.measure(frame, [1] * 6, signs @ m)
    assert plus_minus.nc3_cos == pytest.approx(lines.nc3_cos_orthogonal, rel=1e-12)
    one_hot = readout.measure(frame, [1] * 6, m, targets=torch.eye(6))
    assert one_hot.nc3_cos == pytest.approx(lines.nc3_cos_one_hot, rel=1e-12)
    for found in (plus_minus, one_hot):
        assert found.nc3_centred < 1e-25
        assert found.nc3_least_squares < 1e-25
    assert readout.measure(frame, [1] * 6, m).nc3_least_squares > 0.1


def test_reference_lines_of_ten_classes():
    found = astuple(readout.reference_lines(10))
    assert found == pytest.approx((0.8321, 0.6, math.sqrt(0.9), 0.2308, 0.5963), abs=5e-5)


def test_self_duality_with_a_bias():
    """Centred means for a readout, and a bias that makes up for the rest: one-hot targets."""
    m = rotation(2, 7)[:4] + 0.3
    frame = frame_of(m)
    w = frame.centred
    b = 1 / 4 - w @ frame.centre
    found = readout.measure(frame, [3, 3, 3, 3], w, b, targets=torch.eye(4))
    assert found.nc3 < 1e-25
    assert found.nc3_etf < 1e-13
    assert found.nc3_cos_min == pytest.approx(1, rel=1e-12)
    # The mean target is 1/4 in each of four entries.
    assert found.nc3_bias == pytest.approx(1 / 2, rel=1e-12)
    # w is less the means' part along their least squares only by what is off their span: nothing.
    assert found.nc3_cos_least_squares == pytest.approx(1, rel=1e-12)


def test_bias_is_about_the_mean_of_the_points():
    m = torch.tensor([[4.0, 0], [0, 8]])
    found = readout.measure(frame_of(m), [3, 1], torch.eye(2), torch.tensor([1.0, 2]))
    assert found.nc3_bias == pytest.approx(math.hypot(4, 4))


# --- principal cosine -------------------------------------------------------------------------


def test_principal_cosine_by_hand():
    """Planes that share a line, and are 60 degrees apart about it."""
    means = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    weight = torch.tensor([[5.0, 0, 0], [0, 1, math.sqrt(3)], [5, 1, math.sqrt(3)]])
    assert readout.principal_cosine(weight, means) == pytest.approx((1 + 0.5) / 2, rel=1e-6)


def test_principal_cosine_is_of_the_leading_directions():
    means = torch.eye(2, 6)
    weight = torch.diag(torch.tensor([9.0, 8, 3, 2, 1, 1]))
    assert readout.principal_cosine(weight, means) == pytest.approx(1, rel=1e-12)
    assert readout.principal_cosine(weight.flip(0, 1), means) == pytest.approx(0, abs=1e-12)


def test_principal_cosine_of_dependent_means():
    """Two directions of three means, and both are among the weight's."""
    turn = rotation(3, 8)
    means = torch.stack([turn[0], 2 * turn[1], turn[0] - turn[1]])
    assert readout.principal_cosine(turn[:3], means) == pytest.approx(1, rel=1e-12)


def test_principal_cosine_of_nothing():
    assert math.isnan(readout.principal_cosine(torch.eye(3), torch.zeros(2, 3)))
    assert math.isnan(readout.principal_cosine(torch.zeros(3, 3), torch.eye(2, 3)))


def test_principal_cosine_by_chance():
    random = np.random.default_rng(0)
    squares = []
    for _ in range(200):
        a, b = (np.linalg.qr(random.normal(size=(40, 5)))[0] for _ in range(2))
        squares.append((np.linalg.svd(a.T @ b)[1] ** 2).mean())
    chance = readout.principal_cosine_chance(5, 40)
    assert math.sqrt(np.mean(squares)) == pytest.approx(chance, rel=0.05)
    assert readout.principal_cosine_chance(5, 3) == 1


# --- edges ------------------------------------------------------------------------------------


def nan_fields(found: readout.Alignment) -> set[str]:
    return {name for name, value in vars(found).items() if math.isnan(value)}


def test_readout_of_zeros():
    found = readout.measure(MEANS, example.COUNTS, torch.zeros(3, 5))
    assert nan_fields(found) == set(vars(found)) - {"nc3_bias", "unc3"}


def test_rows_of_a_readout_that_are_one():
    """Less their mean they are rounding, which has no direction."""
    found = readout.measure(MEANS, example.COUNTS, torch.full((3, 5), 0.1, dtype=torch.float64))
    of_centred = {name for name in vars(found) if "centred" in name or "projected" in name}
    assert nan_fields(found) == of_centred


def test_class_means_that_are_one():
    frame = frame_of(torch.full((3, 5), 0.1, dtype=torch.float64))
    found = readout.measure(frame, [1, 1, 1], example.WEIGHT)
    kept = {"nc3_bias", "unc3", "principal_cosine", "nc3_least_squares", "nc3_cos_least_squares"}
    assert nan_fields(found) == set(vars(found)) - kept


def test_readout_off_the_span_of_the_means():
    turn = rotation(0, 6)
    found = readout.measure(frame_of(turn[:3]), [1, 1, 1], turn[3:])
    assert nan_fields(found) == {
        "nc3_projected",
        "nc3_cos_projected",
        "nc3_least_squares",
        "nc3_cos_least_squares",
        "nc3_etf",
    }
    assert found.nc3_cos == pytest.approx(0, abs=1e-14)
    assert found.principal_cosine < 1e-14


def test_float32_readout_is_measured_in_float64():
    weight, bias = example.WEIGHT.float(), example.BIAS.float()
    found = readout.measure(MEANS, example.COUNTS, weight, bias)
    assert found == readout.measure(MEANS, example.COUNTS, weight.double(), bias.double())


@pytest.mark.parametrize(("counts", "shape"), [([4, 4], (3, 5)), ([4, 4, 4], (3, 4))])
def test_readout_that_does_not_fit(counts, shape):
    with pytest.raises(ValueError, match="do not fit class means"):
        readout.measure(MEANS, counts, torch.ones(shape))
