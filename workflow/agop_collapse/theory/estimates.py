"""What Theorems 5.3 and 5.4 speak of, read off a layer of a real run.

Theorem 5.3 has kernel matrices that are linear up to multiples of 1 1^T and I (Section 5.1; El
Karoui 2010): k(X) = gamma 1 1^T + s (X^T X + lambda I). Here gamma and s are those of the line by
least squares through the entries off the diagonal, and lambda is how far the diagonal stands above
that line, over s. How good the approximation is, the line's R^2 says.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..common.blocks import class_slices, symmetric_product
from ..machine.deep_rfm import Layer
from ..machine.kernels.dot_product import DotProductKernel
from ..machine.kernels.radial import RadialKernel, into_squared_distances, squared_norms
from . import objective
from .recursion import expected_rate

# Kernel and features are looked at on so many points at most, spread over all classes.
SAMPLE = 1000


@dataclass(frozen=True)
class LinearPart:
    """A kernel matrix as a linear one and a multiple of the identity; see this module.

    perturbation : lambda over the mean squared norm of the points
    r2 : share of the variance of the entries off the diagonal that is linear
    """

    perturbation: float
    r2: float


def linear_part(kernel: Tensor, gram: Tensor) -> LinearPart:
    """How linear a kernel matrix is.

    Parameters
    ----------
    kernel : (n, n) float64; gram : (n, n), X^T X of the points that it is of
    """
    x, x_mean = _off_diagonal(gram)
    y, y_mean = _off_diagonal(kernel)
    products, squares = torch.dot(x, y), torch.dot(x, x)
    slope = products / squares
    size = gram.diag().mean()
    above = kernel.diag().mean() - y_mean - slope * (size - x_mean)
    r2 = products.square() / (squares * torch.dot(y, y))
    return LinearPart(float(above / slope / size), float(r2))


def _off_diagonal(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """(n^2,) entries less their mean, those of the diagonal 0, and the mean: off the diagonal."""
    n = len(matrix)
    mean = (matrix.sum() - matrix.trace()) / (n * (n - 1))
    return (matrix - mean).fill_diagonal_(0).flatten(), mean


@dataclass(frozen=True)
class Estimates:
    """Of a layer; see `measure`."""

    lambda_k: float
    lambda_k_r2: float
    lambda_map: float
    lambda_map_r2: float
    rate_expected: float
    kernel_within: float
    kernel_between: float
    kernel_between_best: float
    squared_norm: float
    squared_norm_collapsed: float
    squared_norm_best: float


def measure(
    layer: Layer,
    targets: Tensor,
    class_counts: list[int],
    kernel: RadialKernel | DotProductKernel,
    bandwidth: float,
    ridge: float,
) -> Estimates:
    """The numbers of both theorems of one layer.

    Parameters
    ----------
    layer : of a run; targets : (n, K) float64 on its device, +-1; class_counts : of its points
    kernel, bandwidth, ridge : of its predictor

    Returns
    -------
    Estimates, with
        lambda_k, lambda_map : of the predictor's kernel and of the random features, each with its
            R^2, `lambda_k_r2`, `lambda_map_r2`;
        rate_expected : of Theorem 5.3's error at these, NC1's being its square; nan where one is
            not positive, as the estimate may be where the features have collapsed;
        kernel_within, kernel_between : mean entries of the kernel matrix, off the diagonal;
            `kernel_between_best` is where Theorem 5.4's objective has its minimum for +-1 labels;
        squared_norm : tr(Y (k + ridge)^-1 Y^T), of Theorem 5.4: its objective over the ridge, and
            without one the predictor's squared RKHS norm; `squared_norm_collapsed` is that of k*,
            `squared_norm_best` the minimum, for classes of one size.
    """
    n, classes = len(layer.x), len(class_counts)
    chosen = torch.linspace(0, n - 1, min(n, SAMPLE), device=layer.x.device).long()
    x = layer.x[chosen].double()
    z = x if layer.metric is None else x @ layer.metric.double()
    gram, squares = _gram(z), squared_norms(z)
    distance = into_squared_distances(gram.clone(), squares, squares).sqrt_().fill_diagonal_(0)
    values = kernel.between(distance, squares.sqrt(), squares.sqrt(), bandwidth)
    of_kernel = linear_part(values, gram)

    projected = layer.project(x.to(layer.root.dtype))
    of_map = linear_part(*(_gram(points) for points in (layer.features(projected), projected)))

    within, between = _mean_of_pairs(values, class_counts, chosen)
    per_class = n / classes
    best = objective.best_between("plus_minus", classes, per_class, ridge, nonnegative=True)

    def square_at(between: float) -> float:
        return objective.two_level_square("plus_minus", classes, per_class, ridge, between)

    return Estimates(
        lambda_k=of_kernel.perturbation,
        lambda_k_r2=of_kernel.r2,
        lambda_map=of_map.perturbation,
        lambda_map_r2=of_map.r2,
        rate_expected=_rate(of_kernel.perturbation, of_map.perturbation, per_class),
        kernel_within=within,
        kernel_between=between,
        kernel_between_best=best,
        squared_norm=float((layer.alpha.double() * targets).sum()),
        squared_norm_collapsed=square_at(0.0),
        squared_norm_best=square_at(best),
    )


def _gram(x: Tensor) -> Tensor:
    """(n, n) float64 inner products of the rows of x."""
    return symmetric_product(x.double().T)


def _mean_of_pairs(values: Tensor, class_counts: list[int], chosen: Tensor) -> tuple[float, float]:
    """Mean entries of a matrix of pairs of the chosen points, in order: within, between classes.

    A point and itself is no pair.
    """
    ends = torch.tensor(class_counts, device=chosen.device).cumsum(dim=0)
    label = torch.bucketize(chosen, ends, right=True)
    counts = torch.bincount(label, minlength=len(class_counts)).tolist()
    same = sum(float(values[rows, rows].sum()) for rows in class_slices(counts))
    n, pairs = len(chosen), sum(count**2 for count in counts)
    within = (same - float(values.trace())) / (pairs - n) if pairs > n else math.nan
    between = (float(values.sum()) - same) / (n**2 - pairs) if n**2 > pairs else math.nan
    return within, between


def _rate(lambda_k: float, lambda_map: float, n: float) -> float:
    positive = lambda_k > 0 and lambda_map > 0
    return expected_rate(lambda_k, lambda_map, n) if positive else math.nan
