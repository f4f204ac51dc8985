"""Relatives of NC2 against their definitions, faces of hulls one by one, and exact frames."""

import itertools
import math
from dataclasses import astuple

import collapse_example as example
import numpy as np
import oracle
import pytest
import torch
from agop_collapse.metrics import collapse, frames
from agop_collapse.metrics.class_means import frame_of, frame_of_classes
from clouds import SEEDS, cloud, exact_etf, rotation
from hypothesis import given
from hypothesis import strategies as st


@st.composite
def vectors(draw, most=6):
    """Three or more random vectors, also more than there is room for."""
    return cloud(draw(SEEDS), [1] * draw(st.integers(3, most)), draw(st.integers(2, 8))).x


def regular(corners: int) -> torch.Tensor:
    """Points on a circle."""
    angle = 2 * math.pi * torch.arange(corners, dtype=torch.float64) / corners
    return torch.stack([angle.cos(), angle.sin()], dim=1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("equinorm", 0.1212603879),
        ("equiangle_sd", 0.1307768748),
        ("max_angle", 0.1241421361),
        ("etf_distance", 0.2611465363),
        ("frame_distance", 0.6155834998),
        ("condition_number", 3.798688417),
        ("gnc2", 1.401849737),
        ("log_distance_mean", -0.5452904629),
        ("log_distance_variance", 0.001824553354),
    ],
)
def test_known_digits(name, expected):
    frame = frame_of_classes(example.X, example.COUNTS)
    assert getattr(frames.measure(frame), name) == pytest.approx(expected, rel=1e-9)


def test_known_digits_of_nc2():
    frame = frame_of_classes(example.X, example.COUNTS)
    assert frames.nc2(frame) == pytest.approx(0.3207280227, rel=1e-9)


# --- against their definitions ----------------------------------------------------------------


def scaled(matrix: np.ndarray) -> np.ndarray:
    return matrix / math.sqrt((matrix**2).sum())


def root_of_square(matrix: np.ndarray) -> np.ndarray:
    """|T| of a symmetric matrix, by its eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * abs(values)) @ vectors.T


def distance_to_faces(point: np.ndarray, corners: np.ndarray) -> float:
    """From the hull: the least distance to a face in whose inside the point's foot lies."""
    best = math.inf
    for size in range(1, len(corners) + 1):
        for face in itertools.combinations(corners, size):
            face = np.array(face)
            edges = (face[1:] - face[0]).T
            if np.linalg.matrix_rank(edges, tol=1e-9) < size - 1:
                continue
            rest = np.linalg.pinv(edges) @ (point - face[0])
            if (rest >= 0).all() and rest.sum() <= 1:
                best = min(best, np.linalg.norm(face[0] + edges @ rest - point))
    return best


def by_definition(m: np.ndarray) -> frames.FrameGeometry:
    classes = len(m)
    centred = m - m.mean(axis=0)
    norms = [math.sqrt(row @ row) for row in centred]
    q = centred / np.array(norms)[:, None]
    pairs = list(itertools.combinations(range(classes), 2))
    cosines = [q[i] @ q[j] for i, j in pairs]
    logs = [math.log(1 / math.dist(q[i], q[j])) for i, j in pairs]
    mean_norm = sum(norms) / classes
    projection = np.eye(classes) - 1 / classes
    target = root_of_square(2 * np.eye(classes) - 1)
    return frames.FrameGeometry(
        math.sqrt(sum((norm - mean_norm) ** 2 for norm in norms) / (classes - 1)) / mean_norm,
        np.std(cosines),
        np.mean([abs(cosine + 1 / (classes - 1)) for cosine in cosines]),
        np.linalg.norm(scaled(centred @ centred.T) - projection / math.sqrt(classes - 1)),
        np.linalg.norm(scaled(m @ m.T) - np.eye(classes) / math.sqrt(classes)),
        np.linalg.norm(scaled(m @ m.T) - scaled(target)),
        np.linalg.cond(m),
        min(distance_to_faces(q[c], np.delete(q, c, axis=0)) for c in range(classes)),
        np.mean(logs),
        np.var(logs),
    )


@given(vectors())
def test_measures_are_their_definitions(x):
    found, expected = frames.measure(frame_of(x)), by_definition(x.numpy())
    assert astuple(found) == pytest.approx(astuple(expected), rel=1e-8, abs=1e-9)


@given(vectors())
def test_nc2_is_that_of_collapse(x):
    expected = collapse.measure(x, [1] * len(x)).nc2
    assert frames.nc2(frame_of(x)) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@given(x=vectors(), seed=SEEDS, scale=st.floats(1e-3, 1e3))
def test_measures_do_not_see_turns_order_and_scale(x, seed, scale):
    order = np.random.default_rng(seed).permutation(len(x))
    moved = scale * (x @ rotation(seed, x.shape[1]))[order]
    expected = astuple(frames.measure(frame_of(x)))
    assert astuple(frames.measure(frame_of(moved))) == pytest.approx(expected, rel=1e-7, abs=1e-9)


@given(vectors())
def test_three_measures_see_where_the_origin_is(x):
    found, moved = (frames.measure(frame_of(y)) for y in (x, x + 3))
    for name, value in vars(found).items():
        same = getattr(moved, name) == pytest.approx(value, rel=1e-7, abs=1e-9)
        assert same != (name in ("frame_distance", "target_distance", "condition_number")), name


# --- exact frames -----------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [3, 4, 10])
def test_simplex_etf(classes):
    x = exact_etf(classes, [1] * classes, classes + 3)
    found = frames.measure(frame_of(x))
    zero = [found.equinorm, found.equiangle_sd, found.max_angle, found.etf_distance]
    assert max([*zero, found.log_distance_variance]) < 1e-13
    assert found.gnc2 == pytest.approx(frames.simplex_margin(classes), rel=1e-12)
    apart = math.sqrt(2 + 2 / (classes - 1))
    assert found.log_distance_mean == pytest.approx(-math.log(apart), rel=1e-12)


def test_orthonormal_frame():
    """Centred it is a simplex ETF; a simplex ETF is no orthonormal frame."""
    found = frames.measure(frame_of(rotation(0, 7)[:5]))
    assert found.frame_distance < 1e-14
    assert found.etf_distance < 1e-14
    assert found.condition_number == pytest.approx(1, rel=1e-13)
    centred = frames.measure(frame_of(collapse.simplex_etf(5)))
    assert centred.etf_distance < 1e-14
    assert centred.frame_distance > 0.1
    assert math.isnan(centred.condition_number)


@pytest.mark.parametrize("classes", [2, 3, 6, 10])
def test_frame_that_the_targets_ask_for(classes):
    target = root_of_square(2 * np.eye(classes) - 1)
    np.testing.assert_allclose(frames.target_frame(classes), target, atol=1e-13)
    x = torch.tensor(oracle.root_of(target)) @ rotation(0, classes + 2)[:classes]
    assert frames.measure(frame_of(x)).target_distance < 1e-13


def test_unequal_shares_do_not_move_the_centre():
    """An exact ETF; about the mean of the points max_angle would be .1924."""
    points = exact_etf(4, [4, 3, 2, 1], 6)
    found = frames.measure(frame_of_classes(points, [4, 3, 2, 1]))
    assert found.max_angle < 1e-13
    of_rows = frame_of(points[[0, 4, 7, 9]] - points.mean(dim=0))
    norms = of_rows.vectors / torch.linalg.vector_norm(of_rows.vectors, dim=1, keepdim=True)
    i, j = torch.triu_indices(4, 4, offset=1)
    about_points = ((norms @ norms.T)[i, j] + 1 / 3).abs().mean()
    assert float(about_points) == pytest.approx(0.1924, abs=5e-5)


def test_more_classes_than_a_simplex_has_room_for():
    """Five points on a circle have the least there is."""
    frame = frame_of(regular(5))
    found = frames.measure(frame)
    assert frames.nc2(frame) == pytest.approx(2.5, rel=1e-9)
    assert frames.nc2_floor(5, 2) == pytest.approx(2.5, rel=1e-12)
    assert found.etf_distance == pytest.approx(0.7653668647, rel=1e-9)
    assert frames.etf_distance_floor(5, 2) == pytest.approx(0.7653668647, rel=1e-9)
    assert found.gnc2 == pytest.approx(0.6909830056, rel=1e-9)


@given(SEEDS, st.integers(3, 9), st.integers(1, 9))
def test_floors_hold(seed, classes, d):
    frame = frame_of(cloud(seed, [1] * classes, d).x)
    assert frames.nc2(frame) >= frames.nc2_floor(classes, d) * (1 - 1e-12)
    assert frames.etf_distance(frame) >= frames.etf_distance_floor(classes, d) * (1 - 1e-12)
    has_floor = classes > d + 1
    assert (frames.nc2_floor(classes, d) > 0) == has_floor
    assert (frames.etf_distance_floor(classes, d) > 0) == has_floor


# --- hulls ------------------------------------------------------------------------------------


@given(SEEDS, st.integers(1, 6), st.integers(1, 5))
def test_distance_to_hull(seed, corners, d):
    random = np.random.default_rng(seed)
    points, point = random.normal(size=(corners, d)), random.normal(size=d)
    expected = distance_to_faces(point, points)
    assert frames.distance_to_hull(point, points) == pytest.approx(expected, rel=1e-8, abs=1e-9)


def test_distance_to_hull_by_hand():
    square = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    for point, expected in [((2, 0.3), 1), ((2, 3), math.sqrt(5)), ((0.2, -0.5), 0), ((1, 1), 0)]:
        found = frames.distance_to_hull(np.array(point, dtype=float), square)
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(SEEDS, st.integers(1, 20), st.integers(1, 40), st.booleans())
def test_non_negative_least_squares_is_optimal(seed, rows, columns, repeated):
    """Karush, Kuhn and Tucker: u >= 0, A^T (b - A u) <= 0, and 0 where u > 0."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(rows, columns)), random.normal(size=rows)
    if repeated:
        a[:, -1] = a[:, 0]
    u = frames.non_negative_least_squares(a, b / np.linalg.norm(b))
    gain = a.T @ (b / np.linalg.norm(b) - a @ u)
    assert (u >= 0).all()
    assert gain.max() < 1e-11
    assert abs(gain[u > 0]).max(initial=0) < 1e-11


@pytest.mark.parametrize("d", [2, 5, 9, 30])
def test_margin_of_ten_classes(d):
    """No faces to try here: the nearest point's weights, from the dual side.

    A unit vector that separates a point from the hull by some distance shows that it is no nearer.
    """
    x = cloud(d, [1] * 10, d).x
    q = frames.directions(frame_of(x)).numpy()
    found = []
    for c in range(10):
        corners = np.delete(q, c, axis=0)
        a = np.vstack([(corners - q[c]).T, np.ones(9)])
        weights = frames.non_negative_least_squares(a, np.eye(len(a))[-1])
        foot = (weights / weights.sum()) @ corners
        distance = np.linalg.norm(foot - q[c])
        normal = (foot - q[c]) / distance
        assert ((corners - q[c]) @ normal).min() == pytest.approx(distance, rel=1e-9)
        found.append(distance)
    assert frames.gnc2(frame_of(x)) == pytest.approx(min(found), rel=1e-12)


# --- edges ------------------------------------------------------------------------------------


def nan_fields(found: frames.FrameGeometry) -> set[str]:
    return {name for name, value in vars(found).items() if math.isnan(value)}


OF_DIRECTIONS = {
    "equiangle_sd",
    "max_angle",
    "gnc2",
    "log_distance_mean",
    "log_distance_variance",
}


def test_two_classes_are_trivial():
    frame = frame_of(cloud(0, [1, 1], 5).x)
    assert nan_fields(frames.measure(frame)) == OF_DIRECTIONS | {"equinorm", "etf_distance"}
    assert math.isnan(frames.nc2(frame))


def test_vectors_that_are_one():
    found = frames.measure(frame_of(torch.ones(4, 3)))
    assert nan_fields(found) == OF_DIRECTIONS | {"equinorm", "etf_distance", "condition_number"}


def test_no_vectors_at_all():
    assert len(nan_fields(frames.measure(frame_of(torch.zeros(4, 3))))) == 10


def test_vector_at_the_centre_has_no_direction():
    x = torch.tensor([[1.0, 1], [-1, 1], [0, -2], [0, 0]])
    frame = frame_of(x)
    assert nan_fields(frames.measure(frame)) == OF_DIRECTIONS
    assert math.isnan(frames.nc2(frame))


def test_two_vectors_that_are_one():
    """Their distance has no logarithm, and one lies in the hull of the others."""
    found = frames.measure(frame_of(torch.tensor([[1.0, 0], [1, 0], [-1, 1], [0, -3]])))
    assert nan_fields(found) == {"log_distance_mean", "log_distance_variance"}
    assert found.gnc2 < 1e-12


@given(SEEDS)
def test_two_class_means_that_are_one_but_for_rounding(seed):
    points = 1e3 * cloud(seed, [40], 6).x
    step = torch.eye(6, dtype=torch.float64)
    x = torch.cat([points, points.flip(0), points + step[0], points - step[1]])
    found = nan_fields(frames.measure(frame_of_classes(x, [40] * 4)))
    assert found == {"log_distance_mean", "log_distance_variance", "condition_number"}


def test_condition_of_dependent_vectors():
    x = cloud(0, [1] * 4, 6).x
    x[3] = x[0] + x[1]
    assert math.isnan(frames.condition_number(frame_of(x)))


def test_float32_is_measured_in_float64():
    x = cloud(3, [1] * 5, 4).x.float()
    assert frames.measure(frame_of(x)) == frames.measure(frame_of(x.double()))
