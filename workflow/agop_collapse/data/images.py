"""Images as a reader returns them, and the error of data that cannot be used."""

from dataclasses import dataclass

import numpy as np

from ..common.errors import UserError


class DataError(UserError):
    """A data set that no trustworthy figure can be made of; the message says why and what to do."""


@dataclass(frozen=True)
class Images:
    """Images as loaded.

    pixels, test_pixels : (n, channels, height, width), bytes, or floating-point in [0, 1]
    labels, test_labels : (n,) int64; the test part may be empty
    class_names : of all K classes in order, where these images may not show all or they have names;
        without it the classes are those that the labels show, and called by their numbers
    """

    pixels: np.ndarray
    labels: np.ndarray
    test_pixels: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...] | None = None
