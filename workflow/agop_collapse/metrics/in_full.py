"""All measures of collapse of one set of points, as the tables have them."""

import math
from dataclasses import asdict, fields

from torch import Tensor

from . import collapse, frames, generalisation, nearest_centre, variability
from .class_means import frame_of_classes
from .collapse import Weighting
from .generalisation import Generalisation

# Above these sizes VCI, or GNC2, takes longer than all the rest of a run.
LARGEST_VCI = 2048
LARGEST_GNC2 = 100
NO_TEST_POINTS = dict.fromkeys((field.name for field in fields(Generalisation)), math.nan)


def measure(
    x: Tensor,
    class_counts: list[int],
    test_x: Tensor,
    test_counts: list[int],
    weighting: Weighting = "samples",
) -> dict[str, float]:
    """Collapse of points in full: NC1, NC2 and their relatives, and of test points.

    Parameters
    ----------
    x : (n, d) floating tensor, sorted by class
    class_counts : points of each class, in order, none of them 0; at least two classes
    test_x : (m, d) floating tensor, test points sorted by class; m may be 0
    test_counts : test points of each class, in order
    weighting : whether in S_W a class counts by its points or like any other

    Returns
    -------
    By name the fields of `collapse.Collapse`, `variability.Variability`, `frames.FrameGeometry`,
    and of `generalisation.Generalisation`, which are nan without test points; and
        nc2_floor, etf_distance_floor : the least that there can be of K means in d dimensions;
        centre_accuracy : `nearest_centre.Decisions`.
    vci is nan where both n and d exceed 2,048, gnc2 where K exceeds 100.

    Raises
    ------
    ValueError : when the counts do not fit the points, or one of `class_counts` is 0.
    """
    frame = frame_of_classes(x, class_counts)
    classes, d = frame.vectors.shape
    spread = variability.measure(
        x, class_counts, frame, weighting, with_vci=min(x.shape) <= LARGEST_VCI
    )
    found = asdict(collapse.measure(x, class_counts, weighting)) | asdict(spread)
    found |= asdict(frames.measure(frame, with_gnc2=classes <= LARGEST_GNC2))
    found["nc2_floor"] = frames.nc2_floor(classes, d)
    found["etf_distance_floor"] = frames.etf_distance_floor(classes, d)
    found["centre_accuracy"] = nearest_centre.measure(
        x, class_counts, frame.vectors
    ).centre_accuracy
    if not len(test_x):
        return found | NO_TEST_POINTS
    return found | asdict(generalisation.measure(test_x, test_counts, frame))
