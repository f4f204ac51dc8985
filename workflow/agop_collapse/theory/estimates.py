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

from ..machine.deep_rfm import Layer
from ..machine.kernels.dot_product import DotProductKernel
from ..machine.kernels.radial import RadialKernel, squared_distances, squared_norms
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
    off = ~torch.eye(len(gram), dtype=torch.bool, device=gram.device)
    x, y = gram[off], kernel[off]
    x_mean, y_mean = x.mean(), y.mean()
    slope = ((x - x_mean) * (y - y_mean)).sum() / (x - x_mean).square().sum()
    explained = slope.square() * (x - x_mean).square().sum() / (y - y_mean).square().sum()
    size = gram.diag().mean()
    above = kernel.diag().mean() - y_mean - slope * (size - x_mean)
    return LinearPart(float(above / slope / size), float(explained))


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
    distance, norms = squared_distances(z, z).sqrt_().fill_diagonal_(0), squared_norms(z).sqrt_()
    values = kernel.between(distance, norms, norms, bandwidth)
    of_kernel = linear_part(values, z @ z.T)

    projected = layer.project(x.to(layer.root.dtype))
    features = layer.features(projected).double()
    of_map = linear_part(features @ features.T, projected.double() @ projected.double().T)

    label = torch.repeat_interleave(torch.tensor(class_counts)).to(chosen.device)[chosen]
    same = label[:, None] == label
    off = ~torch.eye(len(x), dtype=torch.bool, device=x.device)
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
        kernel_within=float(values[same & off].mean()),
        kernel_between=float(values[~same].mean()),
        kernel_between_best=best,
        squared_norm=float((layer.alpha.double() * targets).sum()),
        squared_norm_collapsed=square_at(0.0),
        squared_norm_best=square_at(best),
    )


def _rate(lambda_k: float, lambda_map: float, n: float) -> float:
    positive = lambda_k > 0 and lambda_map > 0
    return expected_rate(lambda_k, lambda_map, n) if positive else math.nan
