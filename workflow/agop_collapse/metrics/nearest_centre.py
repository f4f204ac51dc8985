"""NC4: whether the readout decides as the nearest class mean does."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

# Points converted to float64 at a time.
AT_A_TIME = 4096


@dataclass(frozen=True)
class Decisions:
    """Decisions of the nearest class mean and of the readout; see `measure`."""

    centre_accuracy: float
    nc4: float


def measure(
    x: Tensor,
    class_counts: list[int],
    means: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
) -> Decisions:
    """Shares of points, of training or of test, that are decided in a way (arXiv 2008.08186).

    Of several that are as near, or as large, the class that comes first is taken.

    Parameters
    ----------
    x : (n, d) floating tensor, input of the readout, sorted by class
    class_counts : points of each class, in order; 0 where a test set lacks one
    means : (K, d) class means of the training points
    weight, bias : (K, d) and (K,) floating tensors of the readout; without a weight, as at hidden
        layers, there is no nc4

    Returns
    -------
    Decisions, with
        centre_accuracy = share of points whose nearest class mean is their own class's;
        nc4 = share of points where W x + b is largest at the class of the nearest mean (papers plot
            one minus this); nan without a weight.

    Raises
    ------
    ValueError : when the counts do not sum to n, or are not as many as the means.
    """
    labels = labels_of(x, class_counts, means)
    nearest, _ = nearest_centres(x, means)
    nc4 = math.nan
    if weight is not None:
        nc4 = _share(readout_classes(x, weight, bias) == nearest)
    return Decisions(_share(nearest == labels), nc4)


def labels_of(x: Tensor, class_counts: list[int], means: Tensor) -> Tensor:
    """(n,) the class of each point, once it is sure that the counts fit the points and the means.

    Raises
    ------
    ValueError : when they do not.
    """
    if sum(class_counts) != len(x) or len(class_counts) != len(means):
        raise ValueError(
            f"class counts {class_counts} do not split {len(x)} points into {len(means)} classes"
        )
    counts = torch.tensor(class_counts, device=x.device)
    return torch.arange(len(means), device=x.device).repeat_interleave(counts)


def nearest_centres(x: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
    """For each point the nearest of the means, the first of several, and its distance.

    From differences, as |x|^2 - 2 x.m + |m|^2 would cancel where points are near a mean.

    Parameters
    ----------
    x : (n, d) and means : (K, d) floating tensors

    Returns
    -------
    (n,) indices and (n,) float64 distances
    """
    means = means.to(torch.float64)
    nearest, distances = [], []
    for points in x.split(AT_A_TIME):
        to_means = torch.cdist(
            points.to(torch.float64), means, compute_mode="donot_use_mm_for_euclid_dist"
        )
        # argmin names the first of equals; min does not promise to.
        classes = to_means.argmin(dim=1)
        nearest.append(classes)
        distances.append(to_means.gather(1, classes[:, None])[:, 0])
    return torch.cat(nearest), torch.cat(distances)


def readout_classes(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(n,) the class at which W x + b is largest, in float64; the first of equals."""
    weight = weight.to(torch.float64)
    offset = 0 if bias is None else bias.to(torch.float64)
    parts = x.split(AT_A_TIME)
    return torch.cat([(p.to(torch.float64) @ weight.T + offset).argmax(dim=1) for p in parts])


def _share(holds: Tensor) -> float:
    """Of no points it is nan."""
    return float(holds.to(torch.float64).mean())
