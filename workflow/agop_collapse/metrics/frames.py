"""Relatives of NC2: how K vectors, class means or rows of a readout, stand to each other."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..common.classes import unit_rows
from .class_means import EPS, Frame
from .collapse import simplex_etf


@dataclass(frozen=True)
class FrameGeometry:
    """How K vectors stand to each other; see `measure`."""

    equinorm: float
    equiangle_sd: float
    max_angle: float
    etf_distance: float
    frame_distance: float
    target_distance: float
    condition_number: float
    gnc2: float
    log_distance_mean: float
    log_distance_variance: float


def measure(frame: Frame, with_gnc2: bool = True) -> FrameGeometry:
    """The geometry of K vectors in ten numbers; see the functions of their names.

    Those about the centred vectors are trivial of two classes, and nan there. They are also nan
    where the vectors are one but for rounding, and those of directions where one vector is the
    centre: it has none.

    Parameters
    ----------
    frame : `frame_of_classes` of points, or `frame_of` the rows of a readout
    with_gnc2 : False leaves GNC2 nan, which takes seconds of a hundred vectors

    Returns
    -------
    FrameGeometry, with (c of the centred vectors, q of these with unit norm)
        equinorm = standard deviation (divisor K - 1) of the norms of c over their mean, and
        max_angle = mean over pairs of |<q_i, q_j> + 1/(K-1)| (Papyan, Han and Donoho, arXiv
            2008.08186);
        equiangle_sd = standard deviation over pairs (divisor K (K - 1) / 2) of <q_i, q_j>;
        etf_distance = distance of C C^T from a simplex ETF's, both of unit Frobenius norm
            (arXiv 2105.02375, 2206.04041); unlike NC2 it sees the norms;
        frame_distance = the same, uncentred, from an orthonormal frame's (arXiv 2202.08087);
        target_distance = the same, uncentred, from the frame that targets of +-1 ask for;
        condition_number = largest over smallest singular value of the K x d matrix, uncentred; nan
            where the smallest is rounding;
        gnc2 = smallest distance of a q from the convex hull of the others (GNC2, arXiv
            2310.05351): larger is better, K/(K-1) of a simplex ETF;
        log_distance_mean, log_distance_variance = over pairs, of -ln ||q_i - q_j|| (hyperspherical
            uniformity, arXiv 2405.17767); nan where two directions are one.
    """
    return FrameGeometry(
        equinorm(frame),
        *angles(frame),
        etf_distance(frame),
        frame_distance(frame),
        target_distance(frame),
        condition_number(frame),
        gnc2(frame) if with_gnc2 else math.nan,
        *log_distances(frame),
    )


def equinorm(frame: Frame) -> float:
    """Standard deviation of the norms of the centred vectors over their mean."""
    if frame.classes == 2 or not frame.rank:
        return math.nan
    norms = torch.linalg.vector_norm(frame.centred, dim=1)
    return float(norms.std() / norms.mean())


def directions(frame: Frame) -> Tensor | None:
    """(K, r) unit centred vectors, along `frame.directions`; None where one has no direction."""
    norms = torch.linalg.vector_norm(frame.coordinates, dim=1)
    if not frame.rank or norms.min() <= max(frame.rounding, EPS * float(norms.max())):
        return None
    return unit_rows(frame.coordinates)


def nc2(frame: Frame) -> float:
    """|| q q^T - Sigma_ETF ||_F: of class means the NC2 of `collapse.measure`."""
    unit = directions(frame)
    if frame.classes == 2 or unit is None:
        return math.nan
    etf = simplex_etf(frame.classes).to(unit.device)
    return float(torch.linalg.matrix_norm(unit @ unit.T - etf))


def angles(frame: Frame) -> tuple[float, float]:
    """`equiangle_sd` and `max_angle` of `measure`."""
    unit = directions(frame)
    if frame.classes == 2 or unit is None:
        return math.nan, math.nan
    cosines = _pairs(unit @ unit.T)
    ideal = -1 / (frame.classes - 1)
    return float(cosines.std(correction=0)), float((cosines - ideal).abs().mean())


def etf_distance(frame: Frame) -> float:
    """|| A / ||A||_F - P / sqrt(K-1) ||_F, A the Gram matrix of the centred vectors."""
    if frame.classes == 2 or not frame.rank:
        return math.nan
    return _distance(frame.centred @ frame.centred.T, simplex_etf(frame.classes))


def frame_distance(frame: Frame) -> float:
    """|| M M^T / ||M M^T||_F - I / sqrt(K) ||_F."""
    return _distance(frame.vectors @ frame.vectors.T, torch.eye(frame.classes))


def target_distance(frame: Frame) -> float:
    """Distance of M M^T from |T|, both of unit Frobenius norm, for the targets T = 2 I - 1 1^T.

    With free features, a readout without bias and little weight decay, the squared error is least
    where M M^T is in proportion to |T| = 2 P + |K-2| 1 1^T / K, P the projection off 1.
    """
    return _distance(frame.vectors @ frame.vectors.T, target_frame(frame.classes))


def target_frame(classes: int) -> Tensor:
    """|T| of `target_distance`, (K, K) float64."""
    mean = torch.full((classes, classes), 1 / classes, dtype=torch.float64)
    return 2 * (torch.eye(classes, dtype=torch.float64) - mean) + (classes - 2) * mean


def condition_number(frame: Frame) -> float:
    """Largest over smallest of the min(K, d) singular values of the vectors, uncentred."""
    values = torch.linalg.svdvals(frame.vectors)
    least = max(max(frame.vectors.shape) * EPS * float(values[0]), frame.rounding)
    return float(values[0] / values[-1]) if values[-1] > least else math.nan


def log_distances(frame: Frame) -> tuple[float, float]:
    """`log_distance_mean` and `log_distance_variance` of `measure`."""
    unit = directions(frame)
    if frame.classes == 2 or unit is None:
        return math.nan, math.nan
    distances = _pairs(torch.cdist(unit, unit, compute_mode="donot_use_mm_for_euclid_dist"))
    shortest = float(torch.linalg.vector_norm(frame.coordinates, dim=1).min())
    if distances.min() <= max(16 * EPS, frame.rounding / shortest):
        return math.nan, math.nan
    logs = -distances.log()
    return float(logs.mean()), float(logs.var(correction=0))


def gnc2(frame: Frame) -> float:
    """Smallest distance of a unit centred vector from the convex hull of the others.

    K non-negative least-squares problems of K - 1 unknowns each, in at most K - 1 dimensions: of
    10 classes milliseconds, of 100 seconds.
    """
    unit = directions(frame)
    if frame.classes == 2 or unit is None:
        return math.nan
    points = unit.cpu().numpy()
    return min(
        distance_to_hull(points[c], np.delete(points, c, axis=0)) for c in range(len(points))
    )


def distance_to_hull(point: np.ndarray, corners: np.ndarray) -> float:
    """Distance of a point from the convex hull of others, exact but for rounding.

    Over u >= 0, ||P^T u||^2 + (sum u - 1)^2 is least at a multiple of the weights of the hull's
    nearest point, P being the corners less the point: for u = t w with sum w = 1 and D = ||P^T w||,
    the best t = 1 / (1 + D^2) leaves D^2 / (1 + D^2), which grows with D.

    Parameters
    ----------
    point : (r,) float64; corners : (m, r) float64, m >= 1, at distances of order 1
    """
    apart = corners - point
    weights = non_negative_least_squares(
        np.vstack([apart.T, np.ones(len(corners))]), np.eye(apart.shape[1] + 1)[-1]
    )
    return float(np.linalg.norm(weights @ apart) / weights.sum())


def non_negative_least_squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """u >= 0 of least ||A u - b||, by the active-set method of Lawson and Hanson (1974, ch. 23).

    It starts from positive weights on all columns, not on none: near a simplex ETF all stay. Each
    round solves on the columns in use, going back to the nearest bound and giving up a column where
    the solution is not positive, and then takes up the column that promises most. The residual
    falls from round to round, so no set of columns comes back.

    Parameters
    ----------
    a : (p, m) float64 of entries of order 1; b : (p,) float64 of norm 1
    """
    columns = a.shape[1]
    u = np.full(columns, 1 / columns)
    used = np.ones(columns, dtype=bool)
    best, best_residual = u, math.inf
    while True:
        u = _solve_within_bounds(a, b, u, used)
        residual = b - a @ u
        norm = float(residual @ residual)
        if norm >= best_residual:
            return best
        best, best_residual = u, norm
        gain = np.where(used, -math.inf, residual @ a)
        if gain.max() <= 16 * EPS:
            return u
        used[gain.argmax()] = True


def _solve_within_bounds(
    a: np.ndarray, b: np.ndarray, u: np.ndarray, used: np.ndarray
) -> np.ndarray:
    """Least squares on the columns in use, without those that reach 0 on the way: out of use."""
    while True:
        solution = np.zeros(len(u))
        solution[used] = np.linalg.lstsq(a[:, used], b, rcond=None)[0]
        negative = solution < 0
        if not negative.any():
            return solution
        steps = np.where(negative, u / np.where(negative, u - solution, 1), math.inf)
        u = u + steps.min() * (solution - u)
        # By name, as rounding may leave it short of 0.
        used[steps.argmin()] = False


def nc2_floor(classes: int, d: int) -> float:
    """Least NC2 of K vectors in d dimensions: 0 where K <= d + 1, else there is no simplex ETF."""
    return classes * math.sqrt(max(0.0, 1 / d - 1 / (classes - 1)))


def etf_distance_floor(classes: int, d: int) -> float:
    """Least `etf_distance` of K vectors in d dimensions; 0 where K <= d + 1."""
    return math.sqrt(max(0.0, 2 - 2 * math.sqrt(d / (classes - 1))))


def simplex_margin(classes: int) -> float:
    """`gnc2` of a simplex ETF, the largest there is: K / (K - 1)."""
    return classes / (classes - 1)


def _pairs(square: Tensor) -> Tensor:
    """Entries above the diagonal."""
    i, j = torch.triu_indices(*square.shape, offset=1, device=square.device)
    return square[i, j]


def _distance(gram: Tensor, ideal: Tensor) -> float:
    """Between two matrices scaled to unit Frobenius norm; nan where the first is 0."""
    norm = torch.linalg.matrix_norm(gram)
    ideal = ideal.to(gram) / torch.linalg.matrix_norm(ideal.to(gram))
    return float(torch.linalg.matrix_norm(gram / norm - ideal)) if norm > 0 else math.nan
