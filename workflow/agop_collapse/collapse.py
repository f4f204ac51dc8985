"""Neural-collapse metrics: NC1, NC2, traces, Gram statistics, effective rank (Section 3.4)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .points import class_means, unit_rows


def simplex_etf(classes: int) -> Tensor:
    """Gram matrix of a simplex equiangular tight frame: 1 on the diagonal, -1/(K-1) off it."""
    off_diagonal = -1 / (classes - 1)
    etf = torch.full((classes, classes), off_diagonal, dtype=torch.float64)
    return etf.fill_diagonal_(1)


@dataclass(frozen=True)
class Collapse:
    """Collapse metrics of one set of features; see `measure`."""

    nc1: float
    nc1_code: float
    nc2: float
    nc2_mse: float
    trace_within: float
    trace_between: float


def measure(x: Tensor, class_counts: list[int]) -> Collapse:
    """NC1, NC2 and the traces of the within- and between-class covariances, in float64.

    S_W is the mean over all samples of the outer products about the class means, S_B the mean over
    classes of those of the class means about their unweighted mean mu_G (Section 3.4).

    Parameters
    ----------
    x : (n, d) floating tensor, sorted by class
    class_counts : points of each class, in order; at least two classes

    Returns
    -------
    Collapse, with
        nc1 = tr S_W / tr S_B;
        nc1_code = nc1 / K, the scale of the authors' code, which divides S_W by K n for n;
        nc2 = || mubar mubar^T - Sigma_ETF ||_F, mubar the class means less mu_G, each of unit norm;
        nc2_mse = mean squared entry of the same matrix, nc2^2 / K^2 (the authors' code);
        trace_within, trace_between = tr S_W, tr S_B.

    Raises
    ------
    ValueError : when the counts do not sum to n, or there are fewer than two classes.
    """
    if sum(class_counts) != len(x) or len(class_counts) < 2:
        raise ValueError(f"class counts {class_counts} do not split {len(x)} points into classes")
    x = x.to(torch.float64)
    classes = len(class_counts)
    means = class_means(x, class_counts)
    centred = means - means.mean(dim=0)
    # Class by class: what is held beside x stays small, and near the processor.
    within = [
        (points - mean).square().sum()
        for points, mean in zip(x.split(class_counts), means, strict=True)
    ]
    trace_within = float(torch.stack(within).sum()) / len(x)
    trace_between = float(centred.square().sum()) / classes
    nc1 = trace_within / trace_between if trace_between > 0 else math.nan

    directions = unit_rows(centred)
    deviation = directions @ directions.T - simplex_etf(classes).to(x.device)
    nc2 = float(torch.linalg.matrix_norm(deviation))
    return Collapse(nc1, nc1 / classes, nc2, (nc2 / classes) ** 2, trace_within, trace_between)


def centred_directions(x: Tensor) -> Tensor:
    """Points less their mean, each of unit norm, in float64: what the Gram figures compare."""
    x = x.to(torch.float64)
    return unit_rows(x - x.mean(dim=0))


@dataclass(frozen=True)
class GramStatistics:
    """Mean and standard deviation of the cosines of pairs; see `gram_statistics`."""

    within_mean: float
    within_sd: float
    between_mean: float
    between_sd: float


def gram_statistics(
    directions: Tensor, class_counts: list[int], block: int = 4096
) -> GramStatistics:
    """Cosines of distinct pairs of points of one class, and of pairs of two classes.

    At neural collapse they are 1 and -1/(K-1) (Section 4). Standard deviations are over all pairs,
    about the mean. The n x n matrix is formed by row blocks and never held whole.

    Parameters
    ----------
    directions : (n, d) float64 tensor of `centred_directions`, sorted by class
    class_counts : points of each class, in order
    block : rows held at a time

    Returns
    -------
    GramStatistics; nan where there is no such pair.
    """
    n = len(directions)
    sums = torch.stack([points.sum(dim=0) for points in directions.split(class_counts)])
    self_pairs = float(directions.square().sum())
    within_total = float(sums.square().sum()) - self_pairs
    all_total = float(sums.sum(dim=0).square().sum()) - self_pairs
    within_pairs = sum(count * (count - 1) for count in class_counts)
    between_pairs = n * (n - 1) - within_pairs
    within_mean = within_total / within_pairs if within_pairs else math.nan
    between_mean = (all_total - within_total) / between_pairs if between_pairs else math.nan

    # Squared deviations, not squares less the squared mean: that would cancel at collapse.
    within_square = between_square = 0.0
    start = 0
    for points in directions.split(class_counts):
        # Each pair of classes once: the matrix is symmetric.
        rest = directions[start:]
        for rows in points.split(block):
            gram = rows @ rest.T
            within_square += float((gram[:, : len(points)] - within_mean).square().sum())
            between_square += 2 * float((gram[:, len(points) :] - between_mean).square().sum())
        start += len(points)
    own = directions.square().sum(dim=1)
    within_square -= float((own - within_mean).square().sum())
    return GramStatistics(
        within_mean,
        math.sqrt(max(within_square, 0) / within_pairs) if within_pairs else math.nan,
        between_mean,
        math.sqrt(between_square / between_pairs) if between_pairs else math.nan,
    )


def gram_picture(directions: Tensor, size: int) -> Tensor:
    """Gram matrix averaged over size x size blocks of neighbouring points, for drawing.

    The mean of a block of inner products is the inner product of the two means, so the n x n matrix
    is never formed.

    Parameters
    ----------
    directions : (n, d) float64 tensor of `centred_directions`, sorted by class
    size : pixels a side; n if there are fewer points

    Returns
    -------
    (p, p) float64 tensor, p = min(size, n).
    """
    means = torch.stack(
        [
            points.mean(dim=0)
            for points in torch.tensor_split(directions, min(size, len(directions)))
        ]
    )
    return means @ means.T


def effective_rank(eigenvalues: Tensor) -> float:
    """(sum of eigenvalues)^2 / sum of squared eigenvalues, between 1 and d; nan if all are zero."""
    values = eigenvalues.to(torch.float64)
    return float(values.sum().square() / values.square().sum())
