"""Training and test part of a data set."""

import numpy as np

from ..prepare import Images

Part = tuple[np.ndarray, np.ndarray]  # pixels (n, channels, height, width) and labels (n,)


def split(pixels: np.ndarray, labels: np.ndarray, n: int, n_test: int) -> Images:
    """The first n to train on, the next n_test to test on."""
    train, test = slice(n), slice(n, n + n_test)
    classes = int(labels.max(initial=-1)) + 1
    return Images(pixels[train], labels[train], pixels[test], labels[test], classes)
