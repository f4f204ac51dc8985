"""Images in a folder of the user's own."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.datasets.folder import IMG_EXTENSIONS, find_classes, make_dataset

from ..prepare import DataError, Images

# Modes of Pillow without colour.
GREY = ("1", "L", "LA")


def load(
    n: int,
    n_test: int,
    path: Path,
    test_path: Path | None = None,
    size: int | None = None,
    channels: int | None = None,
) -> Images:
    """A folder with a sub-folder of images for each class, as torchvision's ImageFolder reads it.

    Classes are numbered in the order of their names. Images are taken in the order of their file
    names, over all classes, as text: 10.png comes before 9.png.

    Parameters
    ----------
    test_path : another such folder, of the same classes; without it the test images are those after
        the first n
    size : height and width that every image is resized to; without it all must have the same
    channels : 1 for grey, 3 for colour, what all are converted to; without it, as the first is

    Raises
    ------
    DataError : when there are fewer than two classes, a class without images, an image that cannot
        be read or is unlike the first; the message names it.
    """
    train = _list_images(path)
    classes = 1 + max(label for _, label in train)
    if test_path is None:
        train, test = train[:n], train[n : n + n_test]
    else:
        train, test = train[:n], _list_images(test_path, of=path)[:n_test]
    pixels = _read_images([file for file, _ in train + test], size, channels)
    train_labels, test_labels = (
        np.array([label for _, label in part], np.int64) for part in (train, test)
    )
    split = len(train)
    return Images(pixels[:split], train_labels, pixels[split:], test_labels, classes)


def _list_images(folder: Path, of: Path | None = None) -> list[tuple[str, int]]:
    """Files and class numbers in the order of file names; classes are those `of` another folder."""
    try:
        _, classes = find_classes(of or folder)
        surplus = set(find_classes(folder)[0]) - set(classes)
        images = make_dataset(folder, classes, IMG_EXTENSIONS, allow_empty=of is not None)
    except OSError as error:
        raise DataError(
            f"{folder} is no folder with a sub-folder of images for each class: {error}"
        ) from error
    if surplus:
        raise DataError(f"{folder} has classes that {of} lacks: {', '.join(sorted(surplus))}")
    if len(classes) < 2:
        raise DataError(
            f"{folder} has only one sub-folder, {next(iter(classes))}, and so only one class; "
            "neural collapse needs at least two"
        )
    return sorted(images, key=lambda image: (os.path.basename(image[0]), image[0]))


def _read_images(files: Sequence[str], size: int | None, channels: int | None) -> np.ndarray:
    """Images as one array (n, channels, height, width) of bytes."""
    first = _read_image(files[0])
    mode = {1: "L", 3: "RGB", None: "L" if first.mode in GREY else "RGB"}[channels]
    width, height = (size, size) if size else first.size
    pixels = np.empty((len(files), len(mode), height, width), np.uint8)
    for index, file in enumerate(files):
        image = _read_image(file)
        if size is None and image.size != first.size:
            raise DataError(
                f"{file} is {image.width} x {image.height} pixels and {files[0]} is {width} x "
                f"{height}; give `size` to have all images resized to it"
            )
        if channels is None and mode == "L" and image.mode not in GREY:
            raise DataError(f"{file} is in colour and {files[0]} is not; give `channels`, 1 or 3")
        image = image.convert(mode)
        if size is not None:
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        pixels[index] = np.asarray(image).reshape(height, width, -1).transpose(2, 0, 1)
    return pixels


def _read_image(file: str) -> Image.Image:
    try:
        with Image.open(file) as image:
            image.verify()  # checksums, which reading leaves out
        with Image.open(file) as image:
            image.load()
    # Each format has errors of its own: OSError, SyntaxError, struct.error, zlib.error, ...
    except Exception as error:
        raise DataError(f"{file} cannot be read as an image: {error}") from error
    if image.mode[0] in "IF":
        raise DataError(f"{file} has more than 8 bits a pixel (mode {image.mode}); convert it to 8")
    return image
