"""Deep RFM against a plain transcription of Algorithm 1, known numbers, resuming, and trust."""

import dataclasses
import gc
import logging
import math
import re
import weakref

import numpy as np
import oracle
import papers
import plain
import pytest
import torch
from agop_collapse.common.classes import unit_rows
from agop_collapse.common.errors import UserError
from agop_collapse.common.seeding import generator
from agop_collapse.data.dataset import Dataset, one_hot_targets
from agop_collapse.data.prepare import prepare
from agop_collapse.data.readers.digits import load as load_digits
from agop_collapse.machine import checkpoints as layer_files
from agop_collapse.machine import deep_rfm
from agop_collapse.machine.deep_rfm import Layer, Settings, build, is_trustworthy
from agop_collapse.machine.kernels import radial
from agop_collapse.machine.random_features import (
    FeatureMap,
    fourier_features,
    linear_features,
    relu_features,
)
from agop_collapse.metrics import collapse, spectra
from clouds import SEEDS, cloud
from hypothesis import given
from torch import Tensor

CPU = torch.device("cpu")
# So few features and rows at a time that every loop has several rounds.
SMALL = {"depth": 3, "width": 12, "n_features": 10, "gamma": 0.2, "block_rows": 5}
PAPER = papers.settings(**SMALL)


def settings(**changes) -> Settings:
    return papers.settings(**SMALL | changes)


def small(
    counts: tuple[int, ...] = (9, 5, 8), test_counts: tuple[int, ...] = (4, 3, 2), d: int = 6
) -> Dataset:
    """A data set of three unbalanced classes that overlap."""
    points = cloud(11, [a + b for a, b in zip(counts, test_counts, strict=True)], d, spread=1.5)
    by_class = zip(points.x.split(points.counts), counts, test_counts, strict=True)
    parts = [x.split([a, b]) for x, a, b in by_class]
    labels, test_labels = (torch.tensor(oracle.classes_of(c)) for c in (counts, test_counts))
    x, test_x = (torch.cat(part) for part in zip(*parts, strict=True))
    return Dataset(x, labels, test_x, test_labels, (1, 1, d), len(counts))


def layers_of(data: Dataset, wanted: Settings, seed: int = 0) -> list[Layer]:
    return list(build(data, wanted, seed, CPU))


def first_layer(data: Dataset, wanted: Settings) -> Layer:
    return next(iter(build(data, dataclasses.replace(wanted, depth=1), 0, CPU)))


def nc1(layer: Layer, data: Dataset) -> float:
    return collapse.measure(layer.project(layer.x), data.class_counts).nc1


def tensors_of(layer: Layer) -> list[Tensor]:
    bias = [] if layer.features.bias is None else [layer.features.bias]
    return [layer.x, layer.root, layer.alpha, layer.eigenvalues, layer.features.weight, *bias]


def error(found: Tensor, expected: np.ndarray) -> float:
    """Relative. A root is certain to 1e-8 only where its rank is below its dimension."""
    return float(np.linalg.norm(found.numpy() - expected) / np.linalg.norm(expected))


def identical(a: Layer, b: Layer) -> bool:
    pairs = zip(tensors_of(a), tensors_of(b), strict=True)
    return a.fit == b.fit and all(torch.equal(x, y) for x, y in pairs)


# --- the oracle -------------------------------------------------------------------------------

CASES = [
    {},
    {"kernel": "gaussian", "ridge": 1e-3},
    {"feature_map": "cos", "gamma": 0.7},
    {"feature_map": "cos", "n_features": "input_dim", "agop_norm": "mean"},
    {"feature_map": "cos", "kernel": "gaussian", "ridge": 1e-2, "agop_norm": "sum"},
    {"feature_map": "cos", "agop_norm": "trace", "bandwidth": 0.7},
    {"iterations": 2, "ridge": 1e-3},
    {"iterations": 2, "kernel": "gaussian", "ridge": 1e-2, "agop_norm": "trace"},
    {"iterations": 3, "ridge": 1e-3, "feature_map": "cos"},
    {"projection": "identity"},
    {"projection": "identity", "feature_map": "cos", "kernel": "gaussian", "ridge": 1e-3},
    {"weight_dist": "gaussian", "width": 40},
    {"feature_map": "linear"},
    {"feature_bias": 0.5, "agop_norm": "mean"},
    {"kernel": "linear", "ridge": 1.0},
    {"kernel": "linear", "ridge": 1.0, "iterations": 2, "feature_map": "cos"},
    {"kernel": "relu_ntk"},
    {"kernel": "relu_ntk", "ridge": 1e-3, "iterations": 3, "agop_norm": "trace"},
    {"kernel": "matern32"},
    {"kernel": "matern52", "feature_map": "cos", "agop_norm": "mean"},
    {"kernel": "matern52", "iterations": 2, "ridge": 1e-3},
]


@pytest.mark.parametrize("changes", CASES, ids=str)
def test_build_is_the_algorithm(changes):
    wanted = settings(**changes)
    data = small()
    targets = oracle.plus_minus_one(data.labels.tolist(), 3)
    x, test_x = oracle.unit(data.x.numpy()), oracle.unit(data.test_x.numpy())
    names = ("bandwidth", "ridge", "iterations", "agop_norm", "projection")
    options = {name: getattr(wanted, name) for name in names}
    options["kernel"] = changes.get("kernel", "laplace")
    layers = layers_of(data, wanted, seed=5)
    assert len(layers) == 3
    for number, layer in enumerate(layers, start=1):
        plain = oracle.deep_rfm_layer(x, targets, test_x, **options)
        spectrum = np.linalg.eigvalsh(plain["root"])[::-1] ** 2
        # Where M is singular its root, and what comes of it, has half the digits, on either side.
        assert error(layer.x, x) < 1e-6
        assert error(layer.alpha, plain["alpha"]) < 1e-7
        assert error(layer.root, plain["root"]) < 1e-6
        assert error(layer.project(layer.x), x @ plain["root"]) < 1e-6
        assert error(layer.eigenvalues, spectrum) < 1e-7
        fit = layer.fit
        assert fit.train_mse == pytest.approx(((plain["train"] - targets) ** 2).mean(), rel=1e-7)
        assert fit.train_accuracy == oracle.accuracy(plain["train"], data.labels.tolist())
        assert fit.test_accuracy == oracle.accuracy(plain["test"], data.test_labels.tolist())
        assert fit.solve_residual < 1e-10
        assert fit.valid

        weight, bias = drawn_for(number, x.shape[1], wanted, seed=5)
        assert torch.equal(layer.features.weight, weight)
        x, test_x = (
            oracle.unit(
                oracle.features(wanted.feature_map, points @ plain["root"], weight.numpy(), bias)
            )
            for points in (x, test_x)
        )
    assert 0 < fit.test_accuracy < 1


def drawn_for(number: int, d: int, wanted: Settings, seed: int):
    source = generator(seed, "feature map", number)
    if wanted.feature_map == "linear":
        return linear_features(d, wanted.width, wanted.weight_dist, source).weight, None
    if wanted.feature_map == "relu":
        drawn = relu_features(d, wanted.width, wanted.weight_dist, source, wanted.feature_bias)
        return drawn.weight, None if drawn.bias is None else drawn.bias.numpy()
    features = d if wanted.n_features == "input_dim" else wanted.n_features
    drawn = fourier_features(d, features, wanted.gamma, source)
    return drawn.weight, drawn.bias.numpy()


@pytest.mark.parametrize("changes", CASES, ids=str)
def test_the_predictor_is_that_of_the_next_layer(changes):
    """To the last bit; layers themselves are compared with the oracle above."""
    data, wanted = small(), settings(**changes)
    *layers, deeper = layers_of(data, dataclasses.replace(wanted, depth=4), seed=5)
    found = deep_rfm.fit_predictor(data, wanted, CPU, iter(layers))
    assert torch.equal(found.x, deeper.x)
    assert torch.equal(found.alpha, deeper.alpha)
    assert found.fit == deeper.fit
    assert (found.metric is None) == (wanted.iterations == 1)
    if found.metric is not None:
        assert torch.equal(found.metric, deeper.metric)


OWN = [papers.KERNELS["gaussian"], papers.DOT_PRODUCT["relu_ntk"], papers.KERNELS["laplace"]]


@pytest.mark.parametrize("changes", [{}, {"iterations": 2, "feature_map": "cos"}], ids=str)
def test_kernels_of_the_layers_own_act_layer_by_layer(changes):
    """As a network that is put together by hand, from layers of one kernel each."""
    data, wanted = small(), settings(ridge=1e-2, **changes)
    by_layer = dataclasses.replace(wanted, kernel=tuple(OWN))
    layers = layers_of(data, by_layer, seed=5)
    x, test_x = (unit_rows(points.to(torch.float64)) for points in (data.x, data.test_x))
    targets = one_hot_targets(data.labels, 3, torch.float64)
    for number, (layer, kernel) in enumerate(zip(layers, OWN, strict=True), start=1):
        weight, bias = drawn_for(number, x.shape[1], wanted, seed=5)
        bias = None if bias is None else torch.from_numpy(bias)
        by_hand = deep_rfm.fit_layer(
            deep_rfm.Problem(x, targets, test_x, data.test_labels, data.class_counts),
            dataclasses.replace(wanted, kernel=kernel),
            FeatureMap(wanted.feature_map, weight, bias),
        )
        assert identical(layer, by_hand)
        x, test_x = by_hand.advance(x), by_hand.advance(test_x)
    others = [layers_of(data, dataclasses.replace(wanted, kernel=kernel), 5) for kernel in OWN]
    assert identical(layers[0], others[0][0])
    assert not any(identical(layers[2], other[2]) for other in others)
    resumed = [*layers[:1], *build(data, by_layer, 5, CPU, done=layers[:1])]
    assert all(map(identical, resumed, layers))
    # Behind the last layer its kernel goes on: the predictor is that of Laplace, on these points.
    found = deep_rfm.fit_predictor(data, by_layer, CPU, layers)
    laplace = dataclasses.replace(wanted, kernel=OWN[-1])
    expected = deep_rfm.fit_predictor(data, laplace, CPU, layers)
    assert torch.equal(found.alpha, expected.alpha)
    assert found.fit == expected.fit
    gaussian = dataclasses.replace(wanted, kernel=OWN[0])
    assert found.fit != deep_rfm.fit_predictor(data, gaussian, CPU, layers).fit


@pytest.mark.parametrize("times", [1, 3])
def test_one_kernel_for_each_layer_is_one_for_all_to_the_last_bit(times):
    data, kernel = small(), papers.KERNELS["matern32"]
    plain, repeated = (dataclasses.replace(PAPER, kernel=k) for k in (kernel, (kernel,) * times))
    layers = layers_of(data, plain)
    assert all(map(identical, layers_of(data, repeated), layers))
    predictors = [deep_rfm.fit_predictor(data, each, CPU, layers) for each in (plain, repeated)]
    assert torch.equal(predictors[0].alpha, predictors[1].alpha)
    assert predictors[0].fit == predictors[1].fit


def test_a_predictor_behind_layers_that_are_not_trusted_is_not(caplog):
    data = small()
    *layers, last = layers_of(data, PAPER)
    doubtful = dataclasses.replace(last, fit=dataclasses.replace(last.fit, valid=False))
    assert deep_rfm.fit_predictor(data, PAPER, CPU, [*layers, last]).fit.valid
    assert not deep_rfm.fit_predictor(data, PAPER, CPU, [*layers, doubtful]).fit.valid
    assert not caplog.messages


def test_a_predictor_that_is_not_to_be_trusted_comes_with_advice(caplog):
    """Twins of two labels: a ridge makes it sound."""
    data = with_twin(0, 1)
    layer = first_layer(data, settings(ridge=1e-3))
    with caplog.at_level(logging.WARNING):
        found = deep_rfm.fit_predictor(data, settings(ridge=1e-12, depth=1), CPU, [layer])
    assert not found.fit.valid
    (message,) = caplog.messages
    assert message.startswith("layer 2: not trustworthy")
    named = float(re.search(r"ridge of (\S+) would help", message)[1])
    assert deep_rfm.fit_predictor(data, settings(ridge=named, depth=1), CPU, [layer]).fit.valid


def test_more_dimensions_than_points():
    data = small(d=40)
    layer = first_layer(data, PAPER)
    x = oracle.unit(data.x.numpy())
    targets = oracle.plus_minus_one(data.labels.tolist(), 3)
    plain = oracle.deep_rfm_layer(
        x,
        targets,
        x,
        kernel="laplace",
        bandwidth=2.0,
        ridge=0.0,
        iterations=1,
        agop_norm="max",
        projection="agop",
    )
    assert error(layer.project(layer.x), x @ plain["root"]) < 1e-7
    assert nc1(layer, data) == pytest.approx(oracle.nc1(x @ plain["root"], data.class_counts))


@pytest.mark.parametrize("norm", ["max", "mean"])
@pytest.mark.parametrize("iterations", [1, 2])
def test_one_of_each_two_equal_points_stands_for_both(norm, iterations):
    """So half of the points is the whole AGOP, whatever its scale."""
    once = small()
    twice = dataclasses.replace(
        once, x=once.x.repeat_interleave(2, dim=0), labels=once.labels.repeat_interleave(2)
    )
    wanted = settings(ridge=1e-3, agop_norm=norm, iterations=iterations)
    whole = layers_of(twice, wanted)
    some = layers_of(twice, dataclasses.replace(wanted, agop_share=0.5))
    for all_points, half in zip(whole, some, strict=True):
        assert error(half.root, all_points.root.numpy()) < 1e-6
        assert not torch.equal(half.root, all_points.root)
    fewer = layers_of(once, dataclasses.replace(wanted, agop_share=0.5))
    assert error(fewer[0].root, layers_of(once, wanted)[0].root.numpy()) > 1e-3


def test_identity_leaves_the_points():
    data = small()
    for layer in layers_of(data, settings(projection="identity", iterations=2)):
        assert torch.equal(layer.project(layer.x), layer.x)
        assert torch.equal(layer.root, torch.eye(len(layer.root), dtype=torch.float64))
        assert (layer.eigenvalues == 1).all()


def test_the_scale_of_the_agop_matters_to_cosines_only():
    data = small()
    relu, cos = (
        [
            layers_of(data, settings(feature_map=name, agop_norm=norm))[1].x
            for norm in ("max", "sum")
        ]
        for name in ("relu", "cos")
    )
    torch.testing.assert_close(*relu, rtol=0, atol=1e-12)
    assert (cos[0] - cos[1]).abs().max() > 0.01


def test_points_have_unit_norm_and_one_without_features_stays_zero():
    data = small()
    data.x[0] = 0
    for layer in layers_of(data, settings(ridge=1e-3)):
        norms = torch.linalg.vector_norm(layer.x, dim=1)
        assert norms[0] == 0
        torch.testing.assert_close(norms[1:], torch.ones(21, dtype=torch.float64))


def test_seeds_draw_other_features_and_nothing_else_is_random():
    data = small()
    state = torch.get_rng_state()
    one, same, other = (layers_of(data, PAPER, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(identical(a, b) for a, b in zip(one, same, strict=True))
    assert torch.equal(one[0].root, other[0].root)
    assert not torch.equal(one[1].x, other[1].x)


# --- known numbers ----------------------------------------------------------------------------


def test_first_layer_of_the_digits(digits):
    """science.md, section 4: no randomness in layer 1."""
    laplace = first_layer(digits, PAPER)
    assert collapse.measure(laplace.x, digits.class_counts).nc1 == pytest.approx(
        1.6760503, abs=5e-8
    )
    assert nc1(laplace, digits) == pytest.approx(0.5656792, abs=5e-8)
    assert laplace.fit.solve_residual < 1e-12
    gaussian = first_layer(digits, settings(kernel="gaussian", ridge=1e-3))
    assert nc1(gaussian, digits) == pytest.approx(0.7735711, abs=5e-8)
    assert gaussian.fit.train_mse == pytest.approx(2.6e-3, rel=0.05)


def test_digits_collapse_layer_by_layer(digits):
    found = [nc1(layer, digits) for layer in layers_of(digits, settings(width=1024))]
    assert found == pytest.approx([0.57, 0.21, 0.072], rel=0.08)


def test_without_projection_they_never_do(digits):
    wanted = settings(width=512, projection="identity", depth=4)
    found = [nc1(layer, digits) for layer in layers_of(digits, wanted)]
    assert found == pytest.approx([1.68, 2.11, 2.50, 2.98], rel=0.05)


# --- resuming ---------------------------------------------------------------------------------

IDENTITY = "0123456789abcdef" * 4
RESUMED = [
    {},
    {"feature_map": "cos"},
    {"precision": "float32", "kernel": "gaussian", "ridge": 0.1},
    {"iterations": 2, "ridge": 1e-3},
]


@pytest.mark.parametrize("changes", RESUMED, ids=str)
def test_resuming_after_any_layer_changes_no_bit(changes, tmp_path):
    data, wanted = small(), settings(depth=5, **changes)
    unbroken = layers_of(data, wanted, seed=3)
    for number, layer in enumerate(unbroken, start=1):
        layer_files.save_layer(tmp_path, number, layer, IDENTITY)
    for done in range(6):
        kept = [layer_files.load_layer(tmp_path, number, IDENTITY) for number in range(1, done + 1)]
        rest = list(build(data, wanted, 3, CPU, kept))
        assert len(rest) == 5 - done
        assert all(identical(a, b) for a, b in zip(unbroken[done:], rest, strict=True))


def test_resuming_holds_one_finished_layer_at_a_time(tmp_path):
    data, wanted = small(), settings(depth=4)
    for number, layer in enumerate(layers_of(data, wanted, seed=3), start=1):
        layer_files.save_layer(tmp_path, number, layer, IDENTITY)
    before: list[weakref.ref] = []

    def finished():
        for number in (1, 2, 3):
            gc.collect()
            assert sum(layer() is not None for layer in before) <= 1
            layer = layer_files.load_layer(tmp_path, number, IDENTITY)
            before.append(weakref.ref(layer))
            yield layer
            del layer

    (last,) = build(data, wanted, 3, CPU, finished())
    assert len(before) == 3
    assert last.fit.valid


@pytest.mark.parametrize("done", [1, 2, 4])
def test_resuming_from_anything_else_changes_many(done):
    """The comparison above can fail: another seed, or one entry off by one rounding."""
    data, wanted = small(), settings(depth=5)
    unbroken = layers_of(data, wanted, seed=3)

    other_seed = list(build(data, wanted, 4, CPU, unbroken[:done]))
    assert not identical(unbroken[done], other_seed[0])

    last = unbroken[done - 1]
    root = last.root.clone()
    root[0, 0] = torch.nextafter(root[0, 0], torch.tensor(math.inf, dtype=root.dtype))
    touched = [*unbroken[: done - 1], dataclasses.replace(last, root=root)]
    assert not identical(unbroken[done], next(build(data, wanted, 3, CPU, touched)))


# --- twins ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "feature_map", "width", "cause"),
    [
        ((7, 6, 8), "relu", 1, "raise width: the layer before has 1, fewer than the 3 classes"),
        ((7, 8), "relu", 2, r"raise width: the layer before has 2, and makes \d+ different points"),
        ((7, 6, 8), "cos", 2, "raise n_features: the layer before has 2, fewer than the 3 classes"),
    ],
)
def test_a_later_layer_that_is_singular_is_named_with_its_features(
    counts, feature_map, width, cause
):
    data = small(counts, (1,) * len(counts))
    changes = {"feature_map": feature_map, "width": width, "n_features": width, "depth": 3}
    if feature_map == "cos":
        changes["gamma"] = 1e-30
    with pytest.raises(UserError, match=rf"^layer 2: the kernel matrix of .*; or {cause}"):
        layers_of(data, settings(**changes))


def test_the_first_layer_that_is_singular_has_no_features_before_it():
    data = with_twin(0, 0)
    data.x[:] = data.x[:1]
    with pytest.raises(UserError, match=r"^layer 1: the kernel matrix of") as refusal:
        layers_of(data, settings(depth=2))
    assert "width" not in str(refusal.value)


def with_twin(seed: int, label: int) -> Dataset:
    """Points 0 and 5 are one point; the second has the label given, the first label 0."""
    points = cloud(seed, [6, 4, 5], 5, duplicate=True)
    labels = torch.tensor(oracle.classes_of(points.counts))
    labels[5] = label
    order = torch.argsort(labels, stable=True)
    nobody = torch.zeros(0, dtype=torch.int64)
    return Dataset(points.x[order], labels[order], points.x[:0], nobody, (1, 1, 5), 3)


@pytest.mark.parametrize("precision", deep_rfm.PRECISIONS)
@given(seed=SEEDS)
def test_twins_with_one_label_do_no_harm_or_none_with_the_ridge_advised(precision, seed):
    """The system is singular, but consistent: any solution is the machine without the twin."""
    data, digits = with_twin(seed, 0), 1e-10 if precision == "float64" else 1e-2
    try:
        layer = first_layer(data, settings(precision=precision))
    except ValueError as refusal:
        named = re.search(r"duplicate points\?\); a ridge of (\S+) would help", str(refusal))[1]
        layer = first_layer(data, settings(precision=precision, ridge=float(named)))
    if not layer.fit.valid:
        ridge = radial.safe_ridge(15, deep_rfm.PRECISIONS[precision])
        layer = first_layer(data, settings(precision=precision, ridge=ridge))
        digits = max(digits, 1e3 * ridge)
    single = first_layer(dataclasses.replace(data, x=data.x[1:], labels=data.labels[1:]), PAPER)
    merged = layer.alpha[1:].double()
    merged[4] += layer.alpha[0]
    assert layer.fit.valid
    assert (merged - single.alpha).norm() < digits * single.alpha.norm()


@pytest.mark.parametrize("precision", deep_rfm.PRECISIONS)
@given(seed=SEEDS)
def test_twins_with_two_labels_are_refused_or_marked(precision, seed):
    wanted = settings(precision=precision)
    try:
        layer = first_layer(with_twin(seed, 1), wanted)
    except ValueError as refusal:
        assert "duplicate points" in str(refusal)  # noqa: PT017
    else:
        assert not layer.fit.valid
    assert first_layer(with_twin(seed, 1), settings(ridge=1e-3)).fit.valid


# --- bandwidths and points at the limits ------------------------------------------------------


@pytest.mark.parametrize(
    ("bandwidth", "nc1_of_it", "rank"),
    [(0.05, 2.280, 1.000), (0.06, 2.280, 1.000), (0.08, 2.271, 1.004)],
)
def test_a_gaussian_of_small_bandwidth_has_its_agop(bandwidth, nc1_of_it, rank):
    """Of an independent computation (science.md, F1); with W's diagonal left in, 1.307 and 19.9."""
    data = prepare(load_digits(150, 0), 150, 0)
    wanted = papers.settings("gaussian", ridge=1e-3, bandwidth=bandwidth, depth=1, width=16)
    layer = first_layer(data, wanted)
    assert layer.fit.valid
    assert nc1(layer, data) == pytest.approx(nc1_of_it, abs=6e-4)
    assert spectra.measure(layer.eigenvalues).agop_effective_rank == pytest.approx(rank, abs=6e-4)
    targets = one_hot_targets(data.labels, data.classes, torch.float64)
    identity = torch.eye(64, dtype=torch.float64)
    exact = plain.solve(
        "gaussian", layer.x, targets, bandwidth, 1e-3, identity, plain.exact_distances
    )
    difference = layer.x[:, None] - layer.x
    weights = torch.exp(-difference.square().sum(dim=2) / (2 * bandwidth**2)) / bandwidth**2
    gradients = torch.einsum("ij,jc,ijd->icd", weights, exact, -difference).flatten(0, 1)
    outer = gradients.T @ gradients
    root = plain.root_of(outer / outer.max())
    assert error(layer.root, root.numpy()) < 1e-6


@pytest.mark.parametrize("kernel", ["laplace", "gaussian"])
def test_an_agop_that_vanishes_is_refused_with_the_bandwidth(kernel):
    points = cloud(0, [16, 16], 9)
    labels = torch.tensor(oracle.classes_of(points.counts))
    nobody = torch.zeros(0, dtype=torch.int64)
    data = Dataset(points.x, labels, points.x[:0], nobody, (1, 3, 3), 2)
    with pytest.raises(UserError, match=r"layer 1: the largest entry of the AGOP is .* 0.001, and"):
        first_layer(data, papers.settings(kernel, bandwidth=1e-3, ridge=10.0, width=8))


@pytest.mark.parametrize("apart", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-9, 0])
def test_points_of_two_classes_that_nearly_coincide_are_not_trusted(apart):
    """At 1e-7 M is off by percents (science.md, F9). What is trusted has three digits."""
    data = small()
    x = data.x.clone()
    x[12] = x[0] + apart * torch.ones(6, dtype=torch.float64)
    layer = first_layer(dataclasses.replace(data, x=x), settings(ridge=1e-2))
    targets = one_hot_targets(data.labels, 3, torch.float64)
    identity = torch.eye(6, dtype=torch.float64)
    alpha = plain.solve("laplace", layer.x, targets, 2.0, 1e-2, identity, plain.exact_distances)
    gradients = oracle.machine_gradients("laplace", layer.x.numpy(), alpha.numpy(), 2.0)
    outer = torch.tensor(oracle.agop(gradients))
    off = error(layer.root @ layer.root, (outer / outer.max()).numpy())
    assert layer.fit.valid == (layer.fit.between_distance >= 1e-5)
    assert off < 1e-3 if layer.fit.valid else apart < 1e-4


def test_no_layer_with_values_that_are_not_finite_is_handed_out(monkeypatch):
    def broken(*arguments, **options):
        layer = fit_layer(*arguments, **options)
        return dataclasses.replace(layer, alpha=layer.alpha / 0)

    fit_layer = deep_rfm.fit_layer
    monkeypatch.setattr(deep_rfm, "fit_layer", broken)
    with pytest.raises(UserError, match="layer 1: alpha has values that are not finite"):
        first_layer(small(), PAPER)


@pytest.mark.parametrize("projection", ["agop", "identity"])
def test_alpha_belongs_to_the_metric_that_is_kept(projection):
    """With several iterations, that of the one before the last (science.md, F8)."""
    data, wanted = small(), settings(iterations=3, ridge=1e-2, projection=projection)
    layer = first_layer(data, wanted)
    targets = one_hot_targets(data.labels, 3, torch.float64)
    mapped = layer.x @ layer.metric
    identity = torch.eye(6, dtype=torch.float64)
    alpha = plain.solve("laplace", mapped, targets, 2.0, 1e-2, identity, plain.exact_distances)
    torch.testing.assert_close(layer.alpha, alpha, rtol=1e-7, atol=1e-9)
    earlier = first_layer(data, dataclasses.replace(wanted, iterations=2))
    assert torch.equal(layer.metric, earlier.root)
    assert first_layer(data, PAPER).metric is None


# --- what can be trusted ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("residual", "sensitivity", "distance", "dtype", "expected"),
    [
        (1e-9, 1.0, 1e-3, torch.float64, True),
        (1e-7, 1.0, 1e-3, torch.float64, False),
        (1e-7, 1.0, 1e-3, torch.float32, True),
        (1e-3, 1.0, 1e-3, torch.float32, False),
        (0.0, 1e7, 1.0, torch.float64, True),
        (0.0, 1e8, 1.0, torch.float64, False),
        (0.0, 1e3, 1.0, torch.float32, True),
        (0.0, 1e4, 1.0, torch.float32, False),
        (0.0, 1.0, 1e-12, torch.float64, True),
        (0.0, 1.0, 1e-13, torch.float64, False),
        (0.0, 1.0, 1e-5, torch.float32, False),
        (0.0, 1.0, 0.0, torch.float32, False),
        (math.nan, 1.0, 1.0, torch.float64, False),
        (0.0, math.nan, 1.0, torch.float64, False),
        (math.inf, 1.0, 1.0, torch.float64, False),
        (0.0, 1.0, math.nan, torch.float64, False),
        (0.0, 1.0, math.inf, torch.float64, True),
    ],
)
def test_trust_takes_half_the_digits_and_points_clear_of_rounding(
    residual, sensitivity, distance, dtype, expected
):
    assert is_trustworthy(residual, sensitivity, distance, math.inf, dtype) is expected


@pytest.mark.parametrize(
    ("between", "dtype", "expected"),
    [
        (1.1e-5, torch.float64, True),
        (0.9e-5, torch.float64, False),
        (1.1e-4, torch.float32, False),
        (1.3e-4, torch.float32, True),
        (math.nan, torch.float64, False),
        (math.inf, torch.float32, True),
    ],
)
def test_trust_takes_classes_apart(between, dtype, expected):
    assert is_trustworthy(0.0, 1.0, 1.0, between, dtype) is expected


def test_sensitivity_is_what_an_error_in_the_kernel_matrix_does():
    """Errors of random sign in every entry, times alpha: their size over that of the targets."""
    data = small((40, 50, 60))
    layer = first_layer(data, PAPER)
    targets = oracle.plus_minus_one(data.labels.tolist(), 3)
    noise = np.random.default_rng(0).normal(size=(150, 150))
    expected = np.linalg.norm(noise @ layer.alpha.numpy()) / np.linalg.norm(targets)
    assert layer.fit.sensitivity == pytest.approx(expected, rel=0.1)


RIDGELESS_GAUSSIAN = {"kernel": "gaussian", "width": 256, "depth": 7}


@pytest.fixture(scope="module")
def very_few_digits() -> Dataset:
    return prepare(load_digits(150, 50), 150, 50)


def test_ridgeless_gaussian_in_float32_is_not_silently_valid(very_few_digits, caplog):
    data = very_few_digits
    with caplog.at_level(logging.WARNING):
        single = layers_of(data, settings(precision="float32", **RIDGELESS_GAUSSIAN))
    exact = layers_of(data, settings(**RIDGELESS_GAUSSIAN))
    valid = [layer.fit.valid for layer in single]
    first_invalid = valid.index(False)
    assert 2 <= first_invalid <= 5
    assert not any(valid[first_invalid:])
    assert all(layer.fit.valid for layer in exact)
    off = [abs(nc1(a, data) / nc1(b, data) - 1) for a, b in zip(single, exact, strict=True)]
    assert max(off[:first_invalid]) < 0.05
    # Solved in float64 they are not garbage, but digits are going.
    assert max(off[first_invalid:]) > 100 * max(off[:first_invalid])
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"layer {first_invalid + 1}: not trustworthy")


def test_once_invalid_always_invalid(very_few_digits, caplog):
    """Even where a later layer, or one resumed, would pass for itself."""
    data = very_few_digits
    wanted = settings(precision="float32", ridge=0.1, **RIDGELESS_GAUSSIAN)
    layers = layers_of(data, wanted)
    assert all(layer.fit.valid for layer in layers)
    fit = dataclasses.replace(layers[1].fit, valid=False)
    done = [layers[0], dataclasses.replace(layers[1], fit=fit)]
    resumed = list(build(data, wanted, 0, CPU, done))
    assert not any(layer.fit.valid for layer in resumed)
    assert all(
        dataclasses.replace(layer.fit, valid=True) == before.fit
        for layer, before in zip(resumed, layers[2:], strict=True)
    )
    assert not caplog.messages


@pytest.mark.parametrize(
    ("n", "changes"),
    [
        (300, {"kernel": "gaussian", "depth": 4}),
        (500, {"kernel": "gaussian", "depth": 4, "ridge": 1e-5}),
        (500, {"kernel": "gaussian", "depth": 2, "iterations": 2}),
        (200, {"kernel": "gaussian", "depth": 2, "iterations": 3}),
        (300, {"kernel": "laplace", "depth": 30, "ridge": 1e-3}),
    ],
    ids=str,
)
def test_advice_given_with_a_mark_is_good(n, changes, caplog):
    """A ridge that is said to help makes the layer valid."""
    data = prepare(load_digits(n, 0), n, 0)
    wanted = settings(precision="float32", width=256, **changes)
    with caplog.at_level(logging.WARNING):
        valid = [layer.fit.valid for layer in layers_of(data, wanted)]
    marked = valid.index(False)
    (message,) = caplog.messages
    if named := re.search(r"ridge of (\S+) would help", message):
        helped = dataclasses.replace(wanted, ridge=float(named[1]))
        assert layers_of(data, helped)[marked].fit.valid


@pytest.mark.parametrize(
    "changes",
    [{}, {"kernel": "gaussian", "ridge": 1e-3}, {"feature_map": "cos", "gamma": 0.05}],
    ids=str,
)
def test_valid_layers_of_the_demo_do_not_hang_on_rounding(changes, few_digits):
    wanted = settings(depth=8, width=256, n_features=256, **changes)
    noise = torch.rand(few_digits.x.shape, generator=generator(0, "noise"), dtype=torch.float64)
    nudged = dataclasses.replace(few_digits, x=few_digits.x * (1 + 1e-15 * noise))
    for a, b in zip(layers_of(few_digits, wanted), layers_of(nudged, wanted), strict=True):
        assert a.fit.valid
        assert nc1(a, few_digits) == pytest.approx(nc1(b, nudged), rel=1e-5)


@pytest.mark.parametrize("changes", [{}, {"feature_map": "cos"}], ids=str)
def test_float32(changes, few_digits):
    wanted = settings(width=64, n_features=64, depth=4, **changes)
    exact = layers_of(few_digits, wanted)
    single = layers_of(few_digits, dataclasses.replace(wanted, precision="float32"))
    for a, b in zip(exact, single, strict=True):
        assert {tensor.dtype for tensor in tensors_of(a)} == {torch.float64}
        eigenvalues, others = b.eigenvalues, [t for t in tensors_of(b) if t is not b.eigenvalues]
        assert eigenvalues.dtype == torch.float64
        assert {tensor.dtype for tensor in others} == {torch.float32}
        assert b.fit.valid
        assert nc1(b, few_digits) == pytest.approx(nc1(a, few_digits), rel=5e-3)
        assert nc1(b, few_digits) != nc1(a, few_digits)


def test_without_test_points_there_is_no_test_accuracy():
    data = small()
    alone = dataclasses.replace(data, test_x=data.test_x[:0], test_labels=data.test_labels[:0])
    for layer, other in zip(layers_of(alone, PAPER), layers_of(data, PAPER), strict=True):
        assert layer.fit.test_accuracy is None
        assert torch.equal(layer.root, other.root)


def test_unknown_names():
    for name in ("feature_map", "projection", "agop_norm", "weight_dist"):
        wanted = settings(**{name: "cauchy"})
        with pytest.raises(ValueError, match="unknown .* 'cauchy'; known: "):
            first_layer(small(), wanted)
