"""Where images come from: a loader for each kind of data set in the configuration.

Every loader is called as load(n, n_test, path, **options): how many images are wanted to train and
to test on, where they lie, and those keys of the configuration that are of this kind alone. It may
return more images than wanted, or fewer where there are no more; `prepare` takes the first, or
complains.
"""

import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision import datasets
from torchvision.datasets.folder import IMG_EXTENSIONS, find_classes, make_dataset

from .archives import files_of, how_to_get
from .prepare import DataError, Images

# Modes of Pillow without colour.
GREY = ("1", "L", "LA")

Part = tuple[np.ndarray, np.ndarray]  # pixels and labels


def load_digits(n: int, n_test: int, path: None = None) -> Images:
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
    return _split(pixels, labels, n, n_test)


def load_image_folder(
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


def load_npz(n: int, n_test: int, path: Path) -> Images:
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
        return _split(pixels, labels, n, n_test)
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


def _split(pixels: np.ndarray, labels: np.ndarray, n: int, n_test: int) -> Images:
    """The first n to train on, the next n_test to test on."""
    train, test = slice(n), slice(n, n + n_test)
    classes = int(labels.max(initial=-1)) + 1
    return Images(pixels[train], labels[train], pixels[test], labels[test], classes)


def _through_torchvision(kind: str, read: Callable[[Path, bool], Part]) -> Callable[..., Images]:
    """Loader of a public data set from the files that torchvision reads."""

    def load(n: int, n_test: int, path: Path) -> Images:
        files = files_of(kind, path)
        if not all(file.exists() for file in files):
            raise DataError(how_to_get(kind, path))
        try:
            return Images(*read(path, True), *read(path, False))
        # Readers of pickles, of MATLAB's and of MNIST's files: none says what it raises.
        except Exception as error:
            raise DataError(
                f"torchvision cannot read {kind} ({error}). One of its files is damaged or not "
                f"what its name says; delete it to have it downloaded: {', '.join(map(str, files))}"
            ) from error

    return load


def _read_idx(dataset: type[datasets.MNIST]) -> Callable[[Path, bool], Part]:
    def read(path: Path, train: bool) -> Part:
        images = dataset(path, train=train)
        return images.data.numpy()[:, None], images.targets.numpy()

    return read


def _read_cifar10(path: Path, train: bool) -> Part:
    images = datasets.CIFAR10(path, train=train)
    return images.data.transpose(0, 3, 1, 2), np.array(images.targets)


def _read_svhn(path: Path, train: bool) -> Part:
    images = datasets.SVHN(path, split="train" if train else "test")
    return images.data, images.labels


LOADERS: dict[str, Callable[..., Images]] = {
    "digits": load_digits,
    "mnist": _through_torchvision("mnist", _read_idx(datasets.MNIST)),
    "fashion_mnist": _through_torchvision("fashion_mnist", _read_idx(datasets.FashionMNIST)),
    "kmnist": _through_torchvision("kmnist", _read_idx(datasets.KMNIST)),
    "cifar10": _through_torchvision("cifar10", _read_cifar10),
    "svhn": _through_torchvision("svhn", _read_svhn),
    "image_folder": load_image_folder,
    "npz": load_npz,
}
