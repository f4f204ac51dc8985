"""Class means about their mean, computed once for all measures that are made of them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

EPS = torch.finfo(torch.float64).eps


@dataclass(frozen=True)
class Frame:
    """K vectors, class means or rows of a readout, and what they are about their mean.

    All tensors are float64, on the device of what they were made of; r <= min(K - 1, d) is the
    number of directions in which the vectors are apart by more than rounding.

    vectors : (K, d)
    centre : (d,) unweighted mean of the vectors
    centred : (K, d) vectors less the centre
    directions : (d, r) orthonormal columns, right singular vectors of `centred`
    singular_values : (r,) of `centred`, descending
    coordinates : (K, r) of `centred` along the directions
    rounding : length below which a difference of two vectors is rounding
    """

    vectors: Tensor
    centre: Tensor
    centred: Tensor
    directions: Tensor
    singular_values: Tensor
    coordinates: Tensor
    rounding: float

    @property
    def classes(self) -> int:
        return len(self.vectors)

    @property
    def rank(self) -> int:
        return len(self.singular_values)

    @property
    def trace(self) -> float:
        """Mean squared distance to the centre: tr S_B, of class means."""
        return float(self.centred.square().sum()) / self.classes


def frame_of(vectors: Tensor, size: float | None = None) -> Frame:
    """The frame of K vectors, by one singular value decomposition, K x d.

    Parameters
    ----------
    vectors : (K, d) floating tensor, K >= 2
    size : mean squared norm of what the vectors are means of, which says how exact they are; by
        default their own

    Raises
    ------
    ValueError : when there are fewer than two vectors.
    """
    classes, d = vectors.shape
    if classes < 2:
        raise ValueError(f"a frame needs two vectors or more, not {classes}")
    vectors = vectors.to(torch.float64)
    if size is None:
        size = float(vectors.square().sum()) / classes
    # As in `collapse.measure`: sums carry an error of eps of the points' size.
    rounding = 16 * EPS * math.sqrt(size)
    centre = vectors.mean(dim=0)
    centred = vectors - centre
    left, values, right = torch.linalg.svd(centred, full_matrices=False)
    least = max(max(classes, d) * EPS * float(values[0]), math.sqrt(classes) * rounding)
    rank = min(int((values > least).sum()), classes - 1)
    values = values[:rank]
    return Frame(
        vectors, centre, centred, right[:rank].T, values, left[:, :rank] * values, rounding
    )


def frame_of_classes(x: Tensor, class_counts: list[int]) -> Frame:
    """The frame of the class means of points; two passes, class by class.

    Parameters
    ----------
    x : (n, d) floating tensor, sorted by class
    class_counts : points of each class, in order, none of them 0; at least two classes

    Raises
    ------
    ValueError : when the counts do not sum to n, one is 0, or there are fewer than two.
    """
    check_counts(x, class_counts)
    if min(class_counts) < 1:
        raise ValueError(f"a class of {class_counts} has no points, and no mean")
    means, total = [], 0.0
    for points in x.split(class_counts):
        points = points.to(torch.float64)
        means.append(points.mean(dim=0))
        total += float(torch.linalg.vector_norm(points)) ** 2
    return frame_of(torch.stack(means), total / len(x))


def check_counts(x: Tensor, class_counts: list[int]) -> None:
    """Raise ValueError when the counts do not split the points into two classes or more."""
    if sum(class_counts) != len(x) or len(class_counts) < 2:
        raise ValueError(f"class counts {class_counts} do not split {len(x)} points into classes")
