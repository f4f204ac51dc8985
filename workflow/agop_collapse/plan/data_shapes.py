"""The shape of a data set, before it is read: what memory, time and disk of its jobs depend on."""

import ast
import math
import zipfile
from pathlib import Path
from typing import NamedTuple

from .settings import Dataset

# Channels, height and width of the data sets that always have the same.
SHAPES = {
    "digits": (1, 8, 8),
    "mnist": (1, 28, 28),
    "fashion_mnist": (1, 28, 28),
    "kmnist": (1, 28, 28),
    "cifar10": (3, 32, 32),
    "svhn": (3, 32, 32),
}
# Where nothing is known: the side of an image, and how many classes there are.
SIDE, CLASSES = 64, 10


class DataShape(NamedTuple):
    """Training and test points, what images they are, and how many classes there may be."""

    n: int
    n_test: int
    channels: int
    height: int
    width: int
    classes: int

    @property
    def points(self) -> int:
        """Of both parts."""
        return self.n + self.n_test

    @property
    def pixels(self) -> int:
        """Dimension of a point."""
        return self.channels * self.height * self.width


def shape_of(dataset: Dataset) -> DataShape:
    """The shape that a data set's settings name, or, of the user's own, its files.

    What cannot be read is taken as colour images of 64 x 64 and ten classes: a mistake in a data
    set is told where it is read.
    """
    image, classes = SHAPES.get(dataset.kind, (3, SIDE, SIDE)), CLASSES
    path = Path(dataset.path or "")
    if dataset.kind == "npz":
        image, classes = _of_npz(path, dataset.layout) or (image, classes)
    elif dataset.kind == "image_folder":
        side = dataset.size or SIDE
        image = dataset.channels or 3, side, side
        if path.is_dir():
            classes = sum(1 for folder in path.iterdir() if folder.is_dir()) or CLASSES
    return DataShape(dataset.n, dataset.n_test, *image, classes)


def _of_npz(path: Path, layout: str | None) -> tuple[tuple[int, int, int], int] | None:
    """Shape of the images and number of classes of a file of NumPy arrays, if it is one."""
    try:
        with zipfile.ZipFile(path) as file:
            axes = _header(file, "x")["shape"][1:]
            labels = _header(file, "y")
            with file.open("y.npy") as stream:
                values = stream.read()
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, SyntaxError):
        return None
    if len(axes) == 2:
        axes = (1, *axes)
    elif len(axes) != 3:
        return None
    elif layout == "channels_last" or (layout is None and axes[-1] in (1, 3)):
        axes = (axes[2], axes[0], axes[1])
    # The labels are at the end, each as many bytes as the type's name says: "<i8" has 8.
    size = int(labels["descr"].lstrip("<>|=").lstrip("biuf") or 0)
    if not size or math.prod(labels["shape"]) * size > len(values):
        return None
    start = len(values) - math.prod(labels["shape"]) * size
    return axes, len({values[at : at + size] for at in range(start, len(values), size)})


def _header(file: zipfile.ZipFile, name: str) -> dict:
    """Type and shape of an array, from the first lines of its part of an npz file."""
    with file.open(f"{name}.npy") as stream:
        start = stream.read(12)
        if start[:6] != b"\x93NUMPY":
            raise ValueError(f"{name} is no NumPy array")
        long = start[6] > 1
        length = int.from_bytes(start[8 : 12 if long else 10], "little")
        rest = stream.read(length)
        return ast.literal_eval((rest if long else start[10:] + rest).decode("latin1")[:length])
