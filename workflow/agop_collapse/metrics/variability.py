"""Relatives of NC1: variability within classes against what is between their means.

A class of one point has no variability to measure: it is left out, its mean with it. Except for VCI
all is by projections on the at most K - 1 directions of the class means: 4 n d K operations.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .class_means import EPS, Frame, check_counts, frame_of_classes
from .collapse import Weighting


@dataclass(frozen=True)
class Variability:
    """Variability within classes against that between; see `measure`."""

    nc1_pinv: float
    fuzziness: float
    vci: float
    cdnv: float
    cdnv_max: float
    cdnv_directional: float


# Points whose deviations are decomposed at a time.
AT_A_TIME = 4096

NOTHING = Variability(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Within:
    """Points about their class means; see `within_classes`.

    frame : of the class means
    class_counts : points of each class, in order
    class_weights : (K,) float64, what a class counts in a covariance; they sum to 1
    variances : (K,) float64, mean squared distance of a class's points to their mean
    coordinates : (n, r) float64, points less their class mean, along `frame.directions`
    """

    frame: Frame
    class_counts: list[int]
    class_weights: Tensor
    variances: Tensor
    coordinates: Tensor

    @property
    def scales(self) -> Tensor:
        """(n, 1): with its row times this, the coordinates' Gram matrix is their covariance."""
        counts = torch.tensor(self.class_counts, device=self.class_weights.device)
        return (self.class_weights / counts).sqrt().repeat_interleave(counts)[:, None]


def measure(
    x: Tensor,
    class_counts: list[int],
    frame: Frame | None = None,
    weighting: Weighting = "samples",
    with_vci: bool = True,
) -> Variability:
    """Variability within classes in six numbers, in float64; see the functions of their names.

    All are nan where no two classes have two points or where the class means are one but for
    rounding. At collapse all are 0.

    Parameters
    ----------
    x : (n, d) floating tensor, sorted by class
    class_counts : points of each class, in order; at least two classes
    frame : `frame_of_classes(x, class_counts)`, where the caller has it
    weighting : whether a class counts by its points or like any other; see `within_classes`
    with_vci : False leaves VCI nan, which alone costs n d min(n, d) operations

    Returns
    -------
    Variability, with
        nc1_pinv = tr(S_W S_B^+) / K (Papyan, Han and Donoho, arXiv 2008.08186);
        fuzziness = tr(S_W SS_B^+), weighted by class (He and Su, arXiv 2210.17020);
        vci = 1 - tr((S_W + SS_B)^+ SS_B) / min(d, K - 1) (Xu and Liu, arXiv 2306.03440);
        cdnv, cdnv_max = mean and maximum over pairs of classes of the class-distance normalised
            variance (Galanti, György and Hutter, arXiv 2112.15121);
        cdnv_directional = mean of the same along the line between the means (arXiv 2603.03530).

    Raises
    ------
    ValueError : when the counts do not split the points into two classes or more.
    """
    check_counts(x, class_counts)
    kept = [count > 1 for count in class_counts]
    if sum(kept) < 2:
        return NOTHING
    if not all(kept):
        parts = zip(x.split(class_counts), kept, strict=True)
        x = torch.cat([points for points, keep in parts if keep])
        class_counts = [count for count in class_counts if count > 1]
        frame = None
    within = within_classes(x, class_counts, frame, weighting)
    if not within.frame.rank:
        return NOTHING
    return Variability(
        nc1_pinv(within),
        fuzziness(within),
        vci(x, within) if with_vci else math.nan,
        *cdnv(within),
        directional_cdnv(within),
    )


def within_classes(
    x: Tensor,
    class_counts: list[int],
    frame: Frame | None = None,
    weighting: Weighting = "samples",
) -> Within:
    """What most measures need of the points: variances, and deviations along the class means.

    Parameters
    ----------
    x : (n, d) floating tensor, sorted by class
    class_counts : points of each class, in order, none of them 0; at least two classes
    frame : `frame_of_classes(x, class_counts)`, where the caller has it
    weighting : "samples", a class counts as n_c / n, or "classes", as 1 / K

    Raises
    ------
    ValueError : of `frame_of_classes`, and for another weighting.
    """
    if frame is None:
        frame = frame_of_classes(x, class_counts)
    counts = torch.tensor(class_counts, dtype=torch.float64, device=x.device)
    if weighting == "samples":
        weights = counts / len(x)
    elif weighting == "classes":
        weights = torch.full_like(counts, 1 / len(counts))
    else:
        raise ValueError(f"weighting must be 'samples' or 'classes', not {weighting!r}")
    variances, coordinates = [], []
    for points in deviations(x, class_counts, frame):
        variances.append(points.square().sum() / len(points))
        coordinates.append(points @ frame.directions)
    return Within(frame, class_counts, weights, torch.stack(variances), torch.cat(coordinates))


def deviations(x: Tensor, class_counts: list[int], frame: Frame) -> Iterator[Tensor]:
    """Points less their class mean, float64, class by class."""
    for points, mean in zip(x.split(class_counts), frame.vectors, strict=True):
        yield points.to(torch.float64) - mean


def nc1(within: Within) -> float:
    """tr S_W / tr S_B, where `weighting` is "samples" the NC1 of `collapse.measure`.

    S_W is the weighted mean of the classes' covariances, S_B the unweighted one of their means.
    """
    if not within.frame.rank:
        return math.nan
    return float(within.class_weights @ within.variances) / within.frame.trace


def nc1_pinv(within: Within) -> float:
    """tr(S_W S_B^+) / K, with S_W and S_B of `nc1` (arXiv 2008.08186).

    With the centred class means U s V^T it is the mean of ||(x - m_c) V / s||^2. Class means that
    span fewer than K - 1 directions count in those that there are; nan where there are none.
    """
    return _relative_square(within, within.coordinates, within.frame.singular_values)


def fuzziness(within: Within) -> float:
    """D = tr(S_W SS_B^+), SS_B the covariance of the class means weighted as S_W is (2210.17020).

    K nc1_pinv where classes count alike.
    """
    values, directions = _weighted_means(within)
    return _relative_square(within, within.coordinates @ directions, values)


def _relative_square(within: Within, coordinates: Tensor, lengths: Tensor) -> float:
    """Weighted mean over points of the square of coordinates in units of the lengths."""
    if not len(lengths):
        return math.nan
    return float((within.scales * coordinates / lengths).square().sum())


def _weighted_means(within: Within) -> tuple[Tensor, Tensor]:
    """Singular values (r,) and right vectors (r, r), in coordinates, of a factor of SS_B."""
    weights, coordinates = within.class_weights, within.frame.coordinates
    factor = weights.sqrt()[:, None] * (coordinates - weights @ coordinates)
    # Weights move the centre within the means' span: the rank stays.
    _, values, right = torch.linalg.svd(factor, full_matrices=False)
    return values, right.T


def vci(x: Tensor, within: Within) -> float:
    """Variability collapse index, 1 - tr((S_W + SS_B)^+ SS_B) / min(d, K - 1) (arXiv 2306.03440).

    It is between 0 and 1, and the same after any invertible linear map. It is 0 for points of
    which none is an affine combination of the others, and so, as a rule, wherever d >= n - 1.

    With J the within-class covariance along the directions of the class means that is left after
    linear regression on all other directions, and S the diagonal matrix of SS_B along its axes, it
    is the mean over directions of the eigenvalues of J (J + S)^-1. J is a mean of squared
    residuals, so no difference of large numbers stands for a small index. The regression is by a QR
    decomposition, of 2 n d min(n, d) operations: a Gram matrix would lose the directions whose
    standard deviation is below the root of eps, and they are what the index rests on at collapse.
    Directions with a standard deviation of less than max(n, d) eps of the largest, or one that is
    rounding of the points, 16 of their dtype's eps times their root mean square, count as constant.

    Parameters
    ----------
    x : (n, d) floating tensor, the points of `within`
    within : `within_classes(x, ...)`

    Returns
    -------
    The index; nan where the class means are one but for rounding.
    """
    frame = within.frame
    if not frame.rank:
        return math.nan
    values, axes = _weighted_means(within)
    unexplained = _unexplained(x, within, within.scales * within.coordinates @ axes)
    share = torch.linalg.solve(unexplained + values.square().diag(), unexplained)
    directions = min(x.shape[1], frame.classes - 1)
    return 1 - frame.rank / directions + float(share.trace()) / directions


def _unexplained(x: Tensor, within: Within, along: Tensor) -> Tensor:
    """(r, r) what is left of along^T along, (n, r), after regression on the other deviations.

    Those have nothing in the class means' own directions, and over a class they sum to 0. There the
    matrices that are decomposed are filled, which is orthogonal to all else, so that they have full
    rank where the deviations have all the rank that they can have.
    """
    n, d = x.shape
    directions = within.frame.directions
    fill = (within.class_weights @ within.variances / d).sqrt()
    labels = torch.repeat_interleave(torch.tensor(within.class_counts, device=x.device))
    # The frame's is that of sums in float64.
    rounding = within.frame.rounding * torch.finfo(x.dtype).eps / EPS

    def others() -> Iterator[Tensor]:
        for rows in torch.arange(n, device=x.device).split(AT_A_TIME):
            points = x[rows].to(torch.float64) - within.frame.vectors[labels[rows]]
            yield within.scales[rows] * (points - within.coordinates[rows] @ directions.T)

    if n <= d:
        classes = torch.nn.functional.one_hot(labels).to(along)
        classes /= classes.sum(dim=0).sqrt()
        triangle = _triangle(torch.cat([torch.cat(list(others())).T, fill * classes.T]))
        _, none = _insignificant(triangle, d, rounding)
        left = none.T @ along
        return left.T @ left
    triangle = fill * torch.nn.functional.pad(directions.T, (0, along.shape[1]))
    for other, own in zip(others(), along.split(AT_A_TIME), strict=True):
        triangle = _triangle(torch.cat([triangle, torch.cat([other, own], dim=1)]))
    none, _ = _insignificant(triangle[:d, :d], n, rounding)
    left = torch.cat([none.T @ triangle[:d, d:], triangle[d:, d:]])
    return left.T @ left


def _triangle(matrix: Tensor) -> Tensor:
    """R of its QR decomposition."""
    return torch.linalg.qr(matrix, mode="r").R


def _insignificant(triangle: Tensor, other_size: int, rounding: float) -> tuple[Tensor, Tensor]:
    """Left and right singular vectors, in columns, of the values that are rounding; often none."""

    def threshold(largest: Tensor) -> float:
        return max(max(len(triangle), other_size) * EPS * float(largest), rounding)

    # The least singular value is at least 1 over the norm of the inverse, the largest at most the
    # norm: where these do, the decomposition, of many more operations, is not needed.
    identity = torch.eye(len(triangle)).to(triangle)
    inverse = torch.linalg.solve_triangular(triangle, identity, upper=True)
    norm, inverse_norm = map(torch.linalg.matrix_norm, (triangle, inverse))
    if 1 / inverse_norm > threshold(norm):
        return identity[:, :0], identity[:, :0]
    left, values, right = torch.linalg.svd(triangle)
    small = values <= threshold(values[0])
    return left[:, small], right[small].T


def cdnv(within: Within) -> tuple[float, float]:
    """Mean and maximum over pairs of (v_i + v_j) / (2 ||m_i - m_j||^2) (arXiv 2112.15121).

    v_c is the mean squared distance of a class's points to their mean. Weights do not enter. Both
    are nan where two class means are one but for rounding.
    """
    squares = _squared_distances(within.frame)
    if squares is None:
        return math.nan, math.nan
    i, j = torch.triu_indices(*squares.shape, offset=1, device=squares.device)
    pairs = (within.variances[i] + within.variances[j]) / (2 * squares[i, j])
    return float(pairs.mean()), float(pairs.max())


def directional_cdnv(within: Within) -> float:
    """Mean over ordered pairs of u^T S_i u / ||m_i - m_j||^2 (arXiv 2603.03530).

    S_i is the covariance of class i and u the unit vector along m_i - m_j. nan as `cdnv`.
    """
    frame = within.frame
    squares = _squared_distances(frame)
    if squares is None:
        return math.nan
    total = 0.0
    for i, points in enumerate(within.coordinates.split(within.class_counts)):
        others = torch.arange(frame.classes, device=squares.device) != i
        differences = frame.coordinates[i] - frame.coordinates[others]
        along = (points @ differences.T).square().mean(dim=0)
        total += float((along / squares[i, others].square()).sum())
    return total / (frame.classes * (frame.classes - 1))


def _squared_distances(frame: Frame) -> Tensor | None:
    """(K, K) squared distances of the class means; None where two are one but for rounding."""
    distances = torch.cdist(
        frame.coordinates, frame.coordinates, compute_mode="donot_use_mm_for_euclid_dist"
    )
    nearest = distances.clone().fill_diagonal_(math.inf).min()
    return distances.square() if nearest > frame.rounding else None


@dataclass(frozen=True)
class EquiSeparation:
    """The law of equi-separation over layers; see `equi_separation`."""

    rho: float
    correlation: float
    r_squared: float


def equi_separation(
    values: Sequence[float], layers: Sequence[float] | None = None
) -> EquiSeparation:
    """Least squares of ln D_l = a + l ln rho over layers (He and Su, arXiv 2210.17020).

    Parameters
    ----------
    values : D, the fuzziness, of each layer
    layers : l of each; by default 1, 2, ...

    Returns
    -------
    EquiSeparation, with rho, the Pearson correlation of l and ln D_l, and its square R^2. rho is
    nan of fewer than two layers, and where a value is not a positive number; the other two also of
    two layers, which any line fits, and where all values are the same.

    Raises
    ------
    ValueError : when there are not as many layers as values.
    """
    positions = range(1, len(values) + 1) if layers is None else layers
    at = torch.tensor(list(positions), dtype=torch.float64)
    logs = torch.tensor(list(values), dtype=torch.float64).log()
    if len(at) != len(logs):
        raise ValueError(f"{len(logs)} values at {len(at)} layers")
    if len(at) < 2 or not logs.isfinite().all():
        return EquiSeparation(math.nan, math.nan, math.nan)
    at, logs = at - at.mean(), logs - logs.mean()
    rho = math.exp(at @ logs / (at @ at))
    spread = math.sqrt(at @ at) * math.sqrt(logs @ logs)
    if len(at) < 3 or not spread:
        return EquiSeparation(rho, math.nan, math.nan)
    correlation = float(at @ logs) / spread
    return EquiSeparation(rho, correlation, correlation**2)
