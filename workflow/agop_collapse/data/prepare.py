"""Data sets as the paper prepares them: first n points, standardised pixels, sorted by class."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..common.errors import UserError
from .dataset import Dataset


class DataError(UserError):
    """A data set that no trustworthy figure can be made of; the message says why and what to do."""


@dataclass(frozen=True)
class Images:
    """Images as loaded.

    pixels, test_pixels : (n, channels, height, width), bytes, or floating-point in [0, 1]
    labels, test_labels : (n,) int64; the test part may be empty
    classes : K of the whole data set, where these images may not show all; else what they show
    """

    pixels: np.ndarray
    labels: np.ndarray
    test_pixels: np.ndarray
    test_labels: np.ndarray
    classes: int | None = None


def prepare(images: Images, n: int, n_test: int, standardize_test: str = "train") -> Dataset:
    """Take the first n (and n_test) images, standardise each pixel, sort by class.

    A pixel is centred and divided by its unbiased standard deviation; one that is the same in every
    training image becomes 0 (the paper's code: 0/0, then nan to 0). The sort is stable.

    Parameters
    ----------
    images : what a loader returned
    n, n_test : points to keep of each part
    standardize_test : "train" for the statistics of the training points, "own" for the test
        points' own (the paper's code)

    Raises
    ------
    DataError : when a part is too short, a pixel is not finite or outside [0, 1], there is only one
        class, or a class has no training point.
    """
    pixels, labels = _first(images.pixels, images.labels, n, "training")
    test_pixels, test_labels = _first(images.test_pixels, images.test_labels, n_test, "test")
    classes = _check_classes(images, labels)

    image_shape = pixels.shape[1:]
    train, test = (
        part.reshape(len(part), math.prod(image_shape)) for part in (pixels, test_pixels)
    )
    own = standardize_test == "own" and len(test) > 1
    # Before the training points are changed.
    _standardise(test, test if own else train)
    _standardise(train, train)
    x, labels = _sort(train, labels)
    test_x, test_labels = _sort(test, test_labels)
    return Dataset(x, labels, test_x, test_labels, image_shape, classes)


def _first(pixels: np.ndarray, labels: np.ndarray, n: int, part: str):
    if len(pixels) != len(labels):
        raise DataError(f"{len(pixels)} {part} images but {len(labels)} labels")
    if len(pixels) < n:
        raise DataError(f"only {len(pixels)} {part} images, {n} asked for; lower n or n_test")
    scale = 255 if pixels.dtype == np.uint8 else 1
    pixels = np.array(pixels[:n], dtype=np.float64, order="C")
    pixels /= scale
    if not np.isfinite(pixels).all():
        image = int(np.argwhere(~np.isfinite(pixels))[0][0])
        raise DataError(f"{part} image {image} has a pixel that is not finite")
    if pixels.size and (pixels.min() < 0 or pixels.max() > 1):
        low, high = pixels.min(), pixels.max()
        raise DataError(f"{part} pixels range over [{low:g}, {high:g}]; they must lie in [0, 1]")
    return pixels, np.asarray(labels[:n], dtype=np.int64)


def _check_classes(images: Images, labels: np.ndarray) -> int:
    all_labels = np.concatenate([images.labels, images.test_labels])
    if all_labels.min() < 0:
        raise DataError(f"negative class label {all_labels.min()}; classes are counted from 0")
    classes = images.classes or int(all_labels.max()) + 1
    if classes < 2:
        raise DataError("only one class; neural collapse needs at least two")
    missing = sorted(set(range(classes)) - set(labels.tolist()))
    if missing:
        raise DataError(
            f"no image of class {', '.join(map(str, missing))} (of classes 0 to {classes - 1}) "
            f"among the first {len(labels)}; raise n"
        )
    return classes


def _standardise(points: np.ndarray, reference: np.ndarray) -> None:
    """Standardise in place: 50,000 colour images take more than a gigabyte."""
    mean, spread = reference.mean(axis=0), reference.std(axis=0, ddof=1)
    # A constant pixel may have a standard deviation of 1e-17: compare values, not the deviation.
    constant = (reference == reference[:1]).all(axis=0)
    points -= mean
    points /= np.where(constant, 1, spread)
    points[:, constant] = 0


def _sort(points: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
    order = np.argsort(labels, kind="stable")
    return torch.from_numpy(points[order]), torch.from_numpy(labels[order])
