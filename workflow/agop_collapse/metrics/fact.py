"""FACT and eNFA: what gradients of the loss, in place of the outputs, say of W^T W.

At a critical point of the mean loss plus (lam / 2) ||theta||^2, the gradient G of the mean loss by
W is -lam W, and so W^T W = FACT = -W^T G / lam (arXiv:2507.05644, Theorem 3.1): with z = W h the
sum over points of (W^T dl_i/dz) h_i^T, in which it is written there, is n W^T G.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .factored import Product, gram_of, pair
from .layer import Layer


@dataclass(frozen=True)
class Fact:
    """FACT and eNFA at one layer; see `measure`."""

    fact: float
    fact_residual: float
    fact_root: float
    bfact: float
    bfact_residual: float
    enfa: float
    enfa_cosine: float


def measure(layer: Layer, weight_decay: float) -> Fact:
    """How well FACT and eNFA say what W^T W is.

    Parameters
    ----------
    layer : measured with the loss that the network was trained on
    weight_decay : lam, as torch's SGD has it, which adds lam W to the gradient; without it FACT is
        not defined

    Returns
    -------
    Fact, with N = W^T W and
        fact : Pearson correlation of N and FACT, over entries. FACT^T has the same, N being
            symmetric. It may be negative before training has converged;
        fact_residual = ||N - FACT|| / ||N||, 0 at a critical point;
        fact_root : Pearson correlation of N and (FACT FACT^T)^1/2, which has no sign;
        bfact, bfact_residual : the same of W W^T and bFACT = -W G^T / lam;
        enfa, enfa_cosine : Pearson correlation and cosine of N and the mean over points of
            (grad_h l_i) (grad_h l_i)^T, in place of the AGOP (eNFA, arXiv:2410.03006);
        those of FACT are nan where lam is 0; all are nan where N or the other is constant.

    Raises
    ------
    ValueError : when the layer was measured without a loss.
    """
    if layer.loss is None:
        raise ValueError("FACT and eNFA need the gradients of a loss")
    weight = layer.weight
    squares = gram_of(weight)
    enfa = pair(squares, Product(weight, layer.loss.gram @ weight))
    if not weight_decay:
        return Fact(*[math.nan] * 5, enfa.pearson, enfa.cosine)
    forward, backward = fact(layer, weight_decay), bfact(layer, weight_decay)
    # W^T W - FACT = W^T (W + G / lam): nothing cancels where FACT is near.
    off = weight + layer.loss.by_weight / weight_decay
    size = squares.norm()
    return Fact(
        pair(squares, forward).pearson,
        Product(weight, off).norm() / size if size else math.nan,
        pair(squares, gram_of(_root_of_square(forward))).pearson,
        pair(gram_of(weight.T), backward).pearson,
        Product(weight.T, off.T).norm() / size if size else math.nan,
        enfa.pearson,
        enfa.cosine,
    )


def fact(layer: Layer, weight_decay: float) -> Product:
    """FACT = -W^T G / lam, d x d by its factors; see `measure`."""
    return Product(layer.weight, -layer.loss.by_weight / weight_decay)


def bfact(layer: Layer, weight_decay: float) -> Product:
    """bFACT = -W G^T / lam, w x w by its factors; see `measure`."""
    return Product(layer.weight.T, -layer.loss.by_weight.T / weight_decay)


def _root_of_square(matrix: Product) -> Tensor:
    """(min(r, d), d) F with F^T F = (A A^T)^1/2: A = U S V^T, and this is U S U^T."""
    rows, d = matrix.left.shape
    if rows < d:
        basis, triangle = torch.linalg.qr(matrix.left.T)
        _, other = torch.linalg.qr(matrix.right.T)
        left, values, _ = torch.linalg.svd(triangle @ other.T)
        left = basis @ left
    else:
        left, values, _ = torch.linalg.svd(matrix.left.T @ matrix.right)
    return (left * values.sqrt()).T
