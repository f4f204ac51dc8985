"""The plain baseline: what the library computes, in the straightforward way, in torch.

It does what the public code that the paper points to does, written from a description of it and not
from the code. The kernel is evaluated in full for each use, from distances by the expanded formula;
the system goes to a general solver; the AGOP takes one n x n by n x d product for each output, and
its root a float64 eigendecomposition in d dimensions; covariances are formed as d x d matrices for
the sake of their traces; the AGOP of a network comes from the Jacobians of each layer in turn.

The benchmarks measure the library against it, and tests use it as their oracle at sizes that
oracle.py, with its loops over points, cannot reach. One thing differs from the code: classes are
summed over in a loop, but points within a class by a product; a d x d outer product for each point
would take so long that any ratio would flatter the library.

Points are rows, sorted by class; everything is in the dtype and on the device of the points.
"""

from collections.abc import Callable

import torch
from torch import Tensor

# Points whose Jacobians of a network are held at a time.
BATCH = 256


def expanded_distances(x: Tensor, z: Tensor) -> Tensor:
    """sqrt(|x|^2 + |z|^2 - 2 x.z): of a point to itself, about the square root of rounding."""
    squared = x.square().sum(dim=1)[:, None] + z.square().sum(dim=1) - 2 * x @ z.T
    return squared.clamp(min=0).sqrt()


def exact_distances(x: Tensor, z: Tensor) -> Tensor:
    """Norms of differences: what an oracle needs, and a baseline does not have."""
    return torch.cdist(x, z, compute_mode="donot_use_mm_for_euclid_dist")


Distances = Callable[[Tensor, Tensor], Tensor]


# --- a layer of Deep RFM ----------------------------------------------------------------------


def kernel_matrix(kernel: str, distance: Tensor, bandwidth: float) -> Tensor:
    if kernel == "laplace":
        return torch.exp(-distance / bandwidth)
    return torch.exp(-(distance**2) / (2 * bandwidth**2))


def solve(
    kernel: str,
    x: Tensor,
    targets: Tensor,
    bandwidth: float,
    ridge: float,
    distances: Distances = expanded_distances,
) -> Tensor:
    """(K + ridge I)^-1 Y, (n, c)."""
    system = kernel_matrix(kernel, distances(x, x), bandwidth)
    identity = torch.eye(len(x), dtype=x.dtype, device=x.device)
    return torch.linalg.solve(system + ridge * identity, targets)


def predict(
    kernel: str,
    points: Tensor,
    centres: Tensor,
    alpha: Tensor,
    bandwidth: float,
    distances: Distances = expanded_distances,
) -> Tensor:
    """Outputs of the machine, (m, c)."""
    return kernel_matrix(kernel, distances(points, centres), bandwidth) @ alpha


def agop(
    kernel: str,
    x: Tensor,
    alpha: Tensor,
    bandwidth: float,
    distances: Distances = expanded_distances,
) -> Tensor:
    """The AGOP at the machine's own points, (d, d), its largest entry 1."""
    distance = distances(x, x)
    weights = kernel_matrix(kernel, distance, bandwidth)
    if kernel == "laplace":
        distance = torch.where(distance < 1e-10, 0, distance)
        weights = weights / distance
        weights[weights.isinf()] = 0
        weights = weights / bandwidth
    else:
        weights = weights / bandwidth**2
    total = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype, device=x.device)
    for a in alpha.T:
        gradients = weights @ (a[:, None] * x) - (weights @ a)[:, None] * x
        total = total + gradients.T @ gradients
    return total / total.max()


def root_of(matrix: Tensor) -> Tensor:
    """Symmetric root of a positive semi-definite matrix, by its float64 eigendecomposition."""
    values, vectors = torch.linalg.eigh(matrix.to(torch.float64))
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    return root.to(matrix.dtype)


# --- neural collapse --------------------------------------------------------------------------


def covariances(x: Tensor, counts: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """S_W and S_B, (d, d), and the class means less their mean, (K, d)."""
    within = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype, device=x.device)
    between = torch.zeros_like(within)
    means = torch.stack([points.mean(dim=0) for points in x.split(counts)])
    centred = means - means.mean(dim=0)
    for k, points in enumerate(x.split(counts)):
        within = within + (points - means[k]).T @ (points - means[k])
        between = between + torch.outer(centred[k], centred[k])
    return within / len(x), between / len(counts), centred


def collapse(x: Tensor, counts: list[int]) -> tuple[float, float, float, float]:
    """NC1, NC2 (Frobenius norm), tr S_W, tr S_B."""
    within, between, centred = covariances(x, counts)
    trace_within, trace_between = float(within.trace()), float(between.trace())
    directions = centred / centred.norm(dim=1, keepdim=True)
    classes = len(counts)
    etf = torch.full((classes, classes), -1 / (classes - 1), dtype=x.dtype, device=x.device)
    etf.fill_diagonal_(1)
    nc2 = float((directions @ directions.T - etf).norm())
    return trace_within / trace_between, nc2, trace_within, trace_between


# --- the head of a network --------------------------------------------------------------------


def forward(weights: list[Tensor], x: Tensor) -> Tensor:
    """Hidden layers relu(W x) and a linear readout, the last weight; one point or many."""
    *hidden, readout = weights
    for weight in hidden:
        x = torch.relu(x @ weight.T)
    return x @ readout.T


def network_agop(weights: list[Tensor], x: Tensor) -> Tensor:
    """Mean of J^T J, J the Jacobian of the outputs by x, (d, d)."""
    jacobian = torch.func.vmap(torch.func.jacrev(lambda point: forward(weights, point)))
    total = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype, device=x.device)
    for points in x.split(BATCH):
        rows = jacobian(points).flatten(0, 1)
        total = total + rows.T @ rows
    return total / len(x)


def measure_head(weights: list[Tensor], x: Tensor, counts: list[int]) -> list[dict]:
    """Of each hidden layer: its AGOP, the correlation of W^T W with the AGOP's root, collapse.

    Parameters
    ----------
    weights : of the hidden layers, and of the readout; x : (n, d) inputs of the first
    counts : points of each class

    Returns
    -------
    For each layer "agop", (d, d); "nfa"; and `collapse` of "input", of "right", S V^T x, and of
    "full", the output.
    """
    layers = []
    for index, weight in enumerate(weights[:-1]):
        average = network_agop(weights[index:], x)
        ansatz = torch.stack([(weight.T @ weight).flatten(), root_of(average).flatten()])
        _, values, right = torch.linalg.svd(weight, full_matrices=False)
        output = torch.relu(x @ weight.T)
        layers.append(
            {
                "agop": average,
                "nfa": float(torch.corrcoef(ansatz)[0, 1]),
                "input": collapse(x, counts),
                "right": collapse(x @ (values[:, None] * right).T, counts),
                "full": collapse(output, counts),
            }
        )
        x = output
    return layers
