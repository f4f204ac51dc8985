"""Spectra in a few numbers."""

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
