"""The neural feature ansatz: W_l^T W_l against the AGOP of a layer's input (Ansatz 3.1, App. D)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..common.blocks import symmetric_product
from ..networks.architecture import Network
from . import collapse
from .collapse import Collapse

# Points whose Jacobians, K x width numbers each, are held at a time.
AT_A_TIME = 512


@dataclass(frozen=True)
class HeadLayer:
    """What one hidden layer of the head does to its input, on all training points.

    The d x d matrices are given by factors, A = F^T F, of few rows.

    weight : (w, d) float64 W_l, the factor of the neural feature matrix W_l^T W_l
    agop_factor : (min(w, d), d) float64, of the AGOP of the network's outputs by the layer's input
    root_factor : (min(w, d), d) float64, of AGOP^1/2, its symmetric square root
    stages : collapse of the layer's input ("input"), of S V^T times it ("right"), W = U S V^T, and
        of the layer's output ("full")
    """

    weight: Tensor
    agop_factor: Tensor
    root_factor: Tensor
    stages: dict[str, Collapse]


@torch.no_grad()
def measure_head(
    network: Network, x: Tensor, class_counts: list[int], at_a_time: int = AT_A_TIME
) -> list[HeadLayer]:
    """Collapse and AGOP at each hidden layer of a network.

    The network runs in its own precision, in evaluation mode; so do sums over the Jacobians of
    `at_a_time` points. Sums over all points, and all that is done with them, are in float64. One
    forward pass and one backward sweep serve all layers: with H_l the Gram matrix of the Jacobians
    by the pre-activation W_l x, the AGOP is W_l^T H_l W_l, and no d x d Jacobian is formed. S V^T x
    is U^T times the pre-activation: U turns it and changes none of the metrics, so these are taken
    from the pre-activation.

    Parameters
    ----------
    network : on the device of x
    x : (n, d) rows of pixels, sorted by class
    class_counts : points of each class, in order
    at_a_time : points that go through the backbone together, and whose Jacobians are held
    """
    network.eval()
    points = torch.cat([network.backbone(part) for part in x.split(at_a_time)])
    stages = [collapse.measure(points, class_counts)]
    right, slopes = [], []
    for layer in network.hidden:
        points = layer(points)
        right.append(collapse.measure(points, class_counts))
        slopes.append(network.activation.derivative(points))
        points = network.activation.function(points)
        stages.append(collapse.measure(points, class_counts))

    weights = [layer.weight for layer in network.hidden]
    grams = _jacobian_grams(weights, network.readout.weight, slopes, at_a_time)
    layers = []
    for index, weight in enumerate(weights):
        weight = weight.detach().double()
        named = {"input": stages[index], "right": right[index], "full": stages[index + 1]}
        layers.append(HeadLayer(weight, *agop_factors(weight, grams[index]), named))
    return layers


def _jacobian_grams(
    weights: list[Tensor], readout: Tensor, slopes: list[Tensor], at_a_time: int
) -> list[Tensor]:
    """H_l, (w, w) float64: mean over points of J^T J, J the Jacobian by pre-activation l.

    slopes : of each layer (n, w), the activation's derivative at the pre-activations
    """
    n, last = len(slopes[0]), len(weights) - 1
    grams = [weight.new_zeros(len(weight), len(weight), dtype=torch.float64) for weight in weights]
    for start in range(0, n, at_a_time):
        rows = slice(start, start + at_a_time)
        slope = slopes[last][rows].to(readout.dtype)
        # The last layer's Jacobian is the readout with each column times its slope.
        grams[last] += symmetric_product(slope) * (readout.T @ readout)
        jacobian = readout * slope[:, None]
        for layer in reversed(range(last)):
            jacobian = jacobian @ weights[layer + 1]
            jacobian *= slopes[layer][rows, None]
            grams[layer] += symmetric_product(jacobian.flatten(0, 1))
    return [gram / n for gram in grams]


def agop_factors(weight: Tensor, gram: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of the AGOP W^T H W, and of its symmetric square root.

    With W^T = Q R and R H R^T = V S V^T these are S^1/2 V^T Q^T and S^1/4 V^T Q^T; where w >= d
    nothing is smaller than the AGOP itself, V S V^T.

    Parameters
    ----------
    weight : (w, d) float64 W; gram : (w, w) float64 H, symmetric positive semi-definite

    Returns
    -------
    Two (min(w, d), d) float64 tensors F, with F^T F the AGOP and its root.
    """
    w, d = weight.shape
    if w < d:
        basis, triangle = torch.linalg.qr(weight.T)
        values, vectors = torch.linalg.eigh(triangle @ gram @ triangle.T)
        directions = (basis @ vectors).T
    else:
        values, vectors = torch.linalg.eigh(weight.T @ gram @ weight)
        directions = vectors.T
    values = values.clamp(min=0)
    return values.sqrt()[:, None] * directions, values.pow(0.25)[:, None] * directions


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

    def mean_product(a: Tensor, b: Tensor, products: Tensor) -> Tensor:
        total = products.square().sum()
        if not diagonal:
            total = total - a.square().sum(dim=0) @ b.square().sum(dim=0)
        return total / entries

    def variance(a: Tensor, products: Tensor) -> float:
        rounding = 16 * torch.finfo(a.dtype).eps * products.square().sum() / entries
        found = mean_product(a, a, products) - mean(a) ** 2
        return float(found) if found > rounding else 0.0

    products = symmetric_product(torch.cat([f, g]).T)
    of_f, of_g = slice(0, len(f)), slice(len(f), None)
    scale = math.sqrt(variance(f, products[of_f, of_f]) * variance(g, products[of_g, of_g]))
    covariance = float(mean_product(f, g, products[of_f, of_g]) - mean(f) * mean(g))
    return covariance / scale if scale else math.nan


@dataclass(frozen=True)
class Ansatz:
    """The neural feature ansatz at one layer, and beside it what it would be without learning."""

    nfa: float
    nfa_agop: float
    nfa_offdiagonal: float
    nfa_init: float
    nfa_independent: float
    nfa_independent_trained: float


def measure(
    layer: HeadLayer,
    untrained: HeadLayer,
    trained: HeadLayer | None = None,
    nfa_init: float | None = None,
) -> Ansatz:
    """The neural feature ansatz at a layer; the functions below say what each number is.

    Parameters
    ----------
    layer : of the network
    untrained, trained : the same layer of independent networks, of which the second was trained as
        this one was (D20); nan without it
    nfa_init : `nfa` of the layer at the network's initialisation; None when this is that
    """
    own = nfa(layer)
    return Ansatz(
        own,
        nfa_agop(layer),
        nfa_offdiagonal(layer),
        own if nfa_init is None else nfa_init,
        nfa(layer, untrained),
        math.nan if trained is None else nfa(layer, trained),
    )


def nfa(layer: HeadLayer, other: HeadLayer | None = None) -> float:
    """Pearson correlation of W^T W with AGOP^1/2, the layer's own or another network's."""
    return pearson_of_grams(layer.weight, (other or layer).root_factor)


def nfa_agop(layer: HeadLayer) -> float:
    """Pearson correlation of W^T W with the AGOP itself, as Ansatz 3.1 is written."""
    return pearson_of_grams(layer.weight, layer.agop_factor)


def nfa_offdiagonal(layer: HeadLayer) -> float:
    """`nfa` over the entries off the diagonal: any two such matrices agree in a large diagonal."""
    return pearson_of_grams(layer.weight, layer.root_factor, diagonal=False)
