"""Radial kernels of the Deep RFM predictor: Laplace and Gaussian (Appendix D)."""

import math

import torch
from torch import Tensor

KERNELS = ("laplace", "gaussian")


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
