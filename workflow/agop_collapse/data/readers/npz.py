"""NumPy arrays in an .npz file of the user's own."""

import logging
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ..images import DataError, Images
from ..labels import class_numbers, expect_known, expect_numbered, is_utf8
from .parts import Part, split

log = logging.getLogger(__name__)

# Names of images, labels, test images and test labels: this project's, Keras's and MedMNIST's.
NAMINGS = (
    ("x", "y", "x_test", "y_test"),
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
)
CHANNELS = (1, 3)


def load(n: int, n_test: int, path: Path, layout: str | None = None) -> Images:
    """NumPy arrays in an .npz file: images x and their labels y, and perhaps x_test and y_test.

    Images are (n, height, width) or (n, height, width, channels), bytes or floating-point numbers
    in [0, 1]; labels are whole numbers from 0, (n,) or (n, 1). Without x_test the test images are
    those after the first n. The array class_names, if there, names the classes. Files of Keras and
    MedMNIST, whose arrays are called otherwise, are read as they are.

    Parameters
    ----------
    layout : "channels_first" for (n, channels, height, width); to be given where the shape does not
        tell, that is unless the last axis alone has 1 or 3

    Raises
    ------
    DataError : when the file cannot be read, lacks an array, or one is of another form.
    """
    arrays = _read(path)
    x, y, x_test, y_test = _names(path, arrays)
    pixels, labels = _check_arrays(path, arrays, x, y, layout)
    expect_numbered(labels, f"{path}: {y}")
    names = _class_names(path, arrays, int(labels.max(initial=-1)) + 1)
    used = {x, y, "class_names"}
    if not {x_test, y_test} & set(arrays):
        images = split(pixels, labels, n, n_test, names)
    else:
        used |= {x_test, y_test}
        test_pixels, test_labels = _check_arrays(path, arrays, x_test, y_test, layout)
        if test_pixels.shape[1:] != pixels.shape[1:]:
            raise DataError(
                f"{path}: images of {x_test} are {test_pixels.shape[1:]} (channels, height, "
                f"width), those of {x} {pixels.shape[1:]}"
            )
        expect_known(test_labels, int(labels.max(initial=-1)) + 1, f"{path}: {y_test}")
        images = Images(pixels, labels, test_pixels, test_labels, names)
    if unused := sorted(set(arrays) - used):
        log.info("%s: not used: %s", path, ", ".join(unused))
    return images


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        if not zipfile.is_zipfile(path):
            raise zipfile.BadZipFile("it is missing, cut off, or of another kind")
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: _array(path, file, key) for key in file.files}
    except DataError:
        raise
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as an .npz file of arrays: {error}") from error
    # Of a member that is no array NumPy hands out the bytes.
    known = {name for names in NAMINGS for name in names} | {"class_names"}
    for key, value in arrays.items():
        if key in known and not isinstance(value, np.ndarray):
            raise DataError(f"{path}: {key} is no array; write the file by np.savez")
    return {key: value for key, value in arrays.items() if isinstance(value, np.ndarray)}


def _array(path: Path, file: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
    try:
        return file[key]
    except (MemoryError, OverflowError) as error:  # or it says so, and holds less
        raise DataError(
            f"{path}: {key} is larger than the memory of this machine ({error}); save the images "
            "that are to be read alone"
        ) from error
    except (tokenize.TokenError, SyntaxError, RecursionError) as error:
        raise DataError(
            f"{path}: {key} has a header that is damaged ({error}); write the file by np.savez"
        ) from error
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise
        raise DataError(
            f"{path}: {key} is an array of Python objects, which are not read since they may run "
            f"code; save images as np.stack(list({key})), which asks for one size, labels as "
            f"{key}.astype(int), and names as {key}.astype(str)"
        ) from error


def _names(path: Path, arrays: dict[str, np.ndarray]) -> tuple[str, str, str, str]:
    for names in NAMINGS:
        if set(names[:2]) <= set(arrays):
            return names
    known = "; ".join(f"{x} and {y}" for x, y, _, _ in NAMINGS)
    raise DataError(
        f"{path} has no images and labels under names that are known ({known}); it has "
        f"{', '.join(arrays) or 'none'}"
    )


def _class_names(path: Path, arrays: dict[str, np.ndarray], classes: int) -> tuple[str, ...] | None:
    if "class_names" not in arrays:
        return None
    names = arrays["class_names"]
    if names.dtype.kind not in "US" or names.shape != (classes,):
        raise DataError(
            f"{path}: class_names is {names.dtype} {names.shape}; it must be the names of the "
            f"{classes} classes, text ({classes},)"
        )
    found = tuple(
        name.decode(errors="surrogateescape") if isinstance(name, bytes) else name
        for name in names.tolist()
    )
    for name in found:
        if not is_utf8(name):
            raise DataError(
                f"{path}: class_names has a name that is not UTF-8, {name!a}; decode it as "
                "what it is, as with np.char.decode(class_names, 'latin-1')"
            )
    return found


def _check_arrays(
    path: Path, arrays: dict[str, np.ndarray], x: str, y: str, layout: str | None
) -> Part:
    for key in (x, y):
        if key not in arrays:
            raise DataError(f"{path} has no array {key}; it has {', '.join(arrays) or 'none'}")
    pixels = arrays[x]
    if pixels.dtype != np.uint8 and pixels.dtype.kind != "f":
        raise DataError(
            f"{path}: {x} is {pixels.dtype}; it must be uint8, or floating-point in [0, 1]"
        )
    if pixels.ndim not in (3, 4):
        raise DataError(
            f"{path}: {x} is {pixels.shape}; it must be (n, height, width) or (n, height, width, "
            "channels)"
        )
    if 0 in pixels.shape[1:]:
        raise DataError(f"{path}: {x} is {pixels.shape}; its images have no pixels")
    labels = class_numbers(arrays[y], f"{path}: {y}")
    if len(pixels) != len(labels):
        raise DataError(f"{path}: {x} has {len(pixels)} images but {y} {len(labels)} labels")
    return _channels_first(pixels, f"{path}: {x}", layout), labels


def _channels_first(pixels: np.ndarray, name: str, layout: str | None) -> np.ndarray:
    """Images as (n, channels, height, width)."""
    if pixels.ndim == 3:
        return pixels[:, None]
    if layout == "channels_first":
        return pixels
    if layout is None:
        first, last = pixels.shape[1] in CHANNELS, pixels.shape[3] in CHANNELS
        short = name.rsplit(" ", 1)[-1]
        if first and not last:
            raise DataError(
                f"{name} is {pixels.shape}, which looks like (n, channels, height, width); write "
                f"{short}.transpose(0, 2, 3, 1), or give the data set `layout: channels_first`"
            )
        if first == last:
            raise DataError(
                f"{name} is {pixels.shape}, which does not say where the channels are; give the "
                "data set `layout: channels_last` or `layout: channels_first`"
            )
    return pixels.transpose(0, 3, 1, 2)
