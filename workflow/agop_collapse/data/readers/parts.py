"""Training and test part of a data set."""

import numpy as np

from ..images import Images

Part = tuple[np.ndarray, np.ndarray]  # pixels (n, channels, height, width) and labels (n,)


def split(
    pixels: np.ndarray,
    labels: np.ndarray,
    n: int,
    n_test: int,
    class_names: tuple[str, ...] | None = None,
) -> Images:
    """All to train on, of which the first n will be, and the next n_test to test on."""
    test = slice(n, n + n_test)
    return Images(pixels, labels, pixels[test], labels[test], class_names)
