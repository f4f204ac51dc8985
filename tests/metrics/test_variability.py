"""Relatives of NC1 against dense matrices and loops, exact fractions, and their invariances."""

import math
from dataclasses import astuple, fields
from fractions import Fraction

import collapse_example as example
import numpy as np
import oracle
import pytest
import torch
from agop_collapse.metrics import collapse, variability
from agop_collapse.metrics.class_means import frame_of_classes
from agop_collapse.metrics.variability import equi_separation, measure, within_classes
from clouds import SEEDS, cloud, clouds, exact_etf, rotation, shuffle_within_classes
from hypothesis import assume, given
from hypothesis import strategies as st

COLLAPSING = (1.0, 0.1, 1e-3)


def assert_same(found, expected, rel=1e-8):
    assert astuple(found) == pytest.approx(astuple(expected), rel=rel, abs=1e-13, nan_ok=True)


def all_nan(found) -> bool:
    return all(math.isnan(value) for value in astuple(found))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nc1_pinv", 0.1107989214),
        ("fuzziness", 0.3323967641),
        ("vci", 0.1246793796),
        ("cdnv", 0.1824966964),
        ("cdnv_directional", 0.02414169131),
    ],
)
def test_known_digits(name, expected):
    found = getattr(measure(example.X, example.COUNTS), name)
    assert found == pytest.approx(expected, rel=1e-9)


def class_covariances(x: np.ndarray, counts: list[int]) -> list[np.ndarray]:
    labels = np.array(oracle.classes_of(counts))
    parts = [x[labels == k] for k in range(len(counts))]
    return [(part - part.mean(axis=0)).T @ (part - part.mean(axis=0)) / len(part) for part in parts]


def by_dense_matrices(x: np.ndarray, counts: list[int], weighting: str) -> variability.Variability:
    """d x d matrices, numpy's pseudo-inverse, loops over pairs."""
    n, d = x.shape
    classes = len(counts)
    weights = [count / n if weighting == "samples" else 1 / classes for count in counts]
    covariances = class_covariances(x, counts)
    means = [oracle.class_mean(x, counts, k) for k in range(classes)]
    within = sum(w * s for w, s in zip(weights, covariances, strict=True))
    between = oracle.covariances(x, counts)[1]
    g = sum(w * m for w, m in zip(weights, means, strict=True))
    weighted = sum(w * np.outer(m - g, m - g) for w, m in zip(weights, means, strict=True))

    def inverse(matrix: np.ndarray, rank: int) -> np.ndarray:
        values, vectors = np.linalg.eigh(matrix)
        return (vectors[:, -rank:] / values[-rank:]) @ vectors[:, -rank:].T

    directions = min(d, classes - 1)
    total = np.linalg.pinv(within + weighted, rcond=1e-13, hermitian=True)
    pairs, along = [], []
    for i in range(classes):
        for j in range(classes):
            if i != j:
                apart = means[i] - means[j]
                square = apart @ apart
                pairs.append(np.trace(covariances[i] + covariances[j]) / (2 * square))
                along.append(apart @ covariances[i] @ apart / square**2)
    return variability.Variability(
        np.trace(within @ inverse(between, directions)) / classes,
        np.trace(within @ inverse(weighted, directions)),
        1 - np.trace(total @ weighted) / directions,
        np.mean(pairs),
        max(pairs),
        np.mean(along),
    )


@pytest.mark.parametrize("weighting", ["samples", "classes"])
@given(points=clouds(spreads=COLLAPSING, min_points=2))
def test_measures_are_their_definitions(weighting, points):
    found = measure(points.x, points.counts, weighting=weighting)
    expected = by_dense_matrices(points.x.numpy(), points.counts, weighting)
    # Dense matrices square the condition of the class means.
    assert astuple(found) == pytest.approx(astuple(expected), rel=1e-6, abs=1e-8)


@given(clouds(min_points=1))
def test_nc1_by_samples_is_that_of_collapse(points):
    found = variability.nc1(within_classes(points.x, points.counts))
    expected = collapse.measure(points.x, points.counts).nc1
    assert found == pytest.approx(expected, rel=1e-10, nan_ok=True)


def test_nc1_by_classes_by_hand():
    """Variances 1 and 9 of two classes, means 1 and 7: S_B = 9."""
    x = torch.tensor([[0.0], [2.0], [0.0], [2.0], [4.0], [10.0]])
    assert variability.nc1(within_classes(x, [4, 2], weighting="classes")) == 5 / 9
    assert variability.nc1(within_classes(x, [4, 2])) == pytest.approx((4 + 18) / 6 / 9)


@given(clouds(min_points=2))
def test_fuzziness_of_classes_that_count_alike(points):
    found = measure(points.x, points.counts, weighting="classes")
    assert found.fuzziness == pytest.approx(len(points.counts) * found.nc1_pinv, rel=1e-8)


@given(points=clouds(min_points=2), seed=SEEDS, scale=st.floats(1e-3, 1e3))
def test_measures_do_not_see_frame_order_and_scale(points, seed, scale):
    found = measure(points.x, points.counts)
    turn = rotation(seed, points.x.shape[1])
    moved = scale * (points.x @ turn + turn[0])[shuffle_within_classes(seed, points.counts)]
    assert_same(measure(moved, points.counts), found, rel=1e-6)


@given(points=clouds(min_points=2), seed=SEEDS)
def test_measures_do_not_see_the_order_of_classes(points, seed):
    order = np.random.default_rng(seed).permutation(len(points.counts))
    parts = points.x.split(points.counts)
    permuted = torch.cat([parts[k] for k in order])
    found = measure(permuted, [points.counts[k] for k in order])
    assert_same(found, measure(points.x, points.counts), rel=1e-6)


@given(points=clouds(spreads=COLLAPSING, min_points=3), seed=SEEDS)
def test_vci_alone_does_not_see_linear_maps(points, seed):
    d = points.x.shape[1]
    map_ = rotation(seed, d) * torch.logspace(-1, 1, d, dtype=torch.float64) @ rotation(seed + 1, d)
    found, mapped = measure(points.x, points.counts), measure(points.x @ map_, points.counts)
    assert mapped.vci == pytest.approx(found.vci, rel=1e-6, abs=1e-12)
    if d > len(points.counts):
        assert mapped.fuzziness != pytest.approx(found.fuzziness, rel=1e-3)


def solved(matrix: list[list[Fraction]], right: list[list[Fraction]]) -> list[list[Fraction]]:
    """Gauss and Jordan, exactly."""
    rows = [[*a, *b] for a, b in zip(matrix, right, strict=True)]
    for column in range(len(rows)):
        pivot = next(i for i in range(column, len(rows)) if rows[i][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for i, row in enumerate(rows):
            if i != column:
                rows[i] = [a - row[column] * b for a, b in zip(row, rows[column], strict=True)]
    return [row[len(rows) :] for row in rows]


def exact_vci(x: np.ndarray, counts: list[int]) -> float:
    """1 - tr(S_T^-1 SS_B) / min(d, K-1) in fractions; S_T has to be invertible."""
    points = [[Fraction(value) for value in row] for row in x.tolist()]
    n, d = x.shape
    labels = oracle.classes_of(counts)

    def mean(rows):
        return [sum(column) / len(rows) for column in zip(*rows, strict=True)]

    centre = mean(points)
    of_classes = [[] for _ in counts]
    for point, k in zip(points, labels, strict=True):
        of_classes[k].append(point)
    means = [mean(rows) for rows in of_classes]

    def covariance(rows):
        apart = [[a - b for a, b in zip(row, centre, strict=True)] for row in rows]
        return [[sum(row[i] * row[j] for row in apart) / n for j in range(d)] for i in range(d)]

    product = solved(covariance(points), covariance([means[k] for k in labels]))
    return float(1 - sum(product[i][i] for i in range(d)) / min(d, len(counts) - 1))


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("bits", [0, 10, 20, 24])
def test_vci_is_exact_down_to_collapse(bits, d):
    """Deviations of 2^-bits of the means' distances: VCI of 4^-bits, and nine digits of it."""
    random = np.random.default_rng(d)
    counts = [3, 4, 5]
    means = random.integers(-64, 64, size=(3, d))
    x = means[oracle.classes_of(counts)] + random.integers(-64, 64, size=(12, d)) * 2.0**-bits
    found = measure(torch.tensor(x), counts).vci
    assert found == pytest.approx(exact_vci(x, counts), rel=1e-9)
    assert found < 4**-bits * 1000


@pytest.mark.parametrize("larger", [0, 20])
def test_vci_of_directions_far_below_the_root_of_rounding(larger):
    """Deviations of 2^-36 of others': their squares are rounding of the others', they are not."""
    random = np.random.default_rng(0)
    counts, d = [5, 4, 6], 4
    x = random.integers(-64, 64, size=(15, d)) + 100 * np.eye(3, d)[oracle.classes_of(counts)]
    expected = exact_vci(x, counts)
    mapped = torch.tensor(x * 2.0 ** -np.array([0, 12, 24, 36]))
    turned = torch.cat([mapped, torch.zeros(15, larger)], dim=1)
    if larger:
        turned = turned @ torch.flip(torch.eye(d + larger).double(), [0])
    assert measure(turned, counts).vci == pytest.approx(expected, rel=1e-7)


def test_vci_of_directions_that_are_rounding_in_single_precision():
    """Three dimensions in forty, as a layer that is wider than its input makes them: so do these
    still have an index, and the other directions, rounding alone, explain nothing."""
    points = cloud(0, [30, 40, 30], 3)
    wide = points.x.float() @ rotation(1, 40)[:3].float()
    expected = measure(points.x, points.counts).vci
    assert expected > 0.05
    assert measure(wide, points.counts).vci == pytest.approx(expected, rel=1e-5)
    assert measure(wide.double(), points.counts).vci < 0.9 * expected  # as these are all its digits


def test_vci_by_parts_of_the_points(monkeypatch):
    points = cloud(0, [7, 4, 6], 5)
    whole = measure(points.x, points.counts).vci
    monkeypatch.setattr(variability, "AT_A_TIME", 3)
    assert measure(points.x, points.counts).vci == pytest.approx(whole, rel=1e-10)


@given(points=clouds(spreads=COLLAPSING, min_points=3), seed=SEEDS)
def test_vci_in_a_larger_space(points, seed):
    """Where d exceeds n another matrix is decomposed; the points are the same."""
    d, larger = points.x.shape[1], 30
    assume(d >= len(points.counts) - 1)
    embedded = points.x @ rotation(seed, larger)[:d] + 0.1
    found = measure(embedded, points.counts).vci
    assert found == pytest.approx(measure(points.x, points.counts).vci, rel=1e-6, abs=1e-12)


def test_vci_says_nothing_of_points_in_general_position():
    assert measure(cloud(0, [4, 5, 6], 14).x, [4, 5, 6]).vci < 1e-12
    assert measure(cloud(0, [4, 5, 6], 40).x, [4, 5, 6]).vci < 1e-12
    assert measure(cloud(0, [4, 5, 6], 8).x, [4, 5, 6]).vci > 0.05


def test_vci_of_units_that_are_dead():
    x = torch.cat([example.X, torch.zeros(12, 3), torch.ones(12, 2)], dim=1)
    assert measure(x, example.COUNTS).vci == pytest.approx(0.1246793796, rel=1e-9)


def test_vci_counts_a_direction_that_class_means_lack():
    """Means on a line, three classes, two dimensions: along the other all is within."""
    x = torch.tensor([[c + s, t] for c in (0, 2, 4) for s, t in [(0.5, 1), (-0.5, 1), (0, -2)]])
    within, between = 1 / 6, 8 / 3
    expected = 1 - between / (within + between) / 2
    assert measure(x, [3, 3, 3]).vci == pytest.approx(expected, rel=1e-12)


def test_vci_can_be_left_out():
    with_it, without = (
        measure(example.X, example.COUNTS, with_vci=with_vci) for with_vci in (True, False)
    )
    assert math.isnan(without.vci)
    for field in fields(with_it):
        if field.name != "vci":
            assert getattr(without, field.name) == getattr(with_it, field.name)


@pytest.mark.parametrize("counts", [[4, 4], [3, 3, 3], [2, 5, 2, 7], [6] * 10])
def test_exact_collapse(counts):
    found = measure(exact_etf(len(counts), counts, len(counts) + 3), counts)
    assert max(astuple(found)) < 1e-28


def test_two_classes_by_hand():
    """On a line, means 0 and 4, variances 1 and 4: one direction, and all measures have it."""
    x = torch.tensor([[-1.0], [1.0], [2.0], [6.0]])
    found = measure(x, [2, 2])
    assert found.nc1_pinv == pytest.approx(2.5 / 4 / 2)
    assert found.fuzziness == pytest.approx(2.5 / 4)
    assert found.vci == pytest.approx(2.5 / 6.5)
    assert found.cdnv == found.cdnv_max == pytest.approx(5 / 32)
    assert found.cdnv_directional == pytest.approx(5 / 32)


def test_class_of_one_point_is_left_out():
    points = cloud(2, [3, 1, 4, 1], 5)
    parts = points.x.split(points.counts)
    expected = measure(torch.cat([parts[0], parts[2]]), [3, 4])
    assert measure(points.x, points.counts) == expected
    frame = frame_of_classes(points.x, points.counts)
    assert measure(points.x, points.counts, frame) == expected


@pytest.mark.parametrize("counts", [[1, 1, 1], [1, 4], [1, 1, 9]])
def test_without_two_classes_that_vary_there_is_nothing(counts):
    assert all_nan(measure(cloud(0, counts, 4).x, counts))


def test_frame_that_the_caller_has():
    frame = frame_of_classes(example.X, example.COUNTS)
    assert measure(example.X, example.COUNTS, frame) == measure(example.X, example.COUNTS)


def test_means_that_are_one():
    x = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    assert all_nan(measure(x, [2, 2]))
    within = within_classes(x, [2, 2])
    assert math.isnan(variability.nc1(within))
    assert math.isnan(variability.nc1_pinv(within))
    assert math.isnan(variability.fuzziness(within))
    assert math.isnan(variability.vci(x, within))


def test_one_pair_of_means_that_are_one():
    """No pair's distance to divide by; the other directions are there."""
    x = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1], [5, 1], [5, -1]])
    found = measure(x, [2, 2, 2])
    assert all(map(math.isnan, (found.cdnv, found.cdnv_max, found.cdnv_directional)))
    # Along the first axis: S_W = 2/6, S_B = 50/9.
    assert found.nc1_pinv == pytest.approx((2 / 6) / (50 / 9) / 3, rel=1e-12)


def test_float32_is_measured_in_float64():
    x = example.X.float()
    assert measure(x, example.COUNTS) == measure(x.double(), example.COUNTS)


@pytest.mark.parametrize("counts", [[4], [2, 1], [2, 3], []])
def test_counts_that_do_not_fit(counts):
    with pytest.raises(ValueError, match=r"class counts \[.*\] do not split 4 points"):
        measure(torch.zeros(4, 2), counts)


def test_weighting_that_is_not_known():
    with pytest.raises(ValueError, match="weighting must be 'samples' or 'classes', not 'points'"):
        within_classes(example.X, example.COUNTS, weighting="points")


# --- equi-separation --------------------------------------------------------------------------


def test_equi_separation_known_digits():
    found = equi_separation([10, 6, 3, 2, 1.2])
    assert found.rho == pytest.approx(0.5863057099, rel=1e-9)
    assert found.correlation == pytest.approx(-0.9970063667, rel=1e-9)
    assert found.r_squared == pytest.approx(0.9970063667**2, rel=1e-9)


@given(st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=12, unique=True), st.floats(1e-3, 1e3))
def test_equi_separation_is_a_least_squares_line(values, scale):
    layers = np.arange(len(values)) * 2 + 3
    slope, intercept = np.polyfit(layers, np.log(values), 1)
    found = equi_separation(values, layers.tolist())
    assert math.log(found.rho) == pytest.approx(slope, rel=1e-8, abs=1e-10)
    residual = np.log(values) - intercept - slope * layers
    spread = np.log(values).var()
    assert found.r_squared == pytest.approx(1 - residual.var() / spread, rel=1e-6, abs=1e-8)
    scaled = equi_separation([scale * value for value in values], layers.tolist())
    assert scaled.rho == pytest.approx(found.rho, rel=1e-8)


def test_equi_separation_of_a_law_that_holds():
    found = equi_separation([5 * 0.3**layer for layer in range(6)])
    assert astuple(found) == pytest.approx((0.3, -1, 1), rel=1e-12)


def test_two_layers_have_a_rate_and_no_correlation():
    found = equi_separation([8, 2])
    assert found.rho == pytest.approx(0.25, rel=1e-14)
    assert math.isnan(found.correlation)
    assert math.isnan(found.r_squared)


def test_layers_that_are_alike_have_a_rate_of_one():
    found = equi_separation([2.0, 2, 2])
    assert found.rho == 1
    assert math.isnan(found.correlation)


@pytest.mark.parametrize("values", [[], [3], [3, 0, 1], [3, math.nan, 1], [1, -1, 2]])
def test_nothing_to_fit(values):
    assert all_nan(equi_separation(values))


def test_layers_have_to_be_as_many_as_values():
    with pytest.raises(ValueError, match="3 values at 2 layers"):
        equi_separation([3, 2, 1], [1, 2])
