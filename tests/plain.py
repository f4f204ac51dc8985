"""The plain baseline: what the library computes, in the straightforward way, in torch.

It takes the steps of the public code, the authors' scripts and the rfm package of Radhakrishnan et
al. that they call, as a description and a reading of that code have them; no line is taken from it.
The kernel acts on distances in the metric M of a recursive feature machine, which is the identity
in the paper's one iteration and is multiplied out all the same; it is evaluated in full for each
use: the solve, the outputs, the gradients, their distances (of the Laplace kernel), and the solve
once more. The system goes to a general solver; the AGOP takes one n x n by n x d product for each
output, and its root an eigendecomposition in d dimensions; points are put to their classes one by
one, and S_W, S_B and S_T are d x d matrices for the sake of their traces; the AGOP of a network
comes from the Jacobians of each layer in turn, at all points at once.

The benchmarks measure the library against it, and tests use it as their oracle at sizes that
oracle.py, with its loops over points, cannot reach. The public code does a little more than this:
it multiplies both terms of the gradients by M, predicts on its test points for each score, takes
full singular value decompositions, and correlates W^T W with the AGOP itself too. And it is in
float32, but for the root of a kernel machine's AGOP.

Points are rows, sorted by class; everything is in the dtype and on the device of the points.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def metric_distances(x: Tensor, z: Tensor, metric: Tensor) -> Tensor:
    """sqrt(x.Mx + z.Mz - 2 x.Mz): of a point to itself, about the square root of rounding."""
    x_norms = (x @ metric * x).sum(dim=1)
    z_norms = x_norms if z is x else (z @ metric * z).sum(dim=1)
    squared = x_norms[:, None] + z_norms - 2 * x @ (metric @ z.T)
    return squared.clamp(min=0).sqrt()


def exact_distances(x: Tensor, z: Tensor, metric: Tensor) -> Tensor:
    """Norms of differences, for M = I alone: what an oracle needs, and a baseline does not have."""
    assert torch.equal(metric, torch.eye(len(metric), dtype=metric.dtype))
    return torch.cdist(x, z, compute_mode="donot_use_mm_for_euclid_dist")


Distances = Callable[[Tensor, Tensor, Tensor], Tensor]


# --- a layer of Deep RFM ----------------------------------------------------------------------


# The public code has no other, and its AGOP treats these apart.
KERNELS = {
    "laplace": lambda distance, bandwidth: torch.exp(-distance / bandwidth),
    "gaussian": lambda distance, bandwidth: torch.exp(-(distance**2) / (2 * bandwidth**2)),
}


def kernel_matrix(kernel: str, distance: Tensor, bandwidth: float) -> Tensor:
    return KERNELS[kernel](distance, bandwidth)


def solve(
    kernel: str,
    x: Tensor,
    targets: Tensor,
    bandwidth: float,
    ridge: float,
    metric: Tensor,
    distances: Distances = metric_distances,
) -> Tensor:
    """(K + ridge I)^-1 Y, (n, c)."""
    system = kernel_matrix(kernel, distances(x, x, metric), bandwidth)
    identity = torch.eye(len(x), dtype=x.dtype, device=x.device)
    return torch.linalg.solve(system + ridge * identity, targets)


def predict(
    kernel: str,
    points: Tensor,
    centres: Tensor,
    alpha: Tensor,
    bandwidth: float,
    metric: Tensor,
    distances: Distances = metric_distances,
) -> Tensor:
    """Outputs of the machine, (m, c)."""
    return kernel_matrix(kernel, distances(points, centres, metric), bandwidth) @ alpha


def agop(
    kernel: str,
    x: Tensor,
    alpha: Tensor,
    bandwidth: float,
    metric: Tensor,
    distances: Distances = metric_distances,
) -> Tensor:
    """The AGOP at the machine's own points, (d, d), its largest entry 1."""
    weights = kernel_matrix(kernel, distances(x, x, metric), bandwidth)
    if kernel == "laplace":
        distance = distances(x, x, metric)
        distance = torch.where(distance < 1e-10, 0, distance)
        weights = weights / distance
        weights[weights.isinf()] = 0
        weights = weights / bandwidth
    else:
        weights = weights / bandwidth**2
    mapped = x @ metric
    total = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype, device=x.device)
    for a in alpha.T:
        gradients = weights @ (a[:, None] * mapped) - (weights @ a)[:, None] * mapped
        total = total + gradients.T @ gradients
    return total / total.max()


def fit(
    kernel: str, x: Tensor, targets: Tensor, bandwidth: float, ridge: float
) -> tuple[Tensor, Tensor]:
    """The AGOP, (d, d), and the outputs at the machine's own points, (n, c).

    All that the public code does to come by them in its one iteration: after it, it solves again
    for a machine with the AGOP as metric, which nothing in the paper asks for.
    """
    metric = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    alpha = solve(kernel, x, targets, bandwidth, ridge, metric)
    outputs = predict(kernel, x, x, alpha, bandwidth, metric)
    outer = agop(kernel, x, alpha, bandwidth, metric)
    solve(kernel, x, targets, bandwidth, ridge, outer)
    return outer, outputs


def root_of(matrix: Tensor) -> Tensor:
    """Symmetric root of a positive semi-definite matrix, by its eigendecomposition."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T


# --- neural collapse --------------------------------------------------------------------------


def by_class(x: Tensor, targets: Tensor) -> list[Tensor]:
    """The points of each class, told by the largest of their targets, (n, K)."""
    points = [[] for _ in range(targets.shape[1])]
    for point, target in zip(x, targets, strict=True):
        points[target.argmax()].append(point)
    return [torch.stack(own) for own in points]


def collapse(x: Tensor, counts: list[int]) -> tuple[float, float, float, float, float]:
    """NC1, NC2 (Frobenius norm), tr S_W, tr S_B, and tr S_T about the mean of the class means."""
    classes = len(counts)
    labels = torch.arange(classes).repeat_interleave(torch.tensor(counts))
    grouped = by_class(x, torch.eye(classes)[labels].to(x.device))
    means = torch.stack([own.mean(dim=0) for own in grouped])
    centre = means.mean(dim=0)
    within = sum((own - mean).T @ (own - mean) for own, mean in zip(grouped, means, strict=True))
    total = sum((own - centre).T @ (own - centre) for own in grouped)
    between = (means - centre).T @ (means - centre)

    trace_within, trace_total = float(within.trace()) / len(x), float(total.trace()) / len(x)
    trace_between = float(between.trace()) / classes
    directions = (means - centre) / (means - centre).norm(dim=1, keepdim=True)
    etf = torch.full((classes, classes), -1 / (classes - 1), dtype=x.dtype, device=x.device)
    etf.fill_diagonal_(1)
    nc2 = float((directions @ directions.T - etf).norm())
    return trace_within / trace_between, nc2, trace_within, trace_between, trace_total


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
    rows = jacobian(x).flatten(0, 1)
    return rows.T @ rows / len(x)


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
