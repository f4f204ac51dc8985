"""Images in a folder of the user's own."""

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from ...files.folders import Seen, expect_regular, walk
from ...files.system_files import is_system_name
from ..images import DataError, Images
from ..labels import expect_every_class, is_utf8

log = logging.getLogger(__name__)

ENDINGS = (".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp")
# Folders of these names hold parts of a data set, where no other is beside them.
PARTS = ("train", "training", "test", "testing", "val", "valid", "validation")
# Modes of Pillow without colour.
GREY = ("1", "L", "LA")
BACKGROUNDS = {"white": (255, 255, 255, 255), "black": (0, 0, 0, 255)}


def load(
    n: int,
    n_test: int,
    path: Path,
    test_path: Path | None = None,
    size: int | None = None,
    channels: int | None = None,
    background: str | None = None,
) -> Images:
    """A folder with a sub-folder of images for each class; folders in these are gone through too.

    Classes are numbered in the order of their names. Images are taken in the order of their file
    names, over all classes. In both numbers sort as numbers: 9 before 10. Hidden files and those of
    systems are left out, and files of other endings; the log says how many. Images are turned as
    their EXIF orientation says.

    Parameters
    ----------
    test_path : another such folder, of the same classes; without it the test images are those after
        the first n
    size : height and width that every image is resized to; without it all must have the same
    channels : 1 for grey, 3 for colour, what all are converted to; without it, as the first is
    background : "white" or "black", what transparent pixels are laid over

    Raises
    ------
    DataError : when there are fewer than two classes, a class without images, an image that cannot
        be read or is unlike the first; the message names it.
    """
    classes = _class_folders(path)
    train = _list_images(path, classes)
    empty = set(classes) - {classes[label] for _, label in train}
    if empty:
        raise DataError(
            f"{path} has classes without images: {', '.join(sorted(empty, key=natural))}; images "
            f"end in {', '.join(ENDINGS)}"
        )
    expect_every_class(np.array([label for _, label in train]), n, tuple(classes))
    if test_path is None:
        train, test = train[:n], train[n : n + n_test]
    else:
        train, test = train[:n], _list_images(test_path, classes, of=path)[:n_test]
    pixels = _read_images([file for file, _ in train + test], size, channels, background)
    train_labels, test_labels = (
        np.array([label for _, label in part], np.int64) for part in (train, test)
    )
    split = len(train)
    return Images(pixels[:split], train_labels, pixels[split:], test_labels, tuple(classes))


def natural(name: str) -> list[Any]:
    """A key that sorts numbers in names as numbers, and what it cannot tell apart as text."""
    parts = re.split(r"([0-9]+)", name)
    parts[1::2] = [int(number) for number in parts[1::2]]
    return [parts, name]


def _sub_folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    except OSError as error:
        raise DataError(f"{folder} cannot be read as a folder of images: {error}") from error
    for name in names:
        if not is_utf8(name):
            raise DataError(
                f"{folder} has a sub-folder whose name is not UTF-8, {os.fsencode(name)!r}; rename "
                "it"
            )
    return sorted((name for name in names if not is_system_name(name)), key=natural)


def _class_folders(folder: Path) -> list[str]:
    """Names of the classes."""
    classes = _sub_folders(folder)
    if not classes:
        raise DataError(f"{folder} has no sub-folders; it must have one with images for each class")
    parts = [name for name in classes if name.lower() in PARTS]
    if len(parts) == len(classes) and all(_sub_folders(Path(folder, part)) for part in parts):
        given = {
            "path": next((part for part in parts if "train" in part.lower()), parts[0]),
            "test_path": next((part for part in parts if "test" in part.lower()), None),
        }
        wanted = " and ".join(f"{key}: {Path(folder, part)}" for key, part in given.items() if part)
        raise DataError(
            f"{folder} has parts of a data set ({', '.join(parts)}), not classes; give {wanted}"
        )
    if len(classes) < 2:
        raise DataError(
            f"{folder} has only one sub-folder, {classes[0]}, and so only one class; neural "
            "collapse needs at least two"
        )
    return classes


def _list_images(
    folder: Path, classes: Sequence[str], of: Path | None = None
) -> list[tuple[str, int]]:
    """Files and class numbers in the order of file names.

    of : the folder that the classes are of, if another
    """
    if of is not None:
        surplus = [name for name in _sub_folders(folder) if name not in classes]
        if surplus:
            raise DataError(f"{folder} has classes that {of} lacks: {', '.join(surplus)}")
    images: list[tuple[str, int]] = []
    left_out: Counter[str] = Counter()
    for label, place, file in _files(folder, classes):
        ending = os.path.splitext(file)[1].lower()
        if is_system_name(file):
            left_out["hidden or of a system"] += 1
        elif ending in ENDINGS:
            images.append((os.path.join(place, file), label))
        else:
            left_out[ending or "without ending"] += 1
    for what, count in left_out.items():
        if count:
            log.info("%s: %d left out (%s)", folder, count, what)
    return sorted(images, key=lambda image: (natural(os.path.basename(image[0])), image[0]))


def _files(folder: Path, classes: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Class number, place and name of each file, and of each folder that is left out."""
    seen: Seen = {}
    for label, name in enumerate(classes):
        inner = Path(folder, name)
        if not inner.is_dir():
            continue  # a class without test images
        try:
            for place, folders, files in walk(inner, seen):
                hidden = [each for each in folders if is_system_name(each)]
                folders[:] = [each for each in folders if not is_system_name(each)]
                yield from ((label, place, file) for file in [*hidden, *files])
        except OSError as error:
            raise DataError(f"{folder} cannot be read as a folder of images: {error}") from error


def _read_images(
    files: Sequence[str], size: int | None, channels: int | None, background: str | None
) -> np.ndarray:
    """Images as one array (n, channels, height, width) of bytes."""
    first = _read_image(files[0], background)
    mode = {1: "L", 3: "RGB", None: "L" if first.mode in GREY else "RGB"}[channels]
    width, height = (size, size) if size else first.size
    pixels = np.empty((len(files), len(mode), height, width), np.uint8)
    for index, file in enumerate(files):
        image = _read_image(file, background)
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


def _read_image(file: str, background: str | None) -> Image.Image:
    """An image of at most 8 bits a channel, the right way up, without transparency."""
    try:
        expect_regular(file, os.stat(file))
        with Image.open(file) as image:
            frames = getattr(image, "n_frames", 1)
            image.verify()  # checksums, which reading leaves out
        with Image.open(file) as image:
            kind, bits = image.format, _bits(image)  # before reading, which cuts to 8
            image.load()
        image = ImageOps.exif_transpose(image)
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{file} cannot be read as an image: it says to have more than "
            f"{2 * Image.MAX_IMAGE_PIXELS:,} pixels; make it smaller"
        ) from error
    # Each format has errors of its own: OSError, SyntaxError, struct.error, zlib.error, ...
    except Exception as error:
        raise DataError(f"{file} cannot be read as an image: {error}") from error
    # The others of a telephone's photograph (MPO) are previews of it.
    if frames > 1 and kind != "MPO":
        raise DataError(
            f"{file} has {frames} frames, and an image is one; save each that you mean as a file "
            "of its own"
        )
    if bits > 8 or image.mode[0] in "IF":
        raise DataError(
            f"{file} has more than 8 bits a channel ({bits}, mode {image.mode}); convert it to 8, "
            "or give arrays of floating-point numbers as npz"
        )
    if image.has_transparency_data:
        image = _laid_over(image, background, file)
    return image


def _bits(image: Image.Image) -> int:
    """Bits of a channel in an opened file: of TIFF a tag, else as the decoder is told."""
    if image.format == "TIFF":
        return max(image.tag_v2.get(258, (1,)))
    if image.format == "BMP":
        return 8  # at most; its modes name bits a pixel
    for tile in image.tile:
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if image.format == "PPM" and len(arguments) > 1 and isinstance(arguments[1], int):
            return arguments[1].bit_length()  # of the largest value
        found = re.search(r";(\d+)[BLN]?", str(arguments[0]))
        if found and int(found[1]) > 8:
            return int(found[1])
    return 8


def _laid_over(image: Image.Image, background: str | None, file: str) -> Image.Image:
    """An image without its transparency, grey if it was."""
    grey = image.mode in GREY
    image = image.convert("RGBA")
    if image.getchannel("A").getextrema()[0] < 255:
        if background is None:
            raise DataError(
                f"{file} has transparent pixels; give the data set a `background`, white or black, "
                "to lay them over"
            )
        below = Image.new("RGBA", image.size, BACKGROUNDS[background])
        image = Image.alpha_composite(below, image)
    return image.convert("L" if grey else "RGB")
