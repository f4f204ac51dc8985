"""Gram matrices of centred and normalised points: statistics of their entries, and pictures."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..common.classes import class_means, unit_rows


def centred_directions(x: Tensor, class_counts: list[int] | None = None) -> Tensor:
    """Points less a centre, each of unit norm, in float64.

    Parameters
    ----------
    x : (n, d) floating tensor
    class_counts : points of each class, in order: the centre is then the mean of the class means,
        as that of NC2; else the mean of the points, as the Gram figures have it
    """
    x = x.to(torch.float64)
    if class_counts is None:
        return unit_rows(x - x.mean(dim=0))
    return unit_rows(x - class_means(x, class_counts).mean(dim=0))


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


def drawn_points(class_counts: list[int], size: int) -> list[int]:
    """How many points of each class `picture_of_points` shows: as many of each as there is room."""
    room = max(1, size // len(class_counts))
    return [min(count, room) for count in class_counts]


def picture_of_points(directions: Tensor, class_counts: list[int], size: int) -> Tensor:
    """Gram matrix of the first points of each class, for drawing.

    A pixel is a pair of points, as in the paper's figures, which draw all pairs.

    Parameters
    ----------
    directions : (n, d) float64 tensor of `centred_directions`, sorted by class
    class_counts : points of each class, in order
    size : most pixels a side, if there are no more classes

    Returns
    -------
    (p, p) float64 tensor, p the sum of `drawn_points`.
    """
    by_class = zip(directions.split(class_counts), drawn_points(class_counts, size), strict=True)
    some = torch.cat([points[:count] for points, count in by_class])
    return some @ some.T


def picture_of_means(directions: Tensor, size: int) -> Tensor:
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
