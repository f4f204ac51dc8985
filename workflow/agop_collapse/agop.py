"""The average gradient outer product of a kernel machine, its normalisation and its square root."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from .points import class_deviations, class_means

NORMALISATIONS = ("max", "mean", "sum", "trace")


def gradient_outer_product(
    x: Tensor, weights: Tensor, coefficients: Tensor, class_counts: list[int]
) -> Tensor:
    """Sum over points and outputs of the outer products of the predictor's input gradients.

    The predictor is f_c(x) = sum_j a_jc k(x, x_j) with grad_x k(x, z) = -W(x, z) (x - z), so its
    gradient at x_i is sum_j W_ij a_jc (x_j - x_i). Two forms of the sum of their outer products
    cost differently, and the cheaper one is taken: `direct_form` or `hadamard_form`.

    Parameters
    ----------
    x : (n, d) floating tensor, sorted by class
    weights : (n, n) symmetric tensor W of `kernels.gradient_weights`
    coefficients : (n, c) tensor a
    class_counts : points of each class, in order

    Returns
    -------
    (d, d) symmetric positive semi-definite tensor, n times the AGOP of equation (1).
    """
    n, d = x.shape
    outputs = coefficients.shape[1]
    # Multiplications: one n x n by n x d product per output, against W^2 and then X^T B X.
    direct_cost = outputs * (n * n * d + n * d * d)
    hadamard_cost = n**3 + n * n * d + n * d * d
    form = hadamard_form if hadamard_cost < direct_cost else direct_form
    total = form(_centre(x, weights, coefficients, class_counts), weights, coefficients)
    return (total + total.T) / 2


@dataclass(frozen=True)
class Centred:
    """Points as class mean plus deviation, x_j = mu_k + delta_j, and the sums of W a that need it.

    The gradient at x_i is sum_j W_ij a_jc (delta_j - delta_i) + sum_k pull_ick mu_k. Differences
    within a class come from the deltas alone, and the pull of a point's own class is minus that of
    the others: nothing cancels as the classes collapse.

    deltas : (n, d); means : (K, d); totals : (n, c), sum_j W_ij a_jc;
    pull : (n, c, K), sum over j in class k of W_ij a_jc, less totals in the point's own class.
    """

    deltas: Tensor
    means: Tensor
    totals: Tensor
    pull: Tensor


def _centre(x: Tensor, weights: Tensor, a: Tensor, class_counts: list[int]) -> Centred:
    by_class = zip(weights.split(class_counts, dim=1), a.split(class_counts), strict=True)
    pull = torch.stack([columns @ rows for columns, rows in by_class], dim=2)
    totals = pull.sum(dim=2)
    start = 0
    for k, count in enumerate(class_counts):
        own = pull[start : start + count]
        own[:, :, k] = 0
        own[:, :, k] = -own.sum(dim=2)
        start += count
    deltas = class_deviations(x, class_counts)
    return Centred(deltas, class_means(x, class_counts), totals, pull)


def direct_form(centred: Centred, weights: Tensor, a: Tensor) -> Tensor:
    """Each output's gradients, n x d, and the sum of their products: cost c (n^2 d + n d^2)."""
    d = centred.deltas.shape[1]
    total = centred.deltas.new_zeros(d, d)
    for c in range(a.shape[1]):
        gradients = centred.pull[:, c] @ centred.means
        gradients -= centred.totals[:, c, None] * centred.deltas
        gradients += weights @ (a[:, c, None] * centred.deltas)
        total.addmm_(gradients.T, gradients)
    return total


def hadamard_form(centred: Centred, weights: Tensor, a: Tensor) -> Tensor:
    """The sum over outputs and points taken first, on the n x n side: cost n^3 + n^2 d + n d^2.

    With P_c = W diag(a_c) - diag(s_c), s = totals, the deltas enter as delta^T B delta with
    B = sum_c P_c^T P_c = W^2 o (a a^T) - W o (a s^T + s a^T) + diag(|s_i|^2), o entry by entry;
    the class means through the pull, a matrix of only K columns per output.
    """
    n, outputs, classes = centred.pull.shape
    s = centred.totals
    cross = a @ s.T
    inner = symmetric_square(weights)
    inner *= a @ a.T
    inner -= weights * (cross + cross.T)
    inner.diagonal().add_(s.square().sum(dim=1))

    pulled = (weights @ centred.pull.reshape(n, -1)).reshape(n, outputs, classes)
    mixed = torch.einsum("nc,nck->nk", a, pulled) - torch.einsum("nc,nck->nk", s, centred.pull)
    total = centred.deltas.T @ (inner @ centred.deltas)
    delta_mean = (centred.deltas.T @ mixed) @ centred.means
    total += delta_mean + delta_mean.T
    flat = centred.pull.reshape(-1, classes)
    total += centred.means.T @ (flat.T @ flat) @ centred.means
    return total


def symmetric_square(matrix: Tensor, blocks: int = 4) -> Tensor:
    """A A for a symmetric A: only the blocks on and above the diagonal are multiplied."""
    square = torch.empty_like(matrix)
    edges = [len(matrix) * block // blocks for block in range(blocks + 1)]
    spans = [slice(low, high) for low, high in pairwise(edges)]
    for i, rows in enumerate(spans):
        for columns in spans[i:]:
            product = matrix[rows] @ matrix[:, columns]
            square[rows, columns] = product
            square[columns, rows] = product.T
    return square


def normalise(outer_product: Tensor, how: str, n: int) -> Tensor:
    """Scale the summed outer product: by its largest entry, to the mean over n points, to trace 1.

    The scale matters only where the feature map has one of its own (cosine features; D6 of the
    project's list of discrepancies: Algorithm 1 sums, equation (1) averages, the code divides by
    the largest entry).

    Raises
    ------
    ValueError : on an unknown name.
    """
    if how == "sum":
        return outer_product
    if how == "mean":
        return outer_product / n
    scales = {"max": outer_product.max, "trace": outer_product.trace}
    if how not in scales:
        raise ValueError(f"unknown AGOP normalisation {how!r}; known: {', '.join(NORMALISATIONS)}")
    return outer_product / scales[how]()


def square_root(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric square root of a positive semi-definite matrix, by eigendecomposition in float64.

    Parameters
    ----------
    matrix : (d, d) symmetric tensor; eigenvalues below zero are rounding, and are clipped

    Returns
    -------
    root : (d, d) tensor of the input's dtype
    eigenvalues : (d,) float64 tensor, descending, clipped at 0
    """
    values, vectors = torch.linalg.eigh(matrix.to(torch.float64))
    values = values.clamp(min=0)
    root = (vectors * values.sqrt()) @ vectors.T
    return ((root + root.T) / 2).to(matrix.dtype), values.flip(0)
