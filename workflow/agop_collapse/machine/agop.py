"""The average gradient outer product M of a kernel machine, and its square root."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..common.blocks import class_slices, panels, symmetric_product
from ..common.classes import class_deviations, class_means
from ..common.errors import UserError

NORMALISATIONS = ("max", "mean", "sum", "trace")

# An eigendecomposition of an m x m matrix takes as long as about this many m x m products, and a
# QR decomposition twice as long as its multiplications say (LAPACK on one CPU thread, float64).
EIGH_PRODUCTS = 5
QR_SLOWNESS = 2


class VanishedError(UserError):
    """An AGOP of which float64 holds nothing."""


@dataclass(frozen=True)
class Gradients:
    """The gradients of a kernel machine at its own points, as sums of differences of points.

    The predictor is f_c(x) = sum_j a_jc k(x, x_j) with grad_x k(x, z) = -W(x, z) (x - z), so its
    gradient at x_i is sum_j W_ij a_jc (x_j - x_i); with a kernel of the dot product it is that and
    r_ic x_i. With each point its class mean plus a deviation, x_j = mu_k + delta_j, that is
    sum_j W_ij a_jc (delta_j - delta_i) + r_ic delta_i + sum_k pull_ick mu_k: differences within a
    class come from the deviations alone, and the pull of a point's own class is minus that of the
    others, and r_ic, so nothing cancels as the classes collapse.

    All of it is in float64: the gradients are sums of terms that largely cancel.

    weights : (n, n) symmetric W; coefficients : (n, c) a; deltas : (n, d); means : (K, d);
    totals : (n, c), sum_j W_ij a_jc - r_ic; pull : (n, c, K), sum over j in class k of W_ij a_jc,
    less totals in the point's own class.
    """

    weights: Tensor
    coefficients: Tensor
    deltas: Tensor
    means: Tensor
    totals: Tensor
    pull: Tensor

    @classmethod
    def of(
        cls,
        points: Tensor,
        weights: Tensor,
        coefficients: Tensor,
        class_counts: list[int],
        along_points: Tensor | None = None,
    ) -> "Gradients":
        """Those with respect to the points that W was computed from, or to a linear image.

        For a machine of kernel k(R x, R z), give R R x as points: these are its gradients by x.

        along_points : r, (n, c); None for 0, as of radial kernels
        """
        pull = torch.stack(
            [weights[:, own] @ coefficients[own] for own in class_slices(class_counts)], dim=2
        )
        totals = pull.sum(dim=2)
        for k, own in enumerate(class_slices(class_counts)):
            pull[own, :, k] = 0
            pull[own, :, k] = -pull[own].sum(dim=2)
            if along_points is not None:
                pull[own, :, k] += along_points[own]
        if along_points is not None:
            totals = totals - along_points
        deltas = class_deviations(points, class_counts)
        return cls(weights, coefficients, deltas, class_means(points, class_counts), totals, pull)


@dataclass(frozen=True)
class Sample:
    """Points that stand for all of their class in a sum over points.

    rows : (m,) int64, ascending; weights : (m,) float64, how many points each stands for
    """

    rows: Tensor
    weights: Tensor

    @classmethod
    def of_classes(
        cls, class_counts: list[int], share: float, device: torch.device | str = "cpu"
    ) -> "Sample":
        """A share, in (0, 1], of each class's points, at least one, evenly over their order."""
        rows, weights = [], []
        for own in class_slices(class_counts):
            count = own.stop - own.start
            size = max(1, round(share * count))
            places = (torch.arange(size, dtype=torch.float64) + 0.5) * (count / size)
            rows.append(own.start + places.long())
            weights.append(torch.full((size,), count / size, dtype=torch.float64))
        return cls(torch.cat(rows).to(device), torch.cat(weights).to(device))


def square_root(
    gradients: Gradients, norm: str, block_rows: int, sample: Sample | None = None
) -> tuple[Tensor, Tensor]:
    """M^1/2 and the eigenvalues of M, the scaled sum of the gradients' outer products.

    Three forms of the sum cost differently, and the cheapest is taken: `direct_form` and
    `hadamard_form` make the (d, d) matrix, `gram_side_root` has no more than n + K dimensions.

    Parameters
    ----------
    gradients : of n points in d dimensions, by c outputs
    norm : see `scale`
    block_rows : rows of an n x n array held beside W at a time
    sample : the points at which gradients are summed, in place of all; then by `direct_form`

    Returns
    -------
    root : (d, d) symmetric positive semi-definite float64 tensor
    eigenvalues : (d,) float64 tensor, descending, not negative

    Raises
    ------
    ValueError : on an unknown norm.
    VanishedError : when all gradients are 0 but for rounding, or so small that their products are
        not numbers of float64 any more.
    """
    if sample is None:
        form = cheapest_form(*gradients.deltas.shape, *gradients.pull.shape[1:])
    else:
        form = partial(direct_form, sample=sample)
    if form is gram_side_root:
        root, eigenvalues = gram_side_root(gradients, block_rows)
        diagonal = root.square().sum(dim=1)
    else:
        outer = form(gradients, block_rows)
        diagonal = outer.diagonal()
        root, eigenvalues = root_of(outer)
    # Below it numbers lose their digits, and products of gradients are such sums of products.
    smallest = torch.finfo(diagonal.dtype).tiny / torch.finfo(diagonal.dtype).eps
    if not diagonal.max() > smallest or not root.isfinite().all():
        raise VanishedError(f"the largest entry of the AGOP is {float(diagonal.max()):.1e}")
    factor = scale(diagonal, norm, len(gradients.deltas))
    return root / factor.sqrt(), eigenvalues / factor


def cheapest_form(n: int, d: int, outputs: int, classes: int):
    """The cheapest of the three, by the multiplications of the sum and of its root."""
    m = n + classes
    square = (n**3 + n * n * d) // 2  # W^2, and its product with the points, by symmetric halves
    root = (EIGH_PRODUCTS + 1) * d**3
    costs = {
        direct_form: outputs * (n * n * d + n * d * d) + root,
        hadamard_form: square + n * d * d + root,
    }
    if m < d:
        qr = QR_SLOWNESS * (2 * m * m * d - 2 * m**3 // 3)
        small_root = (EIGH_PRODUCTS + 3) * m**3
        product = m * m * d + m * d * d
        costs[gram_side_root] = n**3 // 2 + qr + small_root + product
    return min(costs, key=costs.get)


def direct_form(gradients: Gradients, block_rows: int, sample: Sample | None = None) -> Tensor:
    """The sum, (d, d), of each output's gradients at m = n points, or at those of a sample.

    Cost c (m n d + m d^2).
    """
    g = gradients
    d = g.deltas.shape[1]
    total = g.deltas.new_zeros(d, d)
    for c in range(g.coefficients.shape[1]):
        scaled = g.coefficients[:, c, None] * g.deltas
        for panel in panels(len(g.deltas if sample is None else sample.rows), block_rows):
            rows = panel if sample is None else sample.rows[panel]
            values = g.pull[rows, c] @ g.means
            values -= g.totals[rows, c, None] * g.deltas[rows]
            values.addmm_(g.weights[rows], scaled)
            if sample is not None:
                values *= sample.weights[panel, None].sqrt()
            total.addmm_(values.T, values)
    return (total + total.T) / 2


def hadamard_form(gradients: Gradients, block_rows: int) -> Tensor:
    """The sum, (d, d), taken over outputs and points first: cost (n^3 + n^2 d) / 2 + n d^2."""
    g = gradients
    mixed, flat = _mean_sides(g)
    right = mixed @ g.means
    for rows, panel in _inner_panels(g, block_rows):
        right[rows].addmm_(panel, g.deltas[rows.start :])
    total = g.deltas.T @ right
    total.addmm_(g.means.T @ (flat.T @ flat) / 2, g.means)
    return total + total.T


def gram_side_root(gradients: Gradients, block_rows: int) -> tuple[Tensor, Tensor]:
    """Root and eigenvalues of the sum, unscaled, by `gram_side`: M itself is never formed."""
    basis, small = gram_side(gradients, block_rows)
    factor, eigenvalues = _root_factor(small)
    rest = eigenvalues.new_zeros(basis.shape[0] - basis.shape[1])
    return symmetric_product((basis @ factor).T), torch.cat([eigenvalues, rest])


def gram_side(gradients: Gradients, block_rows: int) -> tuple[Tensor, Tensor]:
    """Q, (d, m) with orthonormal columns, and A, (m, m), such that the sum is Q A Q^T.

    For points and means S, m x d, of m < d rows: the sum is S^T B S, and with S^T = Q T,
    A = T B T^T.
    """
    g = gradients
    n, m = len(g.deltas), len(g.deltas) + len(g.means)
    inner = g.deltas.new_zeros(m, m)
    for rows, panel in _inner_panels(g, block_rows):
        inner[rows, rows.start : n] = panel
    mixed, flat = _mean_sides(g)
    inner[:n, n:] = mixed
    inner[n:, n:] = flat.T @ flat / 2
    basis, triangle = torch.linalg.qr(torch.cat([g.deltas, g.means]).T)
    small = triangle @ inner @ triangle.T
    return basis, small + small.T


def _inner_panels(g: Gradients, block_rows: int):
    """The (n, n) matrix B of sum = delta^T B delta + ..., by panels on and above the diagonal.

    With P_c = W diag(a_c) - diag(s_c), s = totals, B = sum_c P_c^T P_c =
    W^2 o (a a^T) - W o (a s^T + s a^T) + diag(|s_i|^2), o entry by entry. Half of the diagonal
    blocks is given, so that B is the sum of these panels and of their transposes.

    Yields
    ------
    rows, and the panel of them: columns from rows.start on.
    """
    a, s, weights = g.coefficients, g.totals, g.weights
    both, crossed = torch.cat([a, s], dim=1), torch.cat([s, a], dim=1)
    for rows in panels(len(a), block_rows):
        rest = slice(rows.start, len(a))
        # W is symmetric, and products of rows with rows are the fastest.
        panel = weights[rows] @ weights[rest].T
        panel *= a[rows] @ a[rest].T
        panel.addcmul_(weights[rows, rest], both[rows] @ crossed[rest].T, value=-1)
        panel.diagonal().add_(s[rows].square().sum(dim=1))
        size = rows.stop - rows.start
        panel[:, :size] /= 2
        yield rows, panel


def _mean_sides(g: Gradients) -> tuple[Tensor, Tensor]:
    """What class means add: (n, K) of sum_c P_c^T pull_c, and (n c, K), the pull itself."""
    n, _, classes = g.pull.shape
    pulled = (g.weights @ g.pull.reshape(n, -1)).reshape(g.pull.shape)
    mixed = torch.einsum("nc,nck->nk", g.coefficients, pulled)
    mixed -= torch.einsum("nc,nck->nk", g.totals, g.pull)
    return mixed, g.pull.reshape(-1, classes)


def scale(diagonal: Tensor, norm: str, n: int) -> Tensor:
    """What the sum of outer products is divided by: its largest entry, n, its trace, or 1.

    The largest entry of a positive semi-definite matrix is on its diagonal. The scale matters only
    where the feature map has one of its own (cosine features; D6 of the project's list of
    discrepancies: Algorithm 1 sums, equation (1) averages, the code divides by the largest entry).

    Parameters
    ----------
    diagonal : (d,) tensor, of the sum
    norm : "max", "mean", "sum" or "trace"
    n : points that were summed over

    Raises
    ------
    ValueError : on an unknown name.
    """
    if norm == "max":
        return diagonal.max()
    if norm == "trace":
        return diagonal.sum()
    if norm in ("mean", "sum"):
        return diagonal.new_tensor(n if norm == "mean" else 1)
    raise ValueError(f"unknown AGOP normalisation {norm!r}; known: {', '.join(NORMALISATIONS)}")


def root_of(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric square root of a positive semi-definite matrix, and its eigenvalues.

    Parameters
    ----------
    matrix : (d, d) symmetric float64 tensor; eigenvalues below zero are rounding, and are clipped

    Returns
    -------
    root : (d, d) float64; eigenvalues : (d,) float64, descending, clipped at 0
    """
    factor, eigenvalues = _root_factor(matrix)
    return symmetric_product(factor.T), eigenvalues


def _root_factor(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """F with F F^T the square root, and the eigenvalues, of `root_of`."""
    values, vectors = torch.linalg.eigh(matrix)
    values = values.clamp(min=0)
    return vectors * values.pow(0.25), values.flip(0)
