"""The neural feature ansatz: W_l^T W_l against the AGOP of a layer's input (Ansatz 3.1, App. D)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from . import collapse
from .collapse import Collapse
from .networks import Network

# Points whose Jacobians are held at a time: K x width float64 numbers each.
JACOBIAN_BATCH = 2048
BACKBONE_BATCH = 4096


@dataclass(frozen=True)
class HeadLayer:
    """What one hidden layer of the head does to its input, on all training points.

    The d x d matrices are given by factors, A = F^T F, of only w rows.

    weight : (w, d) float64 W_l, the factor of the neural feature matrix W_l^T W_l
    agop_factor : (w, d) float64, of the AGOP of the network's outputs by the layer's input
    root_factor : (w, d) float64, of AGOP^1/2, its symmetric square root
    stages : collapse of the layer's input ("input"), of S V^T times it ("right"), W = U S V^T, and
        of the layer's output ("full")
    """

    weight: Tensor
    agop_factor: Tensor
    root_factor: Tensor
    stages: dict[str, Collapse]


@torch.no_grad()
def measure_head(network: Network, x: Tensor, class_counts: list[int]) -> list[HeadLayer]:
    """Collapse and AGOP at each hidden layer of a network.

    The backbone runs in its own precision, in evaluation mode; the head in float64. One forward
    pass and one backward sweep serve all layers: with H_l the Gram matrix of the Jacobians with
    respect to the pre-activation W_l x, the AGOP is W_l^T H_l W_l, and no d x d Jacobian is formed.

    Parameters
    ----------
    network : on the device of x
    x : (n, d) rows of pixels, sorted by class
    class_counts : points of each class, in order
    """
    network.eval()
    features = torch.cat([network.backbone(batch) for batch in x.split(BACKBONE_BATCH)]).double()
    weights = [layer.weight.double() for layer in network.hidden]
    inputs = [features]
    for weight in weights:
        inputs.append(torch.relu(inputs[-1] @ weight.T))

    stages = [collapse.measure(points, class_counts) for points in inputs]
    jacobian_grams = _jacobian_grams(weights, network.readout.weight.double(), inputs[1:])
    layers = []
    for index, weight in enumerate(weights):
        right = inputs[index] @ right_singular_part(weight).T
        agop_factor = _symmetric_root(jacobian_grams[index]) @ weight
        layers.append(
            HeadLayer(
                weight,
                agop_factor,
                root_factor(agop_factor),
                {
                    "input": stages[index],
                    "right": collapse.measure(right, class_counts),
                    "full": stages[index + 1],
                },
            )
        )
    return layers


def _jacobian_grams(
    weights: list[Tensor], readout: Tensor, activations: list[Tensor]
) -> list[Tensor]:
    """H_l, (w, w): mean over points of J^T J, J the Jacobian of the outputs by pre-activation l."""
    n = len(activations[0])
    grams = [torch.zeros_like(weight @ weight.T) for weight in weights]
    for start in range(0, n, JACOBIAN_BATCH):
        rows = slice(start, start + JACOBIAN_BATCH)
        by_activation = readout[None]
        for layer in reversed(range(len(weights))):
            jacobian = by_activation * (activations[layer][rows, None] > 0)
            flat = jacobian.reshape(-1, jacobian.shape[-1])
            grams[layer].addmm_(flat.T, flat, alpha=1 / n)
            if layer:
                by_activation = jacobian @ weights[layer]
    return grams


def right_singular_part(weight: Tensor) -> Tensor:
    """S V^T of W = U S V^T, (w, d), as U^T W with U from the w x w side."""
    _, left = torch.linalg.eigh(weight @ weight.T)
    return left.T @ weight


def root_factor(factor: Tensor) -> Tensor:
    """G with G^T G = (F^T F)^1/2, for F of (w, d): with F = U S V^T it is S^1/2 V^T."""
    rows = right_singular_part(factor)
    singular_values = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    rounding = torch.finfo(rows.dtype).eps * singular_values.max()
    return torch.where(singular_values > rounding, rows / singular_values.sqrt(), 0)


def _symmetric_root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


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

    def mean_product(a: Tensor, b: Tensor) -> Tensor:
        total = (a @ b.T).square().sum()
        if not diagonal:
            total = total - a.square().sum(dim=0) @ b.square().sum(dim=0)
        return total / entries

    def variance(a: Tensor) -> float:
        rounding = 16 * torch.finfo(a.dtype).eps * (a @ a.T).square().sum() / entries
        found = mean_product(a, a) - mean(a) ** 2
        return float(found) if found > rounding else 0.0

    scale = math.sqrt(variance(f) * variance(g))
    return float(mean_product(f, g) - mean(f) * mean(g)) / scale if scale else math.nan


def nfa(layer: HeadLayer, other: HeadLayer | None = None) -> float:
    """Pearson correlation of W^T W with AGOP^1/2, the layer's own or another network's."""
    return pearson_of_grams(layer.weight, (other or layer).root_factor)


def nfa_agop(layer: HeadLayer) -> float:
    """Pearson correlation of W^T W with the AGOP itself, as Ansatz 3.1 is written."""
    return pearson_of_grams(layer.weight, layer.agop_factor)


def nfa_offdiagonal(layer: HeadLayer) -> float:
    """`nfa` over the entries off the diagonal: any two such matrices agree in a large diagonal."""
    return pearson_of_grams(layer.weight, layer.root_factor, diagonal=False)
