"""Radial kernels of the Deep RFM predictor: Laplace and Gaussian (Appendix D)."""

import math

import torch
from torch import Tensor

KERNELS = ("laplace", "gaussian")


def squared_distances(x: Tensor, z: Tensor) -> Tensor:
    """Squared Euclidean distances between the rows of two matrices.

    Expanded as ||x||^2 + ||z||^2 - 2 x.z, so the absolute error is about eps (||x||^2 + ||z||^2);
    values below that error are returned as 0, so that coincident points have distance 0.

    Parameters
    ----------
    x : (n, d) floating tensor
    z : (m, d) tensor of the same dtype and device

    Returns
    -------
    (n, m) tensor, not negative.
    """
    norms = x.square().sum(dim=1, keepdim=True) + z.square().sum(dim=1)
    squared = torch.addmm(norms, x, z.T, alpha=-2)
    rounding = norms.mul_(16 * torch.finfo(x.dtype).eps)
    return squared.masked_fill_(squared <= rounding, 0)


def kernel_matrix(kernel: str, distance: Tensor, bandwidth: float) -> Tensor:
    """k = exp(-D / L) (Laplace) or exp(-D^2 / (2 L^2)) (Gaussian), entry by entry.

    Parameters
    ----------
    kernel : "laplace" or "gaussian"
    distance : tensor of Euclidean distances D
    bandwidth : L > 0

    Raises
    ------
    ValueError : on an unknown kernel.
    """
    if kernel == "laplace":
        return torch.exp(distance / -bandwidth)
    if kernel == "gaussian":
        return torch.exp(distance.square() / (-2 * bandwidth**2))
    raise ValueError(f"unknown kernel {kernel!r}; known: {', '.join(KERNELS)}")


def gradient_weights(kernel: str, values: Tensor, distance: Tensor, bandwidth: float) -> Tensor:
    """W such that grad_x k(x, z) = -W(x, z) (x - z), for every pair.

    Laplace: W = k / (L D); Gaussian: W = k / L^2. The Laplace kernel has no gradient at coincident
    points, D = 0; there W is 0, as if the gradient were the mean of those around.

    Parameters
    ----------
    kernel : "laplace" or "gaussian"
    values, distance : tensors of one shape, the kernel and the Euclidean distance of each pair
    bandwidth : L > 0
    """
    if kernel == "gaussian":
        return values / bandwidth**2
    return (values / distance).div_(bandwidth).masked_fill_(distance == 0, 0)


def safe_ridge(n: int, dtype: torch.dtype) -> float:
    """A ridge above the rounding of a kernel matrix's largest eigenvalue, which is at most n."""
    return 10.0 ** math.ceil(math.log10(n * torch.finfo(dtype).eps))
