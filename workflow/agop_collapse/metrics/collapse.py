"""Neural-collapse metrics: NC1, NC2 and the traces they are made of (Section 3.4)."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from ..common.classes import class_means, unit_rows

# Whether a class counts by its points or like any other.
Weighting = Literal["samples", "classes"]


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


def measure(x: Tensor, class_counts: list[int], weighting: Weighting = "samples") -> Collapse:
    """NC1, NC2 and the traces of the within- and between-class covariances, in float64.

    S_W is the mean over all samples of the outer products about the class means, S_B the mean over
    classes of those of the class means about their unweighted mean mu_G (Section 3.4). With classes
    of different sizes S_W may also be the mean over classes of theirs.

    Parameters
    ----------
    x : (n, d) floating tensor, sorted by class
    class_counts : points of each class, in order; at least two classes
    weighting : "samples", in S_W a class counts as n_c / n, or "classes", as 1 / K

    Returns
    -------
    Collapse, with
        nc1 = tr S_W / tr S_B, nan where the class means are one but for rounding;
        nc1_code = nc1 / K, the scale of the authors' code, which divides S_W by K n for n;
        nc2 = || mubar mubar^T - Sigma_ETF ||_F, mubar the class means less mu_G, each of unit norm;
            of two classes it is 0 whatever the features, and says nothing;
        nc2_mse = mean squared entry of the same matrix, nc2^2 / K^2 (the authors' code);
        trace_within, trace_between = tr S_W, tr S_B.

    Raises
    ------
    ValueError : when the counts do not sum to n, there are fewer than two classes, or the weighting
        is another.
    """
    if weighting not in get_args(Weighting):
        raise ValueError(f"weighting must be 'samples' or 'classes', not {weighting!r}")
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
    if weighting == "classes":
        within = [square / count for square, count in zip(within, class_counts, strict=True)]
    divisor = len(x) if weighting == "samples" else classes
    trace_within = float(torch.stack(within).sum()) / divisor
    trace_between = float(centred.square().sum()) / classes
    # The class means carry an error of eps of the points' size: is there more between them?
    size = float(x.square().sum()) / len(x)
    rounding = (16 * torch.finfo(x.dtype).eps) ** 2 * size
    nc1 = trace_within / trace_between if trace_between > rounding else math.nan

    directions = unit_rows(centred)
    deviation = directions @ directions.T - simplex_etf(classes).to(x.device)
    nc2 = float(torch.linalg.matrix_norm(deviation))
    return Collapse(nc1, nc1 / classes, nc2, (nc2 / classes) ** 2, trace_within, trace_between)
