"""Kernels of the angle between two points, and of their lengths."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class DotProductKernel:
    """A kernel k(x, z) = |x| |z| h(t) of t = cos(x, z), homogeneous in both points.

    Its gradient is grad_x k = W z + (k - W <x, z>) / |x|^2 x with W = h'(t), since homogeneity
    makes <x, grad_x k> = k. All that is computed of it comes from the distance of the points and
    their lengths, so that it keeps its digits where points nearly coincide. There is no bandwidth.

    Both functions take s = 1 - t, from 0 to 2, entry by entry and leave it alone.

    profile : h(t)
    slope : h'(t), finite; 0 where there is none, as if the gradient across x were the mean of those
        around
    full_rank : whether the kernel matrix of any distinct directions is regular; if not, a system
        without a ridge that proves singular is refused at once
    """

    profile: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    full_rank: bool = True

    def between(
        self, distance: Tensor, x_norms: Tensor, z_norms: Tensor, bandwidth: float
    ) -> Tensor:
        """k, (n, m), of (n, m) distances and (n,), (m,) norms."""
        values = self.profile(_one_less_cosine(distance, x_norms, z_norms))
        return values.mul_(x_norms[:, None] * z_norms)

    def weights(
        self,
        values: Tensor,
        distance: Tensor,
        x_norms: Tensor,
        z_norms: Tensor,
        bandwidth: float,
    ) -> Tensor:
        """W, (n, m); symmetric in the two points."""
        return self.slope(_one_less_cosine(distance, x_norms, z_norms))

    def largest(self, norms: Tensor) -> float:
        """The largest entry of the kernel matrix of points of these norms."""
        return float(self.profile(norms.new_zeros(1)) * norms.max().square())


def _one_less_cosine(distance: Tensor, x_norms: Tensor, z_norms: Tensor) -> Tensor:
    """(D^2 - (|x| - |z|)^2) / (2 |x| |z|); 1 where a point is 0.

    What is not clear of rounding is 0, or 2, so that parallel points of a class have no angle; one
    of 1e-8 may be left between those of two classes and of different length.
    """
    eps = torch.finfo(distance.dtype).eps
    x_norms = x_norms[:, None]
    product = 2 * x_norms * z_norms
    squared, longer = distance.square(), (x_norms - z_norms).abs_()
    s = squared - longer.square()
    rounding = longer.mul_(x_norms + z_norms).add_(squared).mul_(16 * eps)
    s.masked_fill_(s <= rounding, 0).div_(product).masked_fill_(product == 0, 1)
    return s.masked_fill_(s >= 2 - 16 * eps, 2)


def along(distance: Tensor, x_norms: Tensor, z_norms: Tensor, weights: Tensor) -> Tensor:
    """W (|x|^2 - <x, z>): what of W (z - x) is not along z, times |x|^2 along x."""
    gap = x_norms[:, None].square() - z_norms.square()
    return gap.add_(distance.square()).mul_(weights).div_(2)
