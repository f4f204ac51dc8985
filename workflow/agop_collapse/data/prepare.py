"""Data sets as the paper prepares them: first n points, standardised pixels, sorted by class."""

import logging
import math

import numpy as np
import torch
from torch import Tensor

from .dataset import Dataset
from .images import DataError, Images
from .labels import expect_every_class

log = logging.getLogger(__name__)

ROUNDING = 1e-6  # by which pixels may leave [0, 1], as in float32 they do


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
    DataError : when a part is too short, a pixel is not finite or outside [0, 1], or would not be
        finite when it is standardised, all images are the same, there is only one class, or a
        class has no training point.
    """
    pixels, labels = _first(images.pixels, images.labels, n, "training")
    test_pixels, test_labels = _first(images.test_pixels, images.test_labels, n_test, "test")
    names = _class_names(images, n)
    _expect_variation(pixels)
    image_shape = pixels.shape[1:]
    _report(pixels, labels, len(test_pixels), names)
    train, test = (
        part.reshape(len(part), math.prod(image_shape)) for part in (pixels, test_pixels)
    )
    own = standardize_test == "own" and len(test) > 1
    # Before the training points are changed.
    _standardise(test, test if own else train)
    _standardise(train, train)
    for points, part in ((train, "training"), (test, "test")):
        _expect_float32(points, part)
    x, labels = _sort(train, labels)
    test_x, test_labels = _sort(test, test_labels)
    return Dataset(x, labels, test_x, test_labels, image_shape, len(names), names)


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
    low, high = pixels.min(initial=0), pixels.max(initial=1)
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise DataError(
            f"{part} pixels range over [{low:.9g}, {high:.9g}]; they must lie in [0, 1]"
            + (", so divide them by 255, or save them as uint8" if high > 1 + ROUNDING else "")
        )
    if low < 0 or high > 1:
        pixels.clip(0, 1, out=pixels)
    return pixels, np.asarray(labels[:n], dtype=np.int64)


def _class_names(images: Images, n: int) -> tuple[str, ...]:
    """The classes' names in order, each of them among the first n training points."""
    every = np.concatenate([images.labels, images.test_labels])
    if every.min() < 0:
        raise DataError(f"negative class label {every.min()}; classes are counted from 0")
    names = images.class_names or tuple(map(str, range(int(every.max()) + 1)))
    if len(names) < 2:
        raise DataError("only one class; neural collapse needs at least two")
    expect_every_class(images.labels, n, names)
    return names


def _expect_variation(pixels: np.ndarray) -> None:
    """Raise DataError where all images are the same."""
    if (pixels == pixels[:1]).all():
        raise DataError(
            f"all {len(pixels)} training images are the same ({_range(pixels)}); were they "
            "converted or masked wrongly?"
        )


def _report(
    pixels: np.ndarray, labels: np.ndarray, n_test: int, class_names: tuple[str, ...]
) -> None:
    """The line of a log that shows most mistakes in a data set."""
    counts = np.bincount(labels, minlength=len(class_names))
    classes = ", ".join(
        f"{name} ({count:,})" for name, count in zip(class_names, counts, strict=True)
    )
    shape = " x ".join(map(str, pixels.shape[1:]))
    log.info(
        "%s training and %s test images of %s (channels, height, width), %s; %d classes: %s",
        f"{len(pixels):,}",
        f"{n_test:,}",
        shape,
        _range(pixels),
        len(class_names),
        classes,
    )


def _range(pixels: np.ndarray) -> str:
    return f"pixels from {pixels.min():.3g} to {pixels.max():.3g}, {pixels.mean():.3g} on average"


def _standardise(points: np.ndarray, reference: np.ndarray) -> None:
    """Standardise in place: 50,000 colour images take more than a gigabyte."""
    mean, spread = reference.mean(axis=0), reference.std(axis=0, ddof=1)
    # A constant pixel may have a standard deviation of 1e-17: compare values, not the deviation.
    constant = (reference == reference[:1]).all(axis=0)
    points -= mean
    with np.errstate(all="ignore"):  # what is not finite is refused afterwards
        points /= np.where(constant, 1, spread)
    points[:, constant] = 0


def _expect_float32(points: np.ndarray, part: str) -> None:
    """Raise DataError where a pixel that hardly varies has blown up a point."""
    limit = np.finfo(np.float32).max
    if points.size and not (points.max() <= limit and points.min() >= -limit):
        pixel = int(np.flatnonzero(~(np.abs(points) <= limit).all(axis=0))[0])
        raise DataError(
            f"pixel {pixel} (as x.reshape(n, -1) numbers them) varies so little over the images "
            f"that, divided by its standard deviation, it is not finite in a {part} image; round "
            "the pixels, as with x.round(12)"
        )


def _sort(points: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
    order = np.argsort(labels, kind="stable")
    return torch.from_numpy(points[order]), torch.from_numpy(labels[order])
