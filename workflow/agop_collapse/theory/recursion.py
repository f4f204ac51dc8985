"""Theorem 5.3: Deep RFM whose kernels are linear up to a multiple of the identity.

A layer takes the Gram matrix Gt of its points to G = Gt + lambda_map I (random features), fits the
kernel G + lambda_k I without ridge, and projects by the AGOP:

    Gt' = P Y^T Y P / kappa   with   P = G (G + lambda_k I)^-1.

The first layer has no random features before it, so there G is the data's Gram matrix. Y^T Y, of
one-hot labels, is the collapsed matrix; n is the number of points of a class.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..common.seeding import generator
from ..metrics import collapse

# Below it, relative to the collapsed matrix, an error is rounding.
ROUNDING = 1e-11

# How the AGOP's product is scaled. paper: 1 - 2 lambda_k (1 + 1 / lambda_map), of the theorem;
# first_order: 1 - 2 lambda_k / (n + lambda_map), what its proof gives with Lemma C.2 as it stands;
# exact: ((n + lambda_map) / (n + lambda_map + lambda_k))^2, of which Y^T Y is a fixed point.
KAPPAS = ("paper", "first_order", "exact")


def kappa(kind: str, lambda_k: float, lambda_map: float, n: int) -> float:
    """The scale of a layer's Gram matrix, of KAPPAS; not positive where a large lambda_k makes it.

    Raises
    ------
    ValueError : on another kind.
    """
    match kind:
        case "paper":
            return 1 - 2 * lambda_k * (1 + 1 / lambda_map)
        case "first_order":
            return 1 - 2 * lambda_k / (n + lambda_map)
        case "exact":
            return ((n + lambda_map) / (n + lambda_map + lambda_k)) ** 2
    raise ValueError(f"unknown kappa {kind!r}; known: {', '.join(KAPPAS)}")


def one_hot(classes: int, n: int) -> Tensor:
    """One-hot labels, (classes n, classes) float64, sorted by class; the paper's Y is across."""
    return torch.eye(classes, dtype=torch.float64).repeat_interleave(n, dim=0)


def random_points(count: int, seed: int) -> Tensor:
    """Points that know nothing of classes, (count, dim) float64: entries N(0, 1 / dim).

    Twice as many dimensions as points, so that the Gram matrix is regular (Assumption 5.1).
    """
    source, dim = generator(seed, "theory", "points"), 2 * count
    return torch.randn(count, dim, generator=source, dtype=torch.float64) / math.sqrt(dim)


@dataclass(frozen=True)
class State:
    """How far a layer's points Xt_l are from collapse.

    error : ||Gt - Y^T Y||, the spectral norm, as in the theorem
    error_rescaled : the same of Gt over its best multiple of Y^T Y, so that no scale counts
    nc1 : tr S_W / tr S_B
    """

    error: float
    error_rescaled: float
    nc1: float


def run(
    points: Tensor, labels: Tensor, lambda_k: float, lambda_map: float, kappa: float, layers: int
) -> list[State]:
    """The recursion of Theorem 5.3, layer by layer from the data, which is layer 1.

    Parameters
    ----------
    points : (N, d) float64, sorted by class; their Gram matrix must be regular
    labels : (N, K), of `one_hot`
    lambda_k, lambda_map : >= 0, what kernel and random features add to a Gram matrix's diagonal
    kappa : > 0
    layers : how many states, the data's among them

    Raises
    ------
    ValueError : when kappa is not positive, for then there are no points of that Gram matrix.
    """
    if kappa <= 0:
        raise ValueError(f"kappa = {kappa:g} is not positive")
    states = [_state(points, labels)]
    gram = points @ points.T
    identity = torch.eye(len(points), dtype=points.dtype)
    for _ in range(layers - 1):
        # P Y^T / sqrt(kappa) are points of the new Gram matrix, of K coordinates.
        points = torch.linalg.solve(gram + lambda_k * identity, gram @ labels) / math.sqrt(kappa)
        states.append(_state(points, labels))
        gram = points @ points.T + lambda_map * identity
    return states


def _state(points: Tensor, labels: Tensor) -> State:
    counts = labels.sum(dim=0)
    # <Gt, Y^T Y> over <Y^T Y, Y^T Y>, the best multiple.
    multiple = (points.T @ labels).square().sum() / counts.square().sum()
    return State(
        _distance(points, labels),
        _distance(points / multiple.sqrt(), labels),
        collapse.measure(points, [int(count) for count in counts]).nc1,
    )


def _distance(points: Tensor, labels: Tensor) -> float:
    """||X X^T - Y Y^T||, the spectral norm, by the few columns that both have together."""
    triangle = torch.linalg.qr(torch.cat([points, labels], dim=1)).R
    left, right = triangle[:, : points.shape[1]], triangle[:, points.shape[1] :]
    return float(torch.linalg.eigvalsh(left @ left.T - right @ right.T).abs().max())


def fixed_point(lambda_k: float, lambda_map: float, n: int, kappa: float) -> float:
    """g, of which g Y^T Y is what the recursion tends to; the error's floor is n |g - 1|.

    On the span of Y^T Y the recursion is one of numbers, g' = ((g n + lambda_map) /
    (g n + lambda_map + lambda_k))^2 / kappa, a contraction about g = 1 when 2 lambda_k < n; 1 for
    the exact kappa.
    """
    g = 1 / kappa
    for _ in range(1000):
        above = g * n + lambda_map
        g = (above / (above + lambda_k)) ** 2 / kappa
    return g


def expected_rate(lambda_k: float, lambda_map: float, n: float, g: float = 1) -> float:
    """What the error is multiplied by in a layer near the fixed point g Y^T Y.

    Of a small symmetric change E of Gt, the part between the span of Y^T Y and what is orthogonal
    to it is multiplied by g n lambda_k / ((lambda_map + lambda_k)(g n + lambda_map)); the part
    within the span by less, and the rest is squared. The theorem claims O(lambda_k / lambda_map).
    NC1, being quadratic in that part, falls by the square.
    """
    return g * n * lambda_k / ((lambda_map + lambda_k) * (g * n + lambda_map))


def measured_rate(values: Sequence[float], rounding: float = ROUNDING) -> float:
    """The last ratio of neighbours before a falling sequence ends in rounding; nan without any."""
    above = [value for value in values if value > rounding]
    return above[-1] / above[-2] if len(above) > 1 else math.nan


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of log y against log x, by least squares."""
    x, y = (torch.tensor(values, dtype=torch.float64).log() for values in (x, y))
    x = x - x.mean()
    return float((x * y).sum() / x.square().sum())


def inverse_at_collapse(classes: int, n: int, lambda_map: float) -> Tensor:
    """(Y^T Y + lambda_map I)^-1 by Lemma C.2: (I - Y^T Y / (lambda_map + n)) / lambda_map."""
    labels = one_hot(classes, n)
    identity = torch.eye(len(labels), dtype=labels.dtype)
    return (identity - labels @ labels.T / (lambda_map + n)) / lambda_map
