"""Spectra in a few numbers."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Spectrum:
    """What is said of an AGOP's spectrum; see `measure`."""

    agop_effective_rank: float


def measure(eigenvalues: Tensor) -> Spectrum:
    """The spectrum of an AGOP in a few numbers.

    Parameters
    ----------
    eigenvalues : (d,) floating tensor, descending, not negative
    """
    return Spectrum(effective_rank(eigenvalues))


def effective_rank(eigenvalues: Tensor) -> float:
    """(sum of eigenvalues)^2 / sum of squared eigenvalues, between 1 and d; nan if all are zero."""
    values = eigenvalues.to(torch.float64)
    return float(values.sum().square() / values.square().sum())


@dataclass(frozen=True)
class Ranks:
    """How many dimensions a matrix fills, by four counts; see `ranks`."""

    participation_rank: float
    stable_rank: float
    entropy_rank: float
    entropy_rank_of_roots: float


def ranks(eigenvalues: Tensor) -> Ranks:
    """Ranks that count small eigenvalues in part.

    All lie between 1 and the rank, and do not see scale. With A = F^T F, as an AGOP or a covariance
    is, the roots of the eigenvalues are the singular values of the factor F.

    Parameters
    ----------
    eigenvalues : (d,) floating tensor, of a positive semi-definite matrix A; not negative

    Returns
    -------
    Ranks, with q the eigenvalues over their sum; nan if all are zero
        participation_rank = 1 / sum of q^2, `effective_rank`;
        stable_rank = 1 / max q, the stable rank ||F||_F^2 / ||F||_2^2 of the factor;
        entropy_rank = `entropy_rank` of the eigenvalues;
        entropy_rank_of_roots = `entropy_rank` of the singular values of the factor.
    """
    return Ranks(
        effective_rank(eigenvalues),
        stable_rank(eigenvalues),
        entropy_rank(eigenvalues),
        entropy_rank(eigenvalues.to(torch.float64).sqrt()),
    )


def stable_rank(eigenvalues: Tensor) -> float:
    """Sum of eigenvalues over the largest; nan if all are zero."""
    values = eigenvalues.to(torch.float64)
    return float(values.sum() / values.max())


def entropy_rank(values: Tensor) -> float:
    """exp of the entropy of values, not negative, over their sum; nan if all are zero.

    Roy and Vetterli (2007), who take it of singular values.
    """
    values = values.to(torch.float64)
    return math.exp(torch.special.entr(values / values.sum()).sum())
