"""Spectra in one number."""

import torch
from torch import Tensor


def effective_rank(eigenvalues: Tensor) -> float:
    """(sum of eigenvalues)^2 / sum of squared eigenvalues, between 1 and d; nan if all are zero."""
    values = eigenvalues.to(torch.float64)
    return float(values.sum().square() / values.square().sum())
