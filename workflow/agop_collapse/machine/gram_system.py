"""A kernel machine on all pairs of training points, in one n x n array."""

import math

import torch
from torch import Tensor

from ..common.blocks import class_slices, panels
from ..common.errors import UserError
from .kernels.dot_product import DotProductKernel, along
from .kernels.radial import RadialKernel, into_squared_distances, safe_ridge, squared_norms

# Points of a class whose pairs show how far apart its points are.
SAMPLE = 1000

# Of more points the LU decomposition is not tried: it takes two more arrays of n x n, and where
# these have 2^31 elements or more, libraries that count them in 32 bits fail or go wrong.
LARGEST_LU = 46_340


class SingularError(UserError):
    """A system that cannot be solved, with a ridge that would help."""


class Pairs:
    """Distances, kernel system and gradient weights of all pairs of points.

    All of it lives in one n x n float64 array, worked on by panels of rows: the distances above the
    diagonal, and the kernel system, then its Cholesky factor, on and below it. The distances stay
    to the end, so the kernel is evaluated from one set of products of the points.

    Within a class, distances are those of the points less their class mean: as the class collapses
    the rounding error of the expanded formula shrinks with it, where the plain one loses every
    digit.

    Parameters
    ----------
    x : (n, d) float64 tensor, sorted by class
    class_counts : points of each class, in order; they sum to n
    kernel, bandwidth : what the kernel is, and L > 0
    block_rows : rows of the array held beside it at a time
    """

    def __init__(
        self,
        x: Tensor,
        class_counts: list[int],
        kernel: RadialKernel | DotProductKernel,
        bandwidth: float,
        block_rows: int,
    ):
        n = len(x)
        self._x, self._kernel, self._bandwidth = x, kernel, bandwidth
        self._norms = squared_norms(x).sqrt_()
        # What rounding, ridges and errors of the kernel matrix are measured by.
        self.largest = kernel.largest(self._norms)
        self._classes = class_slices(class_counts)
        self._panels = panels(n, block_rows)
        self._array = torch.empty(n, n, dtype=torch.float64, device=x.device)
        _write_distances(x, self._array, block_rows)
        for points in self._classes:
            _write_distances(
                x[points] - x[points].mean(dim=0), self._array[points, points], block_rows
            )

    def distances(self, rows: slice) -> Tensor:
        """Distances between some points in a row, (b, b)."""
        above = self._array[rows, rows].triu(1)
        return above + above.T

    def _values(self, distance: Tensor, rows: slice, columns: slice) -> Tensor:
        norms = (self._norms[rows], self._norms[columns])
        return self._kernel.between(distance, *norms, self._bandwidth)

    def within_distance(self) -> float:
        """Median over points of the median distance to the others of their class.

        Of each class the first 1,000 points count; inf if no class has two.
        """
        medians = []
        for points in self._classes:
            sample = slice(points.start, min(points.stop, points.start + SAMPLE))
            if sample.stop - sample.start > 1:
                # Sorted rows begin with the point itself.
                others = self.distances(sample).sort(dim=1).values[:, 1:]
                medians.append(others.median(dim=1).values)
        return float(torch.cat(medians).median()) if medians else float("inf")

    def between_distance(self) -> float:
        """Least distance between points of different classes that are not equal; inf if none are.

        Points that are equal to the last bit do no harm: neither enters the other's gradient.
        """
        least = math.inf
        for points in self._classes:
            others = self._array[points, points.stop :]
            apart = others[others > 0]
            if len(apart):
                least = min(least, float(apart.min()))
            for i, j in (part.T for part in (others == 0).nonzero().split(SAMPLE)):
                difference = self._x[points.start + i] - self._x[points.stop + j]
                lengths = torch.linalg.vector_norm(difference, dim=1)
                if lengths.any():
                    least = min(least, float(lengths[lengths > 0].min()))
        return least

    def solve(self, targets: Tensor, ridge: float) -> Tensor:
        """Coefficients alpha = (K + ridge I)^-1 Y, in float64.

        By Cholesky; where rounding leaves the system indefinite by LU, whose residual then says how
        far the answer can be trusted. Of more than 46,340 points such a system counts as singular.

        Parameters
        ----------
        targets : (n, c) float64 matrix Y; ridge : >= 0

        Raises
        ------
        SingularError : when the system is singular; the message names a ridge that would do.
        """
        self._write_system(ridge)
        if self._factorise():
            return self._substitute(targets)
        if not self._kernel.full_rank or len(targets) > LARGEST_LU:
            raise self.singular(targets, ridge)
        # A singular system can pass for solved, with coefficients that are anything.
        alpha, failed = torch.linalg.solve_ex(self._full_system(ridge), targets)
        if failed or not alpha.isfinite().all():
            raise self.singular(targets, ridge)
        return alpha

    def singular(self, targets: Tensor, ridge: float) -> SingularError:
        """The error for a system that cannot be solved, with a ridge that would help."""
        n, d = self._x.shape
        reason = "are there duplicate points?"
        if n > LARGEST_LU:
            reason = "or indefinite from rounding, for which so many points are too many"
        if not self._kernel.full_rank:
            reason = f"its rank is that of the points, which are in {d} dimensions"
        return SingularError(
            f"the kernel matrix of {n} points is singular with ridge {ridge:g} ({reason}); "
            f"{self._ridge_that_helps(targets, ridge)}"
        )

    def _ridge_that_helps(self, targets: Tensor, ridge: float) -> str:
        """Advice, found by trying: a ridge with which the answer keeps half its digits."""
        enough = torch.finfo(targets.dtype).eps ** 0.5
        trial = max(self.largest * safe_ridge(len(targets), targets.dtype), 10 * ridge)
        while trial < self.largest * len(targets):
            self._write_system(trial)
            if self._factorise():
                alpha = self._substitute(targets)
                left_over = self.apply(alpha) + trial * alpha - targets
                amplified = torch.linalg.matrix_norm(alpha) * len(targets) ** 0.5 * enough**2
                amplified *= self.largest
                size = torch.linalg.matrix_norm(targets)
                if max(torch.linalg.matrix_norm(left_over), amplified) <= enough * size:
                    return f"a ridge of {trial:.0e} would help"
            trial *= 10
        return "no ridge would help: compare the points"

    def _write_system(self, ridge: float) -> None:
        for rows in self._panels:
            rest = slice(rows.stop, len(self._array))
            block = self._values(self.distances(rows), rows, rows)
            block.diagonal().add_(ridge)
            self._replace_lower(rows, block)
            self._array[rest, rows] = self._values(self._array[rows, rest], rows, rest).T

    def _replace_lower(self, rows: slice, block: Tensor) -> None:
        corner = self._array[rows, rows]
        corner.copy_(corner.triu(1) + block.tril())

    def _factorise(self) -> bool:
        """L of K + ridge I = L L^T in place of it, panel by panel.

        False if a pivot is not positive, or no larger than the rounding of the system's entries:
        then it is singular, and which of the two rounding makes of it is chance.
        """
        array = self._array
        rounding = self.largest * len(array) * torch.finfo(array.dtype).eps
        for rows in self._panels:
            above = array[rows, rows].triu(1)
            column = array[rows.start :, rows]
            column.addmm_(array[rows.start :, : rows.start], array[rows, : rows.start].T, alpha=-1)
            lower = array[rows, rows].tril()
            factor, failed = torch.linalg.cholesky_ex(lower + lower.tril(-1).T)
            array[rows, rows] = above + factor.tril()
            if failed or factor.diagonal().square().min() <= rounding:
                return False
            array[rows.stop :, rows] = torch.linalg.solve_triangular(
                factor.T, array[rows.stop :, rows], upper=True, left=False
            )
        return True

    def _substitute(self, targets: Tensor) -> Tensor:
        """L^-T L^-1 Y, panel by panel: a triangular solver would not overlook the distances."""
        array, alpha = self._array, targets.clone()
        for rows in self._panels:
            alpha[rows] -= array[rows, : rows.start] @ alpha[: rows.start]
            factor = array[rows, rows].tril()
            alpha[rows] = torch.linalg.solve_triangular(factor, alpha[rows], upper=False)
        for rows in reversed(self._panels):
            alpha[rows] -= array[rows.stop :, rows].T @ alpha[rows.stop :]
            factor = array[rows, rows].tril()
            alpha[rows] = torch.linalg.solve_triangular(factor.T, alpha[rows], upper=True)
        return alpha

    def _full_system(self, ridge: float) -> Tensor:
        system = torch.empty_like(self._array)
        for rows in self._panels:
            rest = slice(rows.stop, len(system))
            system[rows, rows] = self._values(self.distances(rows), rows, rows)
            above = self._values(self._array[rows, rest], rows, rest)
            system[rows, rest] = above
            system[rest, rows] = above.T
        system.diagonal().add_(ridge)
        return system

    def apply(self, coefficients: Tensor) -> Tensor:
        """The machine's outputs at its own points, K alpha: (n, c) to (n, c) float64."""
        outputs = torch.zeros_like(coefficients)
        for rows in self._panels:
            rest = slice(rows.stop, len(outputs))
            outputs[rows] += self._values(self.distances(rows), rows, rows) @ coefficients[rows]
            above = self._values(self._array[rows, rest], rows, rest)
            outputs[rows] += above @ coefficients[rest]
            outputs[rest] += above.T @ coefficients[rows]
        return outputs

    def along_points(self, coefficients: Tensor) -> Tensor | None:
        """What the gradients have besides differences of points, (n, c); None with radial kernels.

        The gradient of output c at x_i is sum_j W_ij a_jc (x_j - x_i) + r_ic x_i, and with a kernel
        of the dot product r_ic = sum_j (k_ij + W_ij (|x_i|^2 - <x_i, x_j>)) a_jc / |x_i|^2.
        """
        if not isinstance(self._kernel, DotProductKernel):
            return None
        found = self.apply(coefficients)
        for rows in self._panels:
            rest = slice(rows.stop, len(found))
            for columns in (rows, rest):
                own = columns == rows
                distance = self.distances(rows) if own else self._array[rows, columns]
                norms = (self._norms[rows], self._norms[columns])
                weights = self._weights(distance, rows, columns)
                found[rows] += along(distance, *norms, weights) @ coefficients[columns]
                if not own:
                    turned = along(distance.T, *norms[::-1], weights.T)
                    found[rest] += turned @ coefficients[rows]
        return (found / self._norms[:, None].square()).masked_fill_(self._norms[:, None] == 0, 0)

    def into_weights(self) -> Tensor:
        """W of the kernel's `weights`, (n, n) and symmetric, in place of all else.

        It takes the array itself; nothing else can be asked of these pairs afterwards.
        """
        weights, self._array = self._array, None
        for rows in self._panels:
            rest = slice(rows.stop, len(weights))
            above = weights[rows, rows].triu(1)
            weights[rows, rows] = self._weights(above + above.T, rows, rows)
            beside = self._weights(weights[rows, rest], rows, rest)
            weights[rows, rest] = beside
            weights[rest, rows] = beside.T
        # W_ii multiplies x_i - x_i, which is 0. Left in, it cancels to rounding, and where the
        # bandwidth is small, so that it is all of W but rounding, that is all that comes out.
        weights.diagonal().zero_()
        return weights

    def _weights(self, distance: Tensor, rows: slice, columns: slice) -> Tensor:
        values = self._values(distance, rows, columns)
        norms = (self._norms[rows], self._norms[columns])
        return self._kernel.weights(values, distance, *norms, self._bandwidth)


def _write_distances(x: Tensor, array: Tensor, block_rows: int) -> None:
    """Distances between the rows of x, on and above the diagonal of an n x n array."""
    norms = squared_norms(x)
    for rows in panels(len(x), block_rows):
        above = array[rows, rows.start :]
        torch.mm(x[rows], x[rows.start :].T, out=above)
        into_squared_distances(above, norms[rows], norms[rows.start :]).sqrt_()
