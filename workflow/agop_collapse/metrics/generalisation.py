"""NC1 on test points, about the training points' class means and about their own (2202.08384)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from . import variability
from .class_means import Frame, frame_of_classes
from .nearest_centre import labels_of, nearest_centres


@dataclass(frozen=True)
class Generalisation:
    """Collapse of test points; see `measure`."""

    nc1_test_strong: float
    nc1_test_strong_pinv: float
    nc1_test_own: float
    nc1_test_weak: float
    test_drift: float
    test_centre_accuracy: float


def measure(x: Tensor, class_counts: list[int], frame: Frame) -> Generalisation:
    """Collapse of test points, in float64 (after Hui, Belkin and Nakkiran, arXiv 2202.08384).

    Parameters
    ----------
    x : (n, d) floating tensor, test points sorted by class
    class_counts : test points of each class, in order; 0 where a class is missing
    frame : of the training points' class means m_c, `frame_of_classes`

    Returns
    -------
    Generalisation, with S_B of the training points' class means
        nc1_test_strong = mean of ||x - m_c||^2 over tr S_B: whether test points collapse to the
            class mean of their own class;
        nc1_test_strong_pinv = the same in the form of `variability.nc1_pinv`;
        nc1_test_own = NC1 of the test points by themselves, about their own class means;
        nc1_test_weak = mean of ||x - m||^2 over tr S_B, m the nearest m_c: whether they collapse to
            the class mean of any class;
        test_drift = mean over test points of ||m_c^test - m_c||^2, by which the numerator of
            `nc1_test_strong` exceeds that of `nc1_test_own`;
        test_centre_accuracy = share of points whose nearest m_c is their own class's.
    All but the last are nan where a class is missing, and what divides by S_B where the class means
    are one but for rounding.

    Raises
    ------
    ValueError : when the counts do not sum to n, or are not as many as the class means.
    """
    labels = labels_of(x, class_counts, frame.vectors)
    nearest, distances = nearest_centres(x, frame.vectors)
    accuracy = float((nearest == labels).to(torch.float64).mean())
    if 0 in class_counts:
        return Generalisation(*5 * [math.nan], accuracy)

    own = frame_of_classes(x, class_counts)
    within = variability.within_classes(x, class_counts, own)
    shifts = (own.vectors - frame.vectors).square().sum(dim=1)
    drift = float(within.class_weights @ shifts)
    own_nc1 = variability.nc1(within)
    if not frame.rank:
        return Generalisation(math.nan, math.nan, own_nc1, math.nan, drift, accuracy)

    square = along = 0.0
    for points in variability.deviations(x, class_counts, frame):
        square += float(points.square().sum())
        along += float((points @ frame.directions / frame.singular_values).square().sum())
    weak = float(distances.square().mean())
    return Generalisation(
        square / len(x) / frame.trace,
        along / len(x),
        own_nc1,
        weak / frame.trace,
        drift,
        accuracy,
    )
