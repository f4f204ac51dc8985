"""Points as rows, sorted by class: norms and class means.

`class_counts` gives the points of each class, in order, throughout this package.
"""

import torch
from torch import Tensor


def unit_rows(x: Tensor) -> Tensor:
    """Each row divided by its Euclidean norm; rows of zeros stay zero."""
    norms = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / torch.where(norms > 0, norms, 1)


def class_means(x: Tensor, class_counts: list[int]) -> Tensor:
    """Means of the classes: (n, d) points to a (K, d) tensor."""
    return torch.stack([points.mean(dim=0) for points in x.split(class_counts)])


def class_deviations(x: Tensor, class_counts: list[int]) -> Tensor:
    """Points less the mean of their class: (n, d) to (n, d)."""
    return torch.cat([points - points.mean(dim=0) for points in x.split(class_counts)])
