"""What a layer's small singular directions erase: spectra of W and of the variance of its input.

A rotation changes no NC1, so a linear layer lowers the within-class variability only "by erasing
the within-class differences via the small singular directions of W" (introduction of the paper).
With W = U S V^T, w_j and b_j the within- and between-class variance of the input along v_j,

    NC1 of the input = sum_j w_j / sum_j b_j,    of W x = sum_j s_j^2 w_j / sum_j s_j^2 b_j,

j running over the directions of W's null space too, with s_j = 0.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..common.classes import class_means
from .attribution import LEAST_CHANGE
from .spectra import effective_rank, stable_rank

# Singular values below this part of the largest are small.
SMALL = 0.1


@dataclass(frozen=True)
class Spectra:
    """Spectra at one layer, r = min(w, d); float64.

    singular_values : (r,) of W, descending
    within, between : (r,) v_j^T S_W v_j and v_j^T S_B v_j of the layer's input, v_j the right
        singular vectors in the same order, S_W and S_B as in `collapse.measure`
    within_null, between_null : traces of S_W and S_B in the null space of W that the v_j leave out
    features : (min(n, d),) eigenvalues of the covariance of the input about the mean of all points,
        descending
    """

    singular_values: Tensor
    within: Tensor
    between: Tensor
    within_null: float
    between_null: float
    features: Tensor


def measure_spectra(weight: Tensor, x: Tensor, class_counts: list[int]) -> Spectra:
    """Spectra of a layer's weight and of its input.

    Parameters
    ----------
    weight : (w, d) floating tensor; x : (n, d) floating tensor, sorted by class
    class_counts : points of each class, in order
    """
    _, singular_values, directions = torch.linalg.svd(weight.double(), full_matrices=False)
    n, d = x.shape
    means = class_means(x.double(), class_counts)
    within, within_null = torch.zeros_like(singular_values), 0.0
    for points, mean in zip(x.split(class_counts), means, strict=True):
        along, left_out = _squares(points.double() - mean, directions)
        within, within_null = within + along / n, within_null + left_out / n
    between, between_null = _squares(means - means.mean(dim=0), directions)
    centred = x.double() - x.double().mean(dim=0)
    covariance = (centred.T @ centred if d <= n else centred @ centred.T) / n
    features = torch.linalg.eigvalsh(covariance).flip(0).clamp(min=0)
    k = len(class_counts)
    return Spectra(singular_values, within, between / k, within_null, between_null / k, features)


def _squares(x: Tensor, directions: Tensor) -> tuple[Tensor, float]:
    """Squared lengths along orthonormal directions, and outside them, summed over points."""
    along = x @ directions.T
    spanned = len(directions) == x.shape[1]
    # What is left, not the whole less the parts: that would cancel.
    outside = 0.0 if spanned else float((x - along @ directions).square().sum())
    return along.square().sum(dim=0), outside


def nc1_of_factor(spectra: Spectra) -> float:
    """NC1 of S V^T x, from V and the input alone, without U; nan where tr S_B of it is 0."""
    squares = spectra.singular_values.square()
    between = float(squares @ spectra.between)
    return float(squares @ spectra.within) / between if between > 0 else math.nan


@dataclass(frozen=True)
class SmallDirections:
    """How far the erasing of small singular directions accounts for what W does to NC1.

    kept : directions that are not small, the first of the singular vectors
    share_within, share_between : of tr S_W and tr S_B of the layer's input, the part that lies
        along all others, the null space among them; nan where the trace is 0
    explained : the share of ln NC1(W x) / NC1(x) that would come about if W erased the small
        directions and left the others as they are, ln (1 - share_within) / (1 - share_between).
        The rest is that W stretches the kept directions, and does not wholly erase the others. May
        leave [0, 1]; nan where NC1 changes by less than 5 per cent, or nothing is kept
    """

    kept: int
    share_within: float
    share_between: float
    explained: float


def small_directions(spectra: Spectra) -> dict[str, SmallDirections]:
    """`erased` for three meanings of small.

    Returns
    -------
    Of "tenth", singular values below a tenth of the largest; and of those after the first r, r the
    nearest whole number to a rank of W^T W, whose eigenvalues are the s_j^2: its "effective_rank",
    (sum s_j^2)^2 / sum s_j^4, or its "stable_rank", sum s_j^2 / s_1^2.
    """
    values = spectra.singular_values
    squares = values.square()
    if not float(squares.sum()):
        return {name: erased(spectra, 0) for name in ("tenth", "effective_rank", "stable_rank")}
    return {
        "tenth": erased(spectra, int((values >= SMALL * values[0]).sum())),
        "effective_rank": erased(spectra, round(effective_rank(squares))),
        "stable_rank": erased(spectra, round(stable_rank(squares))),
    }


def erased(spectra: Spectra, kept: int) -> SmallDirections:
    """What lies along all singular directions but the first `kept`, and what erasing it does."""
    within, small_within = _split(spectra.within, spectra.within_null, kept)
    between, small_between = _split(spectra.between, spectra.between_null, kept)
    squares = spectra.singular_values.square()
    after = float(squares @ spectra.within), float(squares @ spectra.between)
    shares = [
        small / (large + small) if large + small else math.nan
        for large, small in ((within, small_within), (between, small_between))
    ]
    explained = math.nan
    if within > 0 and between > 0 and min(after) > 0:
        before = math.log((within + small_within) / (between + small_between))
        change = math.log(after[0] / after[1]) - before
        if abs(change) >= LEAST_CHANGE:
            explained = (math.log(within / between) - before) / change
    return SmallDirections(kept, *shares, explained)


def _split(variance: Tensor, null: float, kept: int) -> tuple[float, float]:
    return float(variance[:kept].sum()), float(variance[kept:].sum()) + null
