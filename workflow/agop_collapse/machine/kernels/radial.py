"""Kernels of the distance between two points: what belongs to one, and what they all need."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...common.errors import UserError
from ...common.seeding import generator


@dataclass(frozen=True)
class RadialKernel:
    """A positive definite kernel k(x, z) of D = ||x - z|| and a bandwidth L, and its gradient.

    Both functions work entry by entry and leave their arguments alone.

    values : (distance, bandwidth) to k, of the shape and dtype of `distance`; 1 at distance 0
    gradient_weights : (values, distance, bandwidth) to W with grad_x k(x, z) = -W (x - z), so that
        W = -k'(D) / D; `values` is k, and W must be finite at distance 0 too
    """

    values: Callable[[Tensor, float], Tensor]
    gradient_weights: Callable[[Tensor, Tensor, float], Tensor]
    full_rank: ClassVar[bool] = True

    def between(
        self, distance: Tensor, x_norms: Tensor, z_norms: Tensor, bandwidth: float
    ) -> Tensor:
        """k, as kernels of any kind give it; the norms of the points do not matter."""
        return self.values(distance, bandwidth)

    def weights(
        self,
        values: Tensor,
        distance: Tensor,
        x_norms: Tensor,
        z_norms: Tensor,
        bandwidth: float,
    ) -> Tensor:
        """W, as kernels of any kind give it."""
        return self.gradient_weights(values, distance, bandwidth)

    def largest(self, norms: Tensor) -> float:
        """The largest entry of a kernel matrix."""
        return 1.0


def squared_distances(x: Tensor, z: Tensor) -> Tensor:
    """Squared Euclidean distances between the rows of two matrices.

    Parameters
    ----------
    x : (n, d) floating tensor
    z : (m, d) tensor of the same dtype and device

    Returns
    -------
    (n, m) tensor, not negative; see `into_squared_distances` for its rounding.
    """
    return into_squared_distances(x @ z.T, squared_norms(x), squared_norms(z))


def squared_norms(x: Tensor) -> Tensor:
    """||x||^2 of the rows of x, (n, d) to (n,)."""
    return x.square().sum(dim=1)


def into_squared_distances(products: Tensor, x_norms: Tensor, z_norms: Tensor) -> Tensor:
    """||x||^2 + ||z||^2 - 2 x.z, in place of the products x.z.

    The absolute error is about eps (||x||^2 + ||z||^2); values below that error become 0, so that
    coincident points have distance 0.

    Parameters
    ----------
    products : (n, m) floating tensor, maybe part of a larger one
    x_norms, z_norms : (n,) and (m,), squared norms
    """
    norms = x_norms[:, None] + z_norms
    torch.add(norms, products, alpha=-2, out=products)
    rounding = norms.mul_(16 * torch.finfo(norms.dtype).eps)
    return products.masked_fill_(products <= rounding, 0)


def safe_ridge(n: int, dtype: torch.dtype) -> float:
    """A ridge above the rounding of a kernel matrix's largest eigenvalue, which is at most n."""
    return 10.0 ** math.ceil(math.log10(n * torch.finfo(dtype).eps))


# --- a kernel of the user's own ---------------------------------------------------------------

# Step of the finite differences, in parts of the distance, and how far a slope may be from them, in
# parts of itself and of 1 / L: they err by far less, and a factor that was forgotten by far more.
STEP = 1e-4
TOLERANCE = 1e-5


def check_kernel(kernel: RadialKernel, bandwidth: float, name: str = "the kernel") -> None:
    """Refuse a kernel that cannot be one, or whose gradient is not that of its values.

    Whether it is positive definite is not checked, but that nothing is larger than k = 1 at 0.

    Parameters
    ----------
    kernel : what a file of the user's has, maybe no kernel at all
    bandwidth : L > 0 to check it with
    name : what the user calls it

    Raises
    ------
    UserError : says at which distance, what was found and what it should be.
    """
    if not isinstance(kernel, RadialKernel):
        raise UserError(
            f"{name} is of type {type(kernel).__name__}; it must be a RadialKernel, of "
            "agop_collapse.machine.kernels.radial"
        )
    draws = torch.rand(3, 4, generator=generator(0, "check kernel"), dtype=torch.float64)
    # Points at themselves, and others from a hundredth of the bandwidth to three of them.
    distance = bandwidth * torch.cat([torch.zeros_like(draws[:1]), 0.01 * 300**draws])
    step = STEP * distance

    def values_at(distance: Tensor) -> Tensor:
        return _call(f"{name}: values", kernel.values, distance, bandwidth)

    values = values_at(distance)
    near_one = (values - 1).abs() <= TOLERANCE
    _expect(near_one | (distance > 0), f"{name}: values", distance, values, "1")
    at_most_one = values.abs() <= 1 + TOLERANCE
    _expect(at_most_one, f"{name}: values", distance, values, "between -1 and 1")

    what = f"{name}: gradient_weights"
    weights = _call(what, kernel.gradient_weights, values, distance, bandwidth)
    _expect(weights.isfinite(), what, distance, weights, "finite")
    fall = values_at(distance - step) - values_at(distance + step)
    slope = torch.where(distance > 0, fall / (2 * step), 0)
    found = weights * distance
    near = (found - slope).abs() <= TOLERANCE * (slope.abs() + 1 / bandwidth)
    _expect(near, f"{what} times the distance", distance, found, slope)


def _call(what: str, function: Callable[..., Tensor], *arguments: Tensor | float) -> Tensor:
    """A function's result, if it is a tensor like its first argument, and these are unchanged.

    Distances that are changed in place would be wrong in all that comes after.
    """
    first, *_ = tensors = [value for value in arguments if isinstance(value, Tensor)]
    before = [tensor.clone() for tensor in tensors]
    result = function(*arguments)
    if not isinstance(result, Tensor):
        raise UserError(f"{what} gives a {type(result).__name__}; it must be a tensor")
    if (result.shape, result.dtype) != (first.shape, first.dtype):
        raise UserError(
            f"{what} gives shape {tuple(result.shape)}, {result.dtype}; it must be that of the "
            f"distances, {tuple(first.shape)}, {first.dtype}"
        )
    if not all(torch.equal(a, b) for a, b in zip(tensors, before, strict=True)):
        raise UserError(f"{what} changes its arguments in place; it must leave them as they are")
    return result


def _expect(
    holds: Tensor, what: str, distance: Tensor, found: Tensor, wanted: Tensor | str
) -> None:
    """Refuse at the first distance where something does not hold."""
    if not holds.all():
        at = int(holds.logical_not().flatten().nonzero()[0])
        if isinstance(wanted, Tensor):
            wanted = f"{float(wanted.flatten()[at]):.9g}, by finite differences"
        raise UserError(
            f"{what} at distance {float(distance.flatten()[at]):g} is "
            f"{float(found.flatten()[at]):.9g}; it must be {wanted}"
        )
