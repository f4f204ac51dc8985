"""Which part of a layer lowers NC1: its linear map, or what comes after it.

The change of ln NC1 over a layer is the sum of the changes over its parts, in their order; a part's
share is its change over the layer's, or over that from the first layer to the last. A share is
negative where a part works against the whole, and then another exceeds 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

# A change of ln NC1 of less is nothing to take shares of.
LEAST_CHANGE = 0.05


@dataclass(frozen=True)
class DeepRfmShares:
    """Change of ln NC1 at a layer of Deep RFM, or at all, and each part's share; see `deep_rfm`."""

    log_nc1_change: float
    share_projection: float
    share_features: float
    share_norm: float


@dataclass(frozen=True)
class NetworkShares:
    """Change of ln NC1 at a hidden layer, or at all, and each part's share; see `network`."""

    log_nc1_change: float
    share_linear: float
    share_activation: float


Shares = TypeVar("Shares", DeepRfmShares, NetworkShares)


def deep_rfm(
    x: Sequence[float], mx: Sequence[float], phi_mx: Sequence[float]
) -> tuple[list[DeepRfmShares], DeepRfmShares]:
    """Shares of projection, random features and normalisation in Deep RFM's collapse.

    Parameters
    ----------
    x, mx, phi_mx : NC1 of each layer's points X, M^1/2 X and Phi(M^1/2 X), of valid layers only.
        A layer's last part leads to the next X, so the last layer has none, unless x goes on for
        one more

    Returns
    -------
    Shares of each layer, and in total. A last layer without the next X ends at Phi, and has a
    share_norm of nan; so has the total of one such layer. Shares are nan where |change| < 0.05, and
    the change too where an NC1 is not a positive number.

    Raises
    ------
    ValueError : when there are no layers, or the numbers of values do not fit.
    """
    layers = len(mx)
    if not layers or len(phi_mx) != layers or len(x) not in (layers, layers + 1):
        raise ValueError(f"NC1 of {len(x)} X, {layers} M X, {len(phi_mx)} Phi(M X)")
    following = [*x[1:], *[None] * (layers + 1 - len(x))]
    stages = zip(x, mx, phi_mx, following, strict=False)
    parts = [(_change(a, b), _change(b, c), _change(c, d)) for a, b, c, d in stages]
    return _shares_of_all(DeepRfmShares, parts)


def network(
    inputs: Sequence[float], right: Sequence[float], full: Sequence[float]
) -> tuple[list[NetworkShares], NetworkShares]:
    """Shares of the linear map S V^T and the activation in the collapse over hidden layers.

    W = U S V^T; U changes no NC1.

    Parameters
    ----------
    inputs, right, full : NC1 of each hidden layer's input, of S V^T times it, and of its output,
        which is the next layer's input

    Returns
    -------
    Shares of each layer, and in total. nan as of `deep_rfm`.

    Raises
    ------
    ValueError : when there are no layers, or not as many of each.
    """
    if not 0 < len(inputs) == len(right) == len(full):
        raise ValueError(f"NC1 of {len(inputs)} inputs, {len(right)} S V^T, {len(full)} outputs")
    stages = zip(inputs, right, full, strict=True)
    return _shares_of_all(NetworkShares, [(_change(a, b), _change(b, c)) for a, b, c in stages])


def _change(before: float, after: float | None) -> float | None:
    """Of ln NC1; None where nothing is there to be measured."""
    if after is None:
        return None
    return math.log(after) - math.log(before) if before > 0 and after > 0 else math.nan


def _shares_of_all(
    kind: type[Shares], layers: list[tuple[float | None, ...]]
) -> tuple[list[Shares], Shares]:
    totals = []
    for part in zip(*layers, strict=True):
        there = [change for change in part if change is not None]
        totals.append(sum(there) if there else None)
    return [_shares(kind, parts) for parts in layers], _shares(kind, totals)


def _shares(kind: type[Shares], parts: Sequence[float | None]) -> Shares:
    change = sum(part for part in parts if part is not None)
    whole = change if abs(change) >= LEAST_CHANGE else math.nan
    return kind(change, *(math.nan if part is None else part / whole for part in parts))
