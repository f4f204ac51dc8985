"""The neural feature ansatz: W^T W against the AGOP of a layer's input, and its variants.

Ansatz 3.1 and Appendix D of the paper; the variants are those that the literature has in its place.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .factored import (
    Eigenpairs,
    Product,
    agop_factors,
    eigenpairs,
    gram_of,
    pair,
    pairs_with_powers,
    pearson_of_grams,
    squares_along,
)
from .head import AT_A_TIME, HeadLayer, measure_head
from .layer import Layer

__all__ = [
    "AT_A_TIME",
    "Ansatz",
    "Family",
    "HeadLayer",
    "Variant",
    "agop_factors",
    "family",
    "fitted_exponent",
    "measure",
    "measure_head",
    "nfa",
    "nfa_agop",
    "nfa_offdiagonal",
    "overlap",
    "pearson_of_grams",
    "variants",
]

# Eigenvalues of an AGOP below this part of the largest are not fitted, nor are those that the
# network's own precision does not resolve.
RESOLVED = 1e-12
# Eigenvalues nearer than this many rounding units of the largest are a tie, and smaller ones may be
# rounding.
TIE = 16


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
    layer: Layer,
    untrained: Layer,
    trained: Layer | None = None,
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


def nfa(layer: Layer, other: Layer | None = None) -> float:
    """Pearson correlation of W^T W with AGOP^1/2, the layer's own or another network's."""
    return pearson_of_grams(layer.weight, (other or layer).root_factor)


def nfa_agop(layer: Layer) -> float:
    """Pearson correlation of W^T W with the AGOP itself, as Ansatz 3.1 is written."""
    return pearson_of_grams(layer.weight, layer.agop_factor)


def nfa_offdiagonal(layer: Layer) -> float:
    """`nfa` over the entries off the diagonal: any two such matrices agree in a large diagonal."""
    return pearson_of_grams(layer.weight, layer.root_factor, diagonal=False)


@dataclass(frozen=True)
class Variant:
    """One way to write the ansatz, N proportional to B, and how well it holds at a layer.

    weights : "whole", N = W^T W; or "change", N = (W - W_0)^T (W - W_0), W_0 the initialisation's
    jacobians : "plain", A the AGOP; or "centred", A the covariance of the Jacobians over points
    power : "half", B = A^1/2 (as in Appendix D); "one", B = A (Ansatz 3.1); "depth",
        B = A^1/(L-l+1), which balanced deep linear networks of L maps have (arXiv:2510.15563)
    exponent : the power as a number; below 1/2 eigenvalues of A that may be rounding count as 0
    pearson : correlation of the entries of N and B; nan if either is constant
    cosine : <N, B> / (||N|| ||B||) (arXiv:2212.13881); nan if either is 0
    scale, residual : c* = <N, B> / ||B||^2, and ||N - c* B|| / ||N||
    """

    weights: str
    jacobians: str
    power: str
    exponent: float
    pearson: float
    cosine: float
    scale: float
    residual: float


def variants(layer: Layer, initial: Tensor | None = None) -> list[Variant]:
    """The ansatz in all its variants.

    Parameters
    ----------
    layer : of which "depth" is left out where `maps` is None
    initial : (w, d) the layer's weight at the initialisation; None leaves "change" out

    Returns
    -------
    Variant for each of weights x jacobians x power, in this order.
    """
    weights = {"whole": layer.weight}
    if initial is not None:
        weights["change"] = layer.weight - initial.double()
    exponents = {"half": 1 / 2, "one": 1.0}
    if layer.maps is not None:
        exponents["depth"] = 1 / layer.maps
    found = []
    for name, weight in weights.items():
        for jacobians, matrix in (("plain", layer.agop), ("centred", layer.agop_centred)):
            pairs = pairs_with_powers(weight, matrix, exponents.values(), _tie(matrix, layer.eps))
            for (power, exponent), one in zip(exponents.items(), pairs, strict=True):
                values = (one.pearson, one.cosine, one.scale, one.residual)
                found.append(Variant(name, jacobians, power, exponent, *values))
    return found


@dataclass(frozen=True)
class Family:
    """What else is said of W and the AGOP at a layer; see `family`."""

    fitted_exponent: float
    overlap: float
    overlap_chance: float
    cnfa: float
    cnfa_cosine: float
    weight_change: float


def family(layer: Layer, k: int, initial: Tensor | None = None) -> Family:
    """Measures of the ansatz that are not correlations with a power of the AGOP.

    Parameters
    ----------
    layer : of the network
    k : eigenvectors that are compared, such as the number of classes
    initial : (w, d) the layer's weight W_0 at the initialisation; None when this is that

    Returns
    -------
    Family, with
        fitted_exponent, overlap : of the functions of these names;
        overlap_chance = k / d, what `overlap` is in the mean for a random subspace, 1 for k > d;
        cnfa, cnfa_cosine : Pearson correlation and cosine of D^T D and D^T H D, D = W - W_0 and H
            the Gram matrix of the present network's Jacobians (the C-NFA, arXiv:2402.05271); nan
            where nothing has changed;
        weight_change = ||W - W_0|| / ||W||, nan where W is 0.
    """
    weight, d = layer.weight, layer.weight.shape[1]
    change = torch.zeros_like(weight) if initial is None else weight - initial.double()
    centred = pair(gram_of(change), Product(change, layer.gram @ change))
    size = float(weight.norm())
    return Family(
        fitted_exponent(layer),
        overlap(layer, k),
        min(k / d, 1.0),
        centred.pearson,
        centred.cosine,
        float(change.norm()) / size if size else math.nan,
    )


def fitted_exponent(layer: Layer) -> float:
    """The power p with which v_j^T W^T W v_j grows with a_j^p, (a_j, v_j) eigenpairs of the AGOP.

    The slope of the least-squares line through their logarithms, over all j with a_j above 1e-12 of
    the largest, and above the rounding unit of the network's passes times the largest. The ansatz
    has p = 1/2. nan with fewer than two such j, or where their a_j are equal.
    """
    values, along = layer.agop.values, squares_along(layer.weight, layer.agop)
    kept = (values > max(RESOLVED, layer.eps) * values[-1]) & (along > 0)
    x, y = values[kept].log(), along[kept].log()
    if len(x) < 2 or float(values[kept][-1] - values[kept][0]) <= _tie(layer.agop, layer.eps):
        return math.nan
    x = x - x.mean()
    return float(x @ (y - y.mean()) / x.square().sum())


def overlap(layer: Layer, k: int) -> float:
    """||U_k^T V_k||_F^2 / k, of the first k eigenvectors of W^T W and of the AGOP.

    Between 0 and 1; k / d by chance. nan where the k-th eigenvalue of either is the next one too,
    but for rounding, so that there are no first k.
    """
    identity = torch.eye(len(layer.weight), dtype=torch.float64, device=layer.weight.device)
    feature_matrix = eigenpairs(layer.weight, identity)
    both = [_first(feature_matrix, k, torch.finfo(torch.float64).eps)]
    both.append(_first(layer.agop, k, layer.eps))
    if any(vectors is None for vectors in both):
        return math.nan
    ours, theirs = both
    return float((ours @ theirs.T).square().sum()) / k


def _first(matrix: Eigenpairs, k: int, eps: float) -> Tensor | None:
    """The first k eigenvectors, (k, d); None where a tie leaves open which they are."""
    count, d = matrix.directions.shape
    if k > count:
        return None  # the (count + 1)-th eigenvalue is 0 and so is the next, or there is none
    after = matrix.values[-k - 1] if k < count else torch.zeros_like(matrix.values[0])
    if k < d and float(matrix.values[-k] - after) <= _tie(matrix, eps):
        return None
    return matrix.directions[-k:]


def _tie(matrix: Eigenpairs, eps: float) -> float:
    return TIE * eps * float(matrix.values[-1])
