"""Matrices of d x d given by factors of few rows, and how alike the entries of two of them are.

A neural feature matrix W^T W or an AGOP W^T H W of d = 3,072 inputs is never formed: sums over its
entries are sums over its factors.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..common.blocks import symmetric_product

# A variance or a square below this many rounding units of the squares it is left of is rounding.
ROUNDING = 16 * torch.finfo(torch.float64).eps


@dataclass(frozen=True)
class Eigenpairs:
    """A symmetric positive semi-definite d x d matrix by those eigenpairs that may not be 0.

    values : (r,) float64, ascending, not negative
    directions : (r, d) float64, orthonormal rows, the eigenvectors
    """

    values: Tensor
    directions: Tensor

    def factor(self, power: float) -> Tensor:
        """(r, d) float64 F, F^T F the matrix to a power > 0."""
        return self.values.pow(power / 2)[:, None] * self.directions


def eigenpairs(weight: Tensor, gram: Tensor) -> Eigenpairs:
    """Eigenpairs of W^T H W, min(w, d) of them; all others have eigenvalue 0.

    With W^T = Q R and R H R^T = V S V^T the eigenvectors are the columns of Q V; where w >= d
    nothing is smaller than W^T H W itself, V S V^T.

    Parameters
    ----------
    weight : (w, d) float64 W; gram : (w, w) float64 H, symmetric positive semi-definite
    """
    w, d = weight.shape
    if w < d:
        basis, triangle = torch.linalg.qr(weight.T)
        values, vectors = torch.linalg.eigh(triangle @ gram @ triangle.T)
        directions = (basis @ vectors).T
    else:
        values, vectors = torch.linalg.eigh(weight.T @ gram @ weight)
        directions = vectors.T
    return Eigenpairs(values.clamp(min=0), directions)


def agop_factors(weight: Tensor, gram: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of the AGOP W^T H W, and of its symmetric square root.

    Parameters
    ----------
    weight : (w, d) float64 W; gram : (w, w) float64 H, symmetric positive semi-definite

    Returns
    -------
    Two (min(w, d), d) float64 tensors F, with F^T F the AGOP and its root.
    """
    pairs = eigenpairs(weight, gram)
    return pairs.factor(1), pairs.factor(0.5)


@dataclass(frozen=True)
class Pair:
    """Sums over the entries of two d x d matrices A and B, and how alike these make the two.

    inner : sum of A_jk B_jk; square_a, square_b : of squared entries; total_a, total_b : of entries
    entries : how many there are, d^2
    """

    inner: float
    square_a: float
    square_b: float
    total_a: float
    total_b: float
    entries: int

    @property
    def cosine(self) -> float:
        """<A, B> / (||A|| ||B||) (arXiv:2212.13881); nan if either is 0."""
        scale = math.sqrt(self.square_a) * math.sqrt(self.square_b)
        return self.inner / scale if scale else math.nan

    @property
    def pearson(self) -> float:
        """Pearson correlation of the entries; nan if either matrix is constant."""
        mean_a, mean_b = self.total_a / self.entries, self.total_b / self.entries
        scale = math.sqrt(self._variance(self.square_a, mean_a))
        scale *= math.sqrt(self._variance(self.square_b, mean_b))
        return (self.inner / self.entries - mean_a * mean_b) / scale if scale else math.nan

    def _variance(self, square: float, mean: float) -> float:
        found = square / self.entries - mean**2
        return found if found > ROUNDING * square / self.entries else 0.0

    @property
    def scale(self) -> float:
        """c* = <A, B> / ||B||^2, with which c* B is nearest to A; nan if B is 0."""
        return self.inner / self.square_b if self.square_b else math.nan

    @property
    def residual(self) -> float:
        """||A - c* B|| / ||A|| = sqrt(1 - cosine^2), to about 1e-8; nan if either is 0."""
        return math.sqrt(max(1 - self.cosine**2, 0.0))


@dataclass(frozen=True)
class Product:
    """A d x d matrix L^T R, not symmetric in general.

    left, right : (r, d) float64 L and R
    """

    left: Tensor
    right: Tensor

    def trace(self) -> float:
        """Sum of the diagonal."""
        return float((self.left * self.right).sum())

    def norm(self) -> float:
        """Frobenius norm."""
        return math.sqrt(max(float(_inner(self, self)), 0.0))


def gram_of(factor: Tensor) -> Product:
    """F^T F, of (r, d) F."""
    return Product(factor, factor)


def pair(a: Product, b: Product) -> Pair:
    """Two matrices, each by its two factors: <L^T R, M^T S> = sum of (L M^T) (R S^T) entrywise."""

    def total(matrix: Product) -> float:
        return float(matrix.left.sum(dim=1) @ matrix.right.sum(dim=1))

    squares = [max(float(_inner(matrix, matrix)), 0.0) for matrix in (a, b)]
    entries = a.left.shape[1] * a.right.shape[1]
    return Pair(float(_inner(a, b)), *squares, total(a), total(b), entries)


def _inner(a: Product, b: Product) -> Tensor:
    return ((a.left @ b.left.T) * (a.right @ b.right.T)).sum()


def pairs_with_powers(
    factor: Tensor, matrix: Eigenpairs, powers: Iterable[float], rounding: float = 0.0
) -> list[Pair]:
    """F^T F beside powers of a matrix: all of them for one product of F with the eigenvectors.

    Parameters
    ----------
    factor : (w, d) float64 F
    matrix : d x d; powers : > 0
    rounding : eigenvalues up to this count as 0 in powers below the root's, for there what is left
        of an eigenvalue 0 is no longer small: 1e-16 to the power 1/6 is .002
    """
    d = factor.shape[1]
    along = squares_along(factor, matrix)
    square = float(symmetric_product(factor if len(factor) > d else factor.T).square().sum())
    total = float(factor.sum(dim=1).square().sum())
    ones_along = matrix.directions.sum(dim=1).square()
    found = []
    for power in powers:
        values = matrix.values.pow(power)
        if power < 1 / 2:
            values = values * (matrix.values > rounding)
        inner, of_ones = float(values @ along), float(values @ ones_along)
        found.append(Pair(inner, square, float(values.square().sum()), total, of_ones, d * d))
    return found


def squares_along(factor: Tensor, matrix: Eigenpairs) -> Tensor:
    """(r,) v_j^T F^T F v_j at each eigenvector v_j of a matrix, of (w, d) F."""
    return (factor @ matrix.directions.T).square().sum(dim=0)


def pearson_of_grams(f: Tensor, g: Tensor, diagonal: bool = True) -> float:
    """Pearson correlation of the entries of F^T F and G^T G, without forming these.

    Sums over entries are sums over the factors: <F^T F, G^T G> = ||F G^T||^2, and the sum of all
    entries of F^T F is ||F 1||^2.

    Parameters
    ----------
    f, g : (w, d) and (v, d) float64 tensors
    diagonal : whether the diagonal entries count

    Returns
    -------
    The correlation, nan if either matrix is constant.
    """
    d = f.shape[1]
    entries = d * d if diagonal else d * (d - 1)
    if not entries:
        return math.nan

    def mean(a: Tensor) -> Tensor:
        total = a.sum(dim=1).square().sum()
        return (total if diagonal else total - a.square().sum()) / entries

    def mean_product(a: Tensor, b: Tensor, products: Tensor) -> Tensor:
        total = products.square().sum()
        if not diagonal:
            total = total - a.square().sum(dim=0) @ b.square().sum(dim=0)
        return total / entries

    def variance(a: Tensor, products: Tensor) -> float:
        rounding = ROUNDING * products.square().sum() / entries
        found = mean_product(a, a, products) - mean(a) ** 2
        return float(found) if found > rounding else 0.0

    products = symmetric_product(torch.cat([f, g]).T)
    of_f, of_g = slice(0, len(f)), slice(len(f), None)
    scale = math.sqrt(variance(f, products[of_f, of_f]) * variance(g, products[of_g, of_g]))
    covariance = float(mean_product(f, g, products[of_f, of_g]) - mean(f) * mean(g))
    return covariance / scale if scale else math.nan
