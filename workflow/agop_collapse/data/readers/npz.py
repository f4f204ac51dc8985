"""NumPy arrays in an .npz file of the user's own."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from ..prepare import DataError, Images
from .parts import Part, split


def load(n: int, n_test: int, path: Path) -> Images:
    """NumPy arrays in an .npz file: images x and their labels y, and perhaps x_test and y_test.

    Images are (n, height, width) or (n, height, width, channels), bytes or floating-point numbers
    in [0, 1]; labels are whole numbers from 0. Without x_test the test images are those after the
    first n.

    Raises
    ------
    DataError : when the file cannot be read, lacks an array, or one is of another form.
    """
    try:
        if not zipfile.is_zipfile(path):
            raise zipfile.BadZipFile("it is missing, cut off, or of another kind")
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as an .npz file of arrays: {error}") from error

    pixels, labels = _check_arrays(path, arrays, "x", "y")
    if not {"x_test", "y_test"} & set(arrays):
        return split(pixels, labels, n, n_test)
    test_pixels, test_labels = _check_arrays(path, arrays, "x_test", "y_test")
    if test_pixels.shape[1:] != pixels.shape[1:]:
        raise DataError(
            f"{path}: images of x_test are {test_pixels.shape[1:]} (channels, height, width), "
            f"those of x {pixels.shape[1:]}"
        )
    return Images(pixels, labels, test_pixels, test_labels)


def _check_arrays(path: Path, arrays: dict[str, np.ndarray], x: str, y: str) -> Part:
    for key in (x, y):
        if key not in arrays:
            raise DataError(f"{path} has no array {key}; it has {', '.join(arrays) or 'none'}")
    pixels, labels = arrays[x], arrays[y]
    if pixels.dtype != np.uint8 and pixels.dtype.kind != "f":
        raise DataError(
            f"{path}: {x} is {pixels.dtype}; it must be uint8, or floating-point in [0, 1]"
        )
    if pixels.ndim not in (3, 4):
        raise DataError(
            f"{path}: {x} is {pixels.shape}; it must be (n, height, width) or (n, height, width, "
            "channels)"
        )
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(
            f"{path}: {y} is {labels.dtype} {labels.shape}; it must be whole numbers (n,)"
        )
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    return pixels.transpose(0, 3, 1, 2), labels.astype(np.int64)
