"""The neural feature ansatz: W_l^T W_l against the AGOP of each layer's input (Ansatz 3.1, App. D)."""

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

    weight : (w, d) float64 W_l
    agop : (d, d) float64, of the network's outputs with respect to the layer's input, over points
    agop_root : (d, d) float64, its symmetric square root
    stages : collapse of the layer's input ("input"), of S V^T times it ("right"), W = U S V^T, and
        of the layer's output ("full")
    """

    weight: Tensor
    agop: Tensor
    agop_root: Tensor
    stages: dict[str, Collapse]


@torch.no_grad()
def measure_head(network: Network, x: Tensor, class_counts: list[int]) -> list[HeadLayer]:
    """Collapse and AGOP at each hidden layer of a network.

    The backbone runs in its own precision, in evaluation mode; the head in float64. One forward pass
    and one backward sweep serve all layers: with H_l the Gram matrix of the Jacobians with respect
    to the pre-activation W_l x, the AGOP is W_l^T H_l W_l, and no d x d Jacobian is formed.

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

    layers = []
    input_collapse = collapse.measure(features, class_counts)
    jacobian_grams = _jacobian_grams(weights, network.readout.weight.double(), inputs[1:])
    for weight, points, outputs, gram in zip(
        weights, inputs, inputs[1:], jacobian_grams, strict=False
    ):
        _, singular_values, right = torch.linalg.svd(weight, full_matrices=False)
        output_collapse = collapse.measure(outputs, class_counts)
        stages = {
            "input": input_collapse,
            "right": collapse.measure(points @ right.T * singular_values, class_counts),
            "full": output_collapse,
        }
        agop, root = _agop_and_root(weight, gram)
        layers.append(HeadLayer(weight, agop, root, stages))
        input_collapse = output_collapse
    return layers


def _jacobian_grams(weights: list[Tensor], readout: Tensor, activations: list[Tensor]) -> list[Tensor]:
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


def _agop_and_root(weight: Tensor, jacobian_gram: Tensor) -> tuple[Tensor, Tensor]:
    """W^T H W and its root: with H = R^2 and R W = U S V^T they are V S^2 V^T and V S V^T."""
    values, vectors = torch.linalg.eigh(jacobian_gram)
    half = (vectors * values.clamp(min=0).sqrt()) @ (vectors.T @ weight)
    _, singular_values, right = torch.linalg.svd(half, full_matrices=False)
    return half.T @ half, (right.T * singular_values) @ right


def pearson(a: Tensor, b: Tensor) -> float:
    """Pearson correlation of the entries of two tensors of one shape; nan if either is constant."""
    a, b = a.double().flatten(), b.double().flatten()
    a, b = a - a.mean(), b - b.mean()
    scale = float(torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b))
    return float(a @ b) / scale if scale > 0 else math.nan


def neural_feature_matrix(weight: Tensor) -> Tensor:
    """W^T W, (d, d), for W of (w, d)."""
    return weight.T @ weight


def nfa(layer: HeadLayer, agop_root: Tensor | None = None) -> float:
    """Pearson correlation of W^T W with AGOP^1/2: the layer's own, or the one given."""
    root = layer.agop_root if agop_root is None else agop_root
    return pearson(neural_feature_matrix(layer.weight), root)


def nfa_agop(layer: HeadLayer) -> float:
    """Pearson correlation of W^T W with the AGOP itself, as Ansatz 3.1 is written."""
    return pearson(neural_feature_matrix(layer.weight), layer.agop)


def nfa_offdiagonal(layer: HeadLayer) -> float:
    """`nfa` over the entries off the diagonal: any two such matrices agree in having a large one."""
    off = ~torch.eye(len(layer.agop), dtype=torch.bool, device=layer.agop.device)
    return pearson(neural_feature_matrix(layer.weight)[off], layer.agop_root[off])
