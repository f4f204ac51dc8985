"""scikit-learn's handwritten digits, embedded."""

import numpy as np

from ..images import DataError, Images
from .parts import split


def load(n: int, n_test: int, path: None = None) -> Images:
    """scikit-learn's 1,797 handwritten digits of 8 x 8 pixels: the first n, and the next n_test.

    Raises
    ------
    DataError : when n + n_test exceeds what there is.
    """
    from sklearn.datasets import load_digits as sklearn_digits

    bunch = sklearn_digits()
    pixels = bunch.images[:, None] / 16.0
    labels = bunch.target.astype(np.int64)
    if n + n_test > len(labels):
        raise DataError(
            f"digits has {len(labels)} points, fewer than the n + n_test = {n} + {n_test} asked "
            "for; lower n or n_test"
        )
    return split(pixels, labels, n, n_test)
