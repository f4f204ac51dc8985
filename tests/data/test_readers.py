"""Loaders: the right images and labels in the right order, and errors that name the file."""

import hashlib
import io
import os
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from agop_collapse.common.lookup import find_object
from agop_collapse.data import readers
from agop_collapse.data.addresses import ARCHIVES
from agop_collapse.data.dataset import load_dataset
from agop_collapse.data.images import DataError
from agop_collapse.data.prepare import prepare
from agop_collapse.data.readers import image_folder, npz
from agop_collapse.files.contents import Contents
from agop_collapse.files.stamp import read_identity
from agop_collapse.plan.registry import reader_of
from agop_collapse.plan.settings import DATASET_KINDS
from PIL import Image
from snakemake_runs import snakemake
from torchvision import datasets

PUBLIC_SETS = {kind: find_object(reader_of(kind)) for kind in ARCHIVES}
MNIST_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
SVHN_COUNTS = [493, 1361, 1142, 784, 739, 629, 534, 538, 472, 444]
SVHN_TEST_COUNTS = [66, 227, 141, 134, 110, 112, 78, 70, 78, 67]


def picture(seed: int, height: int = 4, width: int = 4, channels: int = 3) -> np.ndarray:
    """Bytes (channels, height, width), others for each seed."""
    return np.random.default_rng(seed).integers(0, 256, (channels, height, width), np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = pixels.transpose(1, 2, 0)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path)
    return path


def save_folder(folder: Path, *names: str, **options: int) -> Path:
    """Images of these names, the first of seed 0, the next of 1, ..."""
    for seed, name in enumerate(names):
        save(folder / name, picture(seed, **options))
    return folder


def seeds(pixels: np.ndarray) -> list[int]:
    """Which pictures these are."""
    _, channels, height, width = pixels.shape
    known = {picture(seed, height, width, channels).tobytes(): seed for seed in range(20)}
    return [known[image.tobytes()] for image in pixels]


def test_each_kind_has_its_reader():
    """A file with the function `load`, and no other."""
    folder = Path(readers.__file__).parent
    files = [path for path in folder.glob("*.py") if "\ndef load(" in path.read_text()]
    files += [path for path in folder.glob("*.py") if "\nload = " in path.read_text()]
    assert sorted(path.stem for path in files) == sorted(DATASET_KINDS)
    for kind in DATASET_KINDS:
        assert callable(find_object(reader_of(kind)))


# Files of torchvision


def test_mnist_is_the_real_one(real_root):
    root = real_root("mnist") / "mnist"
    images = PUBLIC_SETS["mnist"](2000, 100, root)
    assert images.pixels.shape[1:] == images.test_pixels.shape[1:] == (1, 28, 28)
    assert images.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert images.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(images.labels).tolist() == MNIST_COUNTS
    assert np.bincount(images.test_labels).tolist() == MNIST_TEST_COUNTS
    raw = (root / "MNIST" / "raw" / "train-images-idx3-ubyte").read_bytes()
    assert images.pixels.tobytes() == raw[16:]
    data = prepare(images, 2000, 100)
    assert data.image_shape == (1, 28, 28)
    assert data.class_counts == np.bincount(images.labels[:2000]).tolist()


def idx(values: np.ndarray) -> bytes:
    return (
        struct.pack(f">{1 + values.ndim}i", 0x800 + values.ndim, *values.shape) + values.tobytes()
    )


PIXELS = [np.stack([picture(seed, 32, 32) for seed in part]) for part in (range(15), range(15, 20))]
LABELS = [np.arange(15) % 10, np.arange(5)]


def idx_files(folder: str) -> dict[str, bytes]:
    return {
        f"{folder}/raw/{part}-{content}-ubyte": idx(values.astype(np.uint8))
        for part, pixels, labels in zip(("train", "t10k"), PIXELS, LABELS, strict=True)
        for content, values in (("images-idx3", pixels[:, 0]), ("labels-idx1", labels))
    }


def cifar10_files() -> dict[str, bytes]:
    batches = {f"data_batch_{1 + i}": (0, slice(3 * i, 3 * i + 3)) for i in range(5)}
    contents = {"batches.meta": {"label_names": list("abcdefghij")}}
    for name, (part, batch) in (batches | {"test_batch": (1, slice(5))}).items():
        contents[name] = {
            "data": PIXELS[part][batch].reshape(-1, 3072),
            "labels": LABELS[part][batch].tolist(),
        }
    return {
        f"cifar-10-batches-py/{name}": pickle.dumps(content) for name, content in contents.items()
    }


def svhn_files() -> dict[str, bytes]:
    files = {"train_32x32.mat": io.BytesIO(), "test_32x32.mat": io.BytesIO()}
    for file, pixels, labels in zip(files.values(), PIXELS, LABELS, strict=True):
        # One picture behind the other along the last axis, and zeros as 10.
        y = np.where(labels == 0, 10, labels)[:, None]
        scipy.io.savemat(file, {"X": pixels.transpose(2, 3, 1, 0), "y": y})
    return {name: file.getvalue() for name, file in files.items()}


SMALL_SETS = {
    "mnist": idx_files("MNIST"),
    "fashion_mnist": idx_files("FashionMNIST"),
    "kmnist": idx_files("KMNIST"),
    "cifar10": cifar10_files(),
    "svhn": svhn_files(),
}


@pytest.fixture
def small_set(tmp_path, monkeypatch):
    """Function that lays out a few images of a public set as torchvision does."""

    def lay_out(kind: str) -> None:
        for name, content in SMALL_SETS[kind].items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)

        # What torchvision expects of the real ones.
        md5 = {
            Path(name).name: hashlib.md5(content).hexdigest()
            for name, content in SMALL_SETS[kind].items()
        }
        if kind == "cifar10":
            for names in ("train_list", "test_list"):
                files = [[name, md5[name]] for name, _ in getattr(datasets.CIFAR10, names)]
                monkeypatch.setattr(datasets.CIFAR10, names, files)
            meta = datasets.CIFAR10.meta | {"md5": md5["batches.meta"]}
            monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
        if kind == "svhn":
            for split in ("train", "test"):
                url, name, _ = datasets.SVHN.split_list[split]
                monkeypatch.setitem(datasets.SVHN.split_list, split, [url, name, md5[name]])

    return lay_out


PUBLIC = {
    "mnist": "MNIST/raw/t10k-labels-idx1-ubyte",
    "fashion_mnist": "FashionMNIST/raw/train-images-idx3-ubyte",
    "kmnist": "KMNIST/raw/train-labels-idx1-ubyte",
    "cifar10": "cifar-10-batches-py/data_batch_4",
    "svhn": "test_32x32.mat",
}


@pytest.mark.parametrize("kind", PUBLIC)
def test_a_public_set_is_read_from_the_files_of_torchvision(kind, small_set, tmp_path):
    small_set(kind)
    images = PUBLIC_SETS[kind](15, 5, tmp_path)
    channels = 3 if kind in ("cifar10", "svhn") else 1
    np.testing.assert_array_equal(images.pixels, PIXELS[0][:, :channels])
    np.testing.assert_array_equal(images.labels, LABELS[0])
    np.testing.assert_array_equal(images.test_pixels, PIXELS[1][:, :channels])
    np.testing.assert_array_equal(images.test_labels, LABELS[1])
    assert images.pixels.dtype == np.uint8
    prepare(images, 15, 5)


@pytest.mark.parametrize(("kind", "file"), PUBLIC.items())
def test_a_damaged_file_of_a_public_set_is_named(kind, file, small_set, tmp_path):
    small_set(kind)
    path = tmp_path / file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=f"torchvision cannot read {kind}") as error:
        PUBLIC_SETS[kind](15, 5, tmp_path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(("kind", "file"), PUBLIC.items())
def test_a_missing_file_of_a_public_set_is_said(kind, file, small_set, tmp_path):
    small_set(kind)
    (tmp_path / file).unlink()
    with pytest.raises(DataError, match=f"torchvision cannot read {kind}.* is missing, damaged"):
        PUBLIC_SETS[kind](15, 5, tmp_path)


# Image folders


@pytest.mark.slow
def test_cifar10_as_a_folder_is_in_the_official_order(real_root):
    root = real_root("cifar10") / "cifar10"
    images = image_folder.load(1000, 200, root / "train", root / "test")
    assert images.pixels.shape == (1000, 3, 32, 32)
    assert images.test_pixels.shape == (200, 3, 32, 32)
    assert images.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert images.test_labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert len(images.class_names) == 10
    classes = sorted(path.name for path in (root / "train").iterdir())
    for index in (0, 1, 17, 999):
        file = root / "train" / classes[images.labels[index]] / f"{index:05d}.png"
        decoded = np.asarray(Image.open(file))
        np.testing.assert_array_equal(images.pixels[index].transpose(1, 2, 0), decoded)


@pytest.mark.slow
def test_svhn_as_a_folder_has_its_classes(real_root):
    root = real_root("svhn") / "svhn"
    images = image_folder.load(10**6, 10**6, root / "train", root / "test")
    assert images.pixels.shape == (7136, 3, 32, 32)
    assert np.bincount(images.labels).tolist() == SVHN_COUNTS
    assert np.bincount(images.test_labels).tolist() == SVHN_TEST_COUNTS
    names = {path.name: int(path.parent.name) for path in (root / "train").glob("*/*.png")}
    assert images.labels.tolist() == [names[name] for name in sorted(names)]


def test_images_come_in_the_order_of_file_names_over_all_classes(tmp_path):
    folder = save_folder(tmp_path, "b/3.png", "b/10.png", "a/2.png", "a/more/1.png", "b/2.png")
    images = image_folder.load(5, 0, folder)
    assert seeds(images.pixels) == [3, 2, 4, 0, 1]
    assert images.labels.tolist() == [0, 0, 1, 1, 1]


def test_numbers_in_names_of_classes_sort_as_numbers(tmp_path):
    names = ["10/a1.png", "9/a2.png", "1/a3.png", "x 2/a4.png", "x 10/a5.png"]
    images = image_folder.load(5, 0, save_folder(tmp_path, *names))
    assert images.class_names == ("1", "9", "10", "x 2", "x 10")
    assert images.labels.tolist() == [2, 1, 0, 3, 4]
    natural = image_folder.natural
    assert sorted(["a2", "a10", "a1", "7", "a", "A", "10"], key=natural) == [
        *("7", "10", "A", "a", "a1", "a2", "a10")
    ]
    assert sorted(["a02", "a2"], key=natural) == ["a02", "a2"]


def test_classes_are_those_of_the_whole_folder(tmp_path):
    folder = save_folder(tmp_path, "a/1.png", "b/2.png", "c/3.png")
    with pytest.raises(DataError, match=r"no image of class c among the first 2 .n.: .* sorted"):
        image_folder.load(2, 0, folder)
    save_folder(folder, "b/0.png")
    with pytest.raises(DataError, match=r"no image of class c among the first 3 .n.; raise n to 4"):
        image_folder.load(3, 0, folder)
    assert prepare(image_folder.load(4, 0, folder), 4, 0).class_names == ("a", "b", "c")


def test_test_images_follow_the_training_images_or_have_a_folder(tmp_path):
    train = save_folder(tmp_path / "train", "a/1.png", "b/2.png", "a/3.png", "b/4.png", "a/5.png")
    after = image_folder.load(2, 2, train)
    assert (seeds(after.pixels), seeds(after.test_pixels)) == ([0, 1], [2, 3])
    assert after.test_labels.tolist() == [0, 1]
    # A class may have no test image, its number stays.
    test = save_folder(tmp_path / "test", "b/1.png", "b/2.png")
    apart = image_folder.load(2, 1, train, test)
    assert (seeds(apart.pixels), seeds(apart.test_pixels)) == ([0, 1], [0])
    assert apart.test_labels.tolist() == [1]
    save_folder(test, "z/1.png")
    with pytest.raises(DataError, match=r"test has classes that .*train lacks: z"):
        image_folder.load(2, 1, train, test)


@pytest.mark.parametrize(
    ("modes", "channels"),
    [(["L", "1"], 1), (["RGB", "L"], 3), (["P", "L"], 3), (["RGBA", "RGB"], 3)],
)
def test_channels_are_those_of_the_first_image(tmp_path, modes, channels):
    save_folder(tmp_path, "a/1.png", "b/2.png")
    for file, mode in zip(("a/1.png", "b/2.png"), modes, strict=True):
        Image.open(tmp_path / file).convert(mode).save(tmp_path / file)
    assert image_folder.load(2, 0, tmp_path).pixels.shape == (2, channels, 4, 4)
    for wanted in (1, 3):
        assert image_folder.load(2, 0, tmp_path, channels=wanted).pixels.shape[1] == wanted


def test_colours_are_not_dropped_unasked(tmp_path):
    save(tmp_path / "a/1.png", picture(0, channels=1))
    odd = save(tmp_path / "b/2.png", picture(1))
    with pytest.raises(DataError, match=f"{odd} is in colour and .*1.png is not; give `channels`"):
        image_folder.load(2, 0, tmp_path)


def test_images_are_resized_if_asked(tmp_path):
    save(tmp_path / "a/1.png", np.full((3, 6, 4), 77, np.uint8))
    odd = save(tmp_path / "b/2.png", np.full((3, 8, 8), 99, np.uint8))
    images = image_folder.load(2, 0, tmp_path, size=5)
    assert images.pixels.shape == (2, 3, 5, 5)
    assert [np.unique(image).tolist() for image in images.pixels] == [[77], [99]]
    with pytest.raises(DataError, match=f"{odd} is 8 x 8 pixels and .*1.png is 4 x 6; give `size`"):
        image_folder.load(2, 0, tmp_path)


def flip(content: bytes) -> bytes:
    """One bit of the pixels changed: the file still decodes, to another picture."""
    at = content.index(b"IDAT") + 10
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def repacked(content: bytes) -> bytes:
    """Wrong pixels in a valid stream: only the chunk's checksum tells."""
    at = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[at - 4 : at])
    pixels = bytearray(zlib.decompress(content[at + 4 : at + 4 + length]))
    pixels[3] ^= 1
    stream = zlib.compress(bytes(pixels))
    checksum = content[at + 4 + length : at + 8 + length]
    return (
        content[: at - 4]
        + struct.pack(">I", len(stream))
        + b"IDAT"
        + stream
        + checksum
        + content[at + 8 + length :]
    )


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:-30], flip, repacked, lambda _: b"", lambda _: b"no picture"],
    ids=["cut off", "flipped bit", "wrong checksum", "empty", "text"],
)
def test_a_damaged_image_is_named(tmp_path, damage):
    save_folder(tmp_path, "a/1.png", "b/2.png", "a/3.png")
    bad = tmp_path / "b" / "2.png"
    bad.write_bytes(damage(bad.read_bytes()))
    with pytest.raises(DataError, match=f"{bad} cannot be read as an image"):
        image_folder.load(3, 0, tmp_path)


def test_images_of_16_bits_are_refused(tmp_path):
    save(tmp_path / "b/2.png", picture(0, channels=1))
    (tmp_path / "a").mkdir()
    Image.fromarray(np.full((4, 4), 60_000, np.uint16)).save(tmp_path / "a/1.png")
    with pytest.raises(DataError, match=r"a/1.png has more than 8 bits a channel"):
        image_folder.load(2, 0, tmp_path)


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["a/1.png", "a/2.png"], "has only one sub-folder, a, and so only one class"),
        (["1.png"], "has no sub-folders; it must have one with images for each class"),
        (["a/1.png", "b/notes.txt"], "has classes without images: b; images end in .png"),
    ],
)
def test_a_folder_without_two_classes_of_images_is_refused(tmp_path, names, complaint):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save(tmp_path / "image.png", picture(0)).rename(tmp_path / name)
    with pytest.raises(DataError, match=complaint) as error:
        image_folder.load(1, 0, tmp_path)
    assert str(error.value).startswith(str(tmp_path))


def png(bits: int, colour: int, channels: int, width: int = 4, height: int = 4) -> bytes:
    """A PNG of 4 x 4 pixels, whatever it says; Pillow writes none of 16 bits with colours or alpha.

    width, height : that it says to have
    """

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    pixels = (b"\0" + bytes(range(4 * channels * bits // 8))) * 4
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height", "complaint"),
    [
        (50_000, 20_000, "it says to have more than [0-9,]+ pixels; make it smaller"),
        (2**31 - 1, 2**31 - 1, "it says to have more than [0-9,]+ pixels; make it smaller"),
        (0, 4, "cannot identify image file"),
    ],
)
def test_a_picture_that_is_not_as_large_as_it_says_is_refused(tmp_path, width, height, complaint):
    """And none of a thousand million pixels is unpacked."""
    folder = save_folder(tmp_path, "a/1.png", "b/2.png")
    (folder / "a" / "1.png").write_bytes(png(8, 0, 1, width, height))
    with pytest.raises(DataError, match=rf"a/1\.png cannot be read as an image: .*{complaint}"):
        image_folder.load(2, 0, folder)


def tiff(bits: int) -> bytes:
    """An uncompressed colour TIFF of 2 x 2 pixels, of 8 or 16 bits a channel."""
    size = 2 * 2 * 3 * bits // 8
    tags = [(256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, 1, 14), (277, 3, 1, 3), (278, 3, 1, 2), (279, 4, 1, size)]
    directory = 14 + size
    return (
        struct.pack("<2sHI", b"II", 42, directory)
        + struct.pack("<3H", bits, bits, bits)
        + bytes(range(size))
        + struct.pack("<H", len(tags))
        + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        + struct.pack("<I", 0)
    )


def ppm(largest: int, kind: bytes = b"P6") -> bytes:
    size = 4 * (3 if kind == b"P6" else 1) * (2 if largest > 255 else 1)
    return b"%s\n2 2\n%d\n" % (kind, largest) + bytes(size)


def bmp() -> bytes:
    """A BMP of 2 x 2 pixels, of 5 bits a channel and 16 a pixel."""
    head = struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 16, 0, 8, 2835, 2835, 0, 0)
    pixels = struct.pack("<4H", 0x7FFF, 0x001F, 0x03E0, 0x7C00)
    return struct.pack("<2sIHHI", b"BM", 62, 0, 0, 54) + head + pixels


@pytest.mark.parametrize(
    ("name", "content", "bits"),
    [
        ("rgb.png", png(16, 2, 3), 16),
        ("grey.png", png(16, 0, 1), 16),
        ("grey and alpha.png", png(16, 4, 2), 16),
        ("rgb and alpha.png", png(16, 6, 4), 16),
        ("rgb.tif", tiff(16), 16),
        ("rgb.ppm", ppm(4095), 12),
        ("rgb.ppm", ppm(65_535), 16),
        ("grey.pgm", ppm(4095, b"P5"), 12),
    ],
)
def test_more_than_8_bits_are_not_cut_off(tmp_path, name, content, bits):
    save_folder(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a" / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name} has more than 8 bits a channel .{bits}, mode"):
        image_folder.load(3, 0, tmp_path, size=4)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.png", png(8, 2, 3)),
        ("x.tif", tiff(8)),
        ("x.ppm", ppm(255)),
        ("x.ppm", ppm(15)),
        ("x.bmp", bmp()),
    ],
)
def test_8_bits_and_fewer_are_read(tmp_path, name, content):
    save_folder(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a" / name).write_bytes(content)
    with Image.open(tmp_path / "a" / name) as image:
        expected = np.asarray(image.resize((4, 4), Image.Resampling.BILINEAR))
    found = image_folder.load(3, 0, tmp_path, size=4).pixels[2].transpose(1, 2, 0)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["x.tif", "x.png", "x.webp"])
def test_an_image_of_several_frames_is_refused(tmp_path, name):
    save_folder(tmp_path, "a/1.png", "b/2.png")
    frames = [Image.fromarray(picture(seed).transpose(1, 2, 0)) for seed in range(3)]
    frames[0].save(tmp_path / "a" / name, save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=f"a/{name} has 3 frames, and an image is one; save each"):
        image_folder.load(3, 0, tmp_path)


def test_a_photograph_with_a_preview_is_one_image(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    (tmp_path / "a").mkdir()
    frames[0].save(tmp_path / "a/1.jpg", "MPO", save_all=True, append_images=frames[1:])
    save(tmp_path / "b/2.png", picture(0))
    red = image_folder.load(2, 0, tmp_path).pixels[0]
    assert (red.reshape(3, -1).mean(axis=1).round() == (254, 0, 0)).all()


@pytest.mark.parametrize("place", ["a/again", "a/b/again"])
@pytest.mark.parametrize("target", ["", "a", "b"])
def test_a_folder_that_is_come_to_twice_is_refused(tmp_path, place, target):
    folder = save_folder(tmp_path, "a/1.png", "b/2.png", "a/b/3.png")
    (folder / place).symlink_to(folder / target)
    with pytest.raises(DataError, match="is the same folder as .*; remove the link that leads"):
        image_folder.load(2, 0, folder)
    with pytest.raises(OSError, match="is the same folder as .*; remove the link that leads"):
        Contents().digest(folder)


def test_folders_may_lie_elsewhere(tmp_path):
    save_folder(tmp_path, "photos/a/1.png", "elsewhere/2.png", "more/3.png")
    (tmp_path / "photos/b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos/a/more").symlink_to(tmp_path / "more")
    images = image_folder.load(3, 0, tmp_path / "photos")
    assert (seeds(images.pixels), images.labels.tolist()) == ([0, 1, 2], [0, 1, 0])


@pytest.mark.parametrize("name", ["x.png", "notes"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    folder = save_folder(tmp_path, "a/1.png", "b/2.png")
    os.mkfifo(folder / "a" / name)
    with pytest.raises(OSError, match=f"{name} is no regular file, but a pipe, socket or device"):
        Contents().digest(folder)
    if name == "x.png":
        with pytest.raises(DataError, match="x.png is no regular file, but a pipe"):
            image_folder.load(3, 0, folder)


def test_a_class_must_have_a_name_that_can_be_written(tmp_path):
    folder = save_folder(tmp_path, "a/1.png", "b/2.png")
    os.rename(folder / "b", os.fsencode(folder) + b"/caf\xe9")
    with pytest.raises(DataError, match=r"name is not UTF-8, b'caf.xe9'; rename it") as error:
        image_folder.load(2, 0, folder)
    str(error.value).encode()


def test_what_systems_leave_is_no_class_and_no_point(tmp_path, caplog):
    folder = save_folder(tmp_path, "a/1.png", "b/2.png", "a/3.png")
    expected = image_folder.load(3, 0, folder)
    litter = [
        ".ipynb_checkpoints/1-checkpoint.png",
        "__MACOSX/._1.png",
        "@eaDir/1.png",
        "a/.ipynb_checkpoints/1.png",
        "a/@eaDir/1.png",
        "a/._1.png",
    ]
    before = Contents().digest(folder)
    save_folder(folder, *litter)
    for name in (".DS_Store", "b/.DS_Store", "b/Thumbs.db", "a/notes.txt"):
        (folder / name).write_bytes(b"no picture")
    with caplog.at_level("INFO"):
        images = image_folder.load(3, 0, folder)
    np.testing.assert_array_equal(images.pixels, expected.pixels)
    assert images.class_names == ("a", "b")
    assert f"{folder}: 5 left out (hidden or of a system)" in caplog.text
    assert f"{folder}: 1 left out (.txt)" in caplog.text
    (folder / "a/notes.txt").unlink()
    assert Contents().digest(folder) == before


@pytest.mark.parametrize(
    ("parts", "advice"),
    [
        (["train", "test"], "give path: {}/train and test_path: {}/test"),
        (["Training", "Testing"], "give path: {}/Training and test_path: {}/Testing"),
        (["train", "val", "test"], "give path: {}/train and test_path: {}/test"),
        (["train", "val"], "give path: {}/train$"),
    ],
)
def test_parts_of_a_data_set_are_no_classes(tmp_path, parts, advice):
    save_folder(tmp_path, *(f"{part}/{label}/1.png" for part in parts for label in "ab"))
    with pytest.raises(DataError, match=advice.format(tmp_path, tmp_path)) as error:
        image_folder.load(2, 0, tmp_path)
    assert f"has parts of a data set ({', '.join(sorted(parts))}), not classes" in str(error.value)


def test_classes_may_be_called_test_and_train(tmp_path):
    """Without classes in them they are classes themselves; so they are beside another."""
    assert image_folder.load(
        2, 0, save_folder(tmp_path / "flat", "test/1.png", "train/2.png")
    ).class_names == ("test", "train")
    names = ("test/a/1.png", "train/a/2.png", "other/a/3.png")
    assert image_folder.load(3, 0, save_folder(tmp_path / "three", *names)).pixels.shape[0] == 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_exif_says(tmp_path, orientation):
    save_folder(tmp_path, "a/1.png", "b/2.png")
    pixels = picture(3, 4, 4)
    turned = Image.fromarray(pixels.transpose(1, 2, 0))
    exif = Image.Exif()
    exif[274] = orientation
    # Stored so that turning it as the standard says gives the picture.
    stored = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.swapaxes(0, 1),
        6: lambda x: np.rot90(x, 1),
        7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
        8: lambda x: np.rot90(x, -1),
    }[orientation](np.asarray(turned))
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a/3.png", exif=exif)
    np.testing.assert_array_equal(image_folder.load(3, 0, tmp_path).pixels[2], pixels)


def test_transparency_needs_a_background(tmp_path):
    """Black glyphs whose shape is their alpha alone: without a background all pixels are 0."""
    shape = picture(0, channels=1)[0]
    for name, alpha in (("a/1.png", shape), ("b/2.png", shape.T)):
        (tmp_path / name).parent.mkdir()
        black = np.zeros_like(alpha)
        Image.fromarray(np.stack([black, black, black, alpha], axis=-1)).save(tmp_path / name)
    with pytest.raises(DataError, match=r"a/1.png has transparent pixels; .* `background`"):
        image_folder.load(2, 0, tmp_path)
    white = image_folder.load(2, 0, tmp_path, background="white").pixels
    np.testing.assert_array_equal(white[0], np.broadcast_to(255 - shape, (3, 4, 4)))
    black = image_folder.load(2, 0, tmp_path, background="black")
    assert not black.pixels.any()
    with pytest.raises(DataError, match=r"all 2 training images are the same .pixels from 0 to 0"):
        prepare(black, 2, 0)


def test_grey_transparency_stays_grey(tmp_path):
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(picture(len(name), channels=2).transpose(1, 2, 0), "LA").save(
            tmp_path / name
        )
    assert image_folder.load(2, 0, tmp_path, background="white").pixels.shape == (2, 1, 4, 4)


def test_a_path_that_is_no_folder_is_named(tmp_path):
    file = save(tmp_path / "1.png", picture(0))
    for path in (file, tmp_path / "nowhere"):
        with pytest.raises(DataError, match=f"{path} cannot be read as a folder"):
            image_folder.load(1, 0, path)


# Arrays


@pytest.fixture
def save_npz(tmp_path):
    def write(**arrays: np.ndarray) -> Path:
        np.savez(tmp_path / "images.npz", **arrays)
        return tmp_path / "images.npz"

    return write


COLOUR = np.stack([picture(seed) for seed in range(6)]).transpose(0, 2, 3, 1)
CLASSES = np.array([0, 1, 2, 0, 1, 2])


def test_arrays_are_read_as_they_are(save_npz):
    images = npz.load(4, 1, save_npz(x=COLOUR, y=CLASSES.astype(np.uint8)))
    assert seeds(images.pixels[:4]) == [0, 1, 2, 3]
    assert seeds(images.test_pixels) == [4]
    assert images.labels[:4].tolist() == [0, 1, 2, 0]
    grey = npz.load(6, 0, save_npz(x=COLOUR[..., 0] / 255, y=CLASSES))
    assert grey.pixels.shape == (6, 1, 4, 4)
    np.testing.assert_array_equal(grey.pixels[:, 0], COLOUR[..., 0] / 255)


def test_arrays_may_have_a_test_part(save_npz):
    path = save_npz(x=COLOUR[:4], y=CLASSES[:4], x_test=COLOUR[4:], y_test=CLASSES[4:])
    images = npz.load(3, 2, path)
    assert seeds(images.pixels[:3]) == [0, 1, 2]
    assert seeds(images.test_pixels) == [4, 5]
    assert images.test_labels.tolist() == [1, 2]


def test_bytes_and_fractions_are_prepared_alike(save_npz):
    """To the last bit: a byte is divided by 255 in float64."""
    as_bytes = prepare(npz.load(4, 2, save_npz(x=COLOUR, y=CLASSES)), 4, 2)
    as_fractions = prepare(npz.load(4, 2, save_npz(x=COLOUR / 255, y=CLASSES)), 4, 2)
    assert as_bytes.x.equal(as_fractions.x)
    assert as_bytes.test_x.equal(as_fractions.test_x)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"y": None}, "no images and labels under names that .*; it has x"),
        (
            {"x": None, "X": COLOUR},
            "no images and labels under names that .*; it has y, X",
        ),
        ({"x_test": COLOUR}, "has no array y_test"),
        ({"x": COLOUR.astype(int)}, "x is int64; it must be uint8, or floating-point"),
        ({"x": COLOUR.reshape(6, -1)}, r"x is \(6, 48\); it must be \(n, height, width\)"),
        ({"y": CLASSES / 2}, r"y is float64 \(6,\); it must be whole numbers"),
        ({"x_test": COLOUR[:, :2], "y_test": CLASSES}, r"x_test are \(3, 2, 4\) .* x \(3, 4, 4\)"),
        ({"y": CLASSES.astype(object)}, r"y is an array of Python objects.*y.astype\(int\)"),
        ({"x": COLOUR[:, :0]}, r"x is \(6, 0, 4, 3\); its images have no pixels"),
        ({"x": COLOUR[..., 0][:, :, :0]}, r"x is \(6, 4, 0\); its images have no pixels"),
    ],
)
def test_arrays_of_another_form_are_refused(save_npz, changes, complaint):
    arrays = {"x": COLOUR, "y": CLASSES} | changes
    path = save_npz(**{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(DataError, match=complaint) as error:
        npz.load(4, 1, path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("images", ["mono", "colour"])
def test_channels_first_is_refused_with_the_transpose(save_npz, images):
    """(n, 3, 32, 32) is no 32 channels of 3 x 32."""
    pixels = np.stack([picture(seed, 6, 8, 3 if images == "colour" else 1) for seed in range(6)])
    with pytest.raises(DataError, match=r"looks like \(n, channels, height, width\)") as error:
        npz.load(4, 1, save_npz(x=pixels, y=CLASSES))
    assert "write x.transpose(0, 2, 3, 1), or give the data set `layout: channels_first`" in str(
        error.value
    )
    asked = npz.load(4, 1, save_npz(x=pixels, y=CLASSES), layout="channels_first")
    turned = npz.load(4, 1, save_npz(x=pixels.transpose(0, 2, 3, 1), y=CLASSES))
    np.testing.assert_array_equal(asked.pixels, pixels)
    np.testing.assert_array_equal(turned.pixels, pixels)


@pytest.mark.parametrize("shape", [(6, 3, 8, 3), (6, 1, 28, 1), (6, 4, 8, 5), (6, 8, 8, 4)])
def test_a_shape_that_says_nothing_needs_a_layout(save_npz, shape):
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    path = save_npz(x=pixels, y=CLASSES)
    with pytest.raises(DataError, match="give the data set `layout: channels_last` or `layout"):
        npz.load(4, 1, path)
    last = npz.load(4, 1, path, layout="channels_last").pixels
    np.testing.assert_array_equal(last, pixels.transpose(0, 3, 1, 2))
    first = npz.load(4, 1, path, layout="channels_first").pixels
    np.testing.assert_array_equal(first, pixels)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_labels_must_be_as_many_as_images_whatever_n(save_npz, n):
    path = save_npz(x=COLOUR, y=CLASSES[:5])
    with pytest.raises(DataError, match="images.npz: x has 6 images but y 5 labels"):
        npz.load(n, 0, path)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (CLASSES + 1, r"y numbers classes from 1 to 3; write y - 1"),
        (CLASSES * 2, r"y has 3 classes, labels up to 4, and no point of label 1; number"),
        (
            CLASSES * 10**9,
            r"y has 3 classes, labels up to 2000000000, and no .*np.unique\(y, return",
        ),
        (np.where(CLASSES == 2, 255, CLASSES), "y has 2 points of label 255, which often stands"),
        (np.where(CLASSES == 2, -1, CLASSES), "y has 2 points of label -1, which often stands"),
        (CLASSES - 2, "y has the negative label -2"),
        (np.eye(3, dtype=int)[CLASSES], r"y is \(6, 3\), one-hot; write y.argmax\(1\)"),
        (np.eye(3)[CLASSES], r"y is \(6, 3\), one-hot"),
        (np.ones((6, 3), int), r"y is int64 \(6, 3\); it must be one class number for each image"),
        (CLASSES / 1, r"y is float64 \(6,\); it must be whole numbers: write y.astype\(int\)"),
        (CLASSES == 1, r"y is bool \(6,\); it must be whole numbers: write y.astype\(int\)"),
        (np.array(list("catcat")), r"y is <U1 \(6,\), names; write class_names, y = np.unique\(y"),
        (CLASSES.astype(np.uint64) + np.uint64(2**63), "y has the label 9223372036854775810"),
    ],
)
def test_labels_of_another_form_are_called_by_their_name(save_npz, labels, complaint):
    with pytest.raises(DataError, match=f"images.npz: {complaint}"):
        npz.load(4, 1, save_npz(x=COLOUR, y=labels))


def test_advice_for_labels_works(save_npz):
    """What the messages say to write is then read."""
    expected = npz.load(6, 0, save_npz(x=COLOUR, y=CLASSES)).labels
    gaps = np.unique(CLASSES * 2, return_inverse=True)[1]
    one_hot = np.eye(3)[CLASSES].argmax(1)
    names, named = np.unique(np.array(["cat", "cow", "dog"])[CLASSES], return_inverse=True)
    for labels in (gaps, one_hot, named, (CLASSES + 1) - 1, CLASSES[:, None]):
        np.testing.assert_array_equal(npz.load(6, 0, save_npz(x=COLOUR, y=labels)).labels, expected)
    images = npz.load(6, 0, save_npz(x=COLOUR, y=named, class_names=names))
    assert images.class_names == ("cat", "cow", "dog")


def test_test_labels_are_those_of_the_training_part(save_npz):
    part = {"x": COLOUR, "y": CLASSES, "x_test": COLOUR}
    npz.load(4, 1, save_npz(**part, y_test=np.full(6, 2)))
    with pytest.raises(DataError, match="y_test has the label 3; the training part has 0 to 2"):
        npz.load(4, 1, save_npz(**part, y_test=CLASSES + 1))


@pytest.mark.parametrize("names", [[b"a", b"caf\xe9", b"c"], ["a", "b", "\udce9"]])
def test_class_names_must_be_text_that_can_be_written(save_npz, names):
    path = save_npz(x=COLOUR, y=CLASSES, class_names=np.array(names))
    with pytest.raises(DataError, match=r"class_names has a name that is not UTF-8, '.*udce9'"):
        npz.load(4, 1, path)
    names = np.array(["a", "café", "c"])
    for each in (names, np.char.encode(names, "utf-8")):
        path = save_npz(x=COLOUR, y=CLASSES, class_names=each)
        assert npz.load(4, 1, path).class_names == ("a", "café", "c")


def test_class_names_must_fit(save_npz):
    for names in (np.array(["a", "b"]), np.arange(3)):
        with pytest.raises(DataError, match=r"class_names is .*; it must be the names of the 3"):
            npz.load(4, 1, save_npz(x=COLOUR, y=CLASSES, class_names=names))


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
    ],
)
def test_arrays_of_keras_and_medmnist_are_known(save_npz, names, caplog):
    x, y, x_test, y_test = names
    arrays = {x: COLOUR[:4], y: CLASSES[:4, None], x_test: COLOUR[4:], y_test: CLASSES[4:, None]}
    with caplog.at_level("INFO"):
        images = npz.load(4, 2, save_npz(**arrays, val_images=COLOUR))
    assert (seeds(images.pixels), seeds(images.test_pixels)) == ([0, 1, 2, 3], [4, 5])
    assert (images.labels.tolist(), images.test_labels.tolist()) == ([0, 1, 2, 0], [1, 2])
    assert "images.npz: not used: val_images" in caplog.text


def test_arrays_sorted_by_class_are_to_be_shuffled(save_npz):
    """Raising n would not help: the first n would still be the first classes."""
    order = np.argsort(CLASSES, kind="stable")
    images = npz.load(4, 0, save_npz(x=COLOUR[order], y=CLASSES[order]))
    with pytest.raises(DataError, match=r"no image of class 2 .* are sorted by class; shuffle"):
        prepare(images, 4, 0)
    both = np.random.default_rng(0).permutation(6)  # as the message says
    images = npz.load(5, 0, save_npz(x=COLOUR[order][both], y=CLASSES[order][both]))
    assert prepare(images, 5, 0).classes == 3


def member(shape: str, of_type: str = "|u1") -> bytes:
    """An array in a file, of a hundred bytes, whatever its header says."""
    head = f"{{'descr': '{of_type}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head = head.ljust(118 - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(100)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (member("(1000000000, 10000, 100000)"), "x is larger than the memory of this machine"),
        (member("(100000000000000000000, )"), "x is larger than the memory of this machine"),
        (member("(-4, 5, 5)"), "cannot be read as an .npz file of arrays: negative dimensions"),
        (member("(4, 5, 6)"), "cannot be read as an .npz file of arrays: EOF"),
        (member("(4, 5, 5", "|u1'"), "cannot be read as an .npz file|x has a header that is damag"),
        (member("((((((("), "x has a header that is damaged"),
        (member("(4, 5, 5)", "|O"), "x is an array of Python objects"),
        (member("(1, 5, 5)", "<M8[s]"), "cannot be read as an .npz file of arrays: EOF"),
        (member("(4, 5, 5)")[:40], "cannot be read as an .npz file of arrays: EOF"),
        (b"no array", "x is no array; write the file by np.savez"),
        (b"", "x is no array; write the file by np.savez"),
    ],
)
def test_a_member_that_is_not_what_it_says_is_named(tmp_path, content, complaint):
    labels = io.BytesIO()
    np.save(labels, np.array([0, 1, 0, 1]))
    path = tmp_path / "images.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", content)
        file.writestr("y.npy", labels.getvalue())
        file.writestr("README", "what this is")
    with pytest.raises(DataError, match=rf"images\.npz:? ({complaint})"):
        npz.load(4, 0, path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", member("(4, 5, 5)"))
        file.writestr("y.npy", labels.getvalue())
        file.writestr("README", "what this is")
    assert npz.load(4, 0, path).pixels.shape == (4, 1, 5, 5)


@pytest.mark.parametrize("content", ["empty", "text", "array", "cut off", "flipped", "pickle"])
def test_a_file_that_is_no_npz_is_named(save_npz, tmp_path, content):
    path = save_npz(x=COLOUR, y=CLASSES)
    whole = path.read_bytes()
    array = io.BytesIO()
    np.save(array, COLOUR)
    path.write_bytes(
        {
            "empty": b"",
            "text": b"x,y",
            "array": array.getvalue(),
            "cut off": whole[:-50],
            "flipped": whole[:300] + bytes([whole[300] ^ 1]) + whole[301:],
            "pickle": pickle.dumps({"x": COLOUR, "y": CLASSES}),
        }[content]
    )
    with pytest.raises(DataError, match=f"{path} cannot be read as an .npz file"):
        npz.load(4, 1, path)


# In the workflow


def error_of(run) -> str:
    """The one paragraph that a run ended with."""
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    (message,) = {line for line in run.stderr.splitlines() if line.startswith("    prepare_data: ")}
    return message


def prepared(folder: Path) -> list[Path]:
    """What there is of prepared data, whole or not."""
    return [path for path in folder.glob("results/*/data/*") if path.is_file()]


@pytest.mark.slow
def test_own_images_are_prepared_and_again_when_they_change(tmp_path):
    names = [f"{label}/{number}.png" for number, label in enumerate("abcabcabcabc")]
    # Whatever Snakemake makes of braces, and a shell of the rest.
    folder = save_folder(tmp_path / "my {photos}, 50 % $HOME", *names)
    photos = {"kind": "image_folder", "n": 9, "n_test": 3, "path": folder.name}
    assert snakemake(tmp_path, photos).returncode == 0
    (file,) = prepared(tmp_path)
    data = load_dataset(file, read_identity(file))
    assert data.image_shape == (3, 4, 4)
    assert data.class_counts == [3, 3, 3]
    assert "Nothing to be done" in snakemake(tmp_path, photos).stderr
    save(folder / "a/0.png", picture(99))
    run = snakemake(tmp_path, photos)
    assert run.returncode == 0, run.stderr
    assert not data.x.equal(load_dataset(file, read_identity(file)).x)


@pytest.mark.slow
def test_a_corrupt_png_ends_the_run_with_its_name(tmp_path):
    folder = save_folder(tmp_path / "photos", "a/1.png", "b/2.png", "a/3.png")
    content = flip((folder / "b/2.png").read_bytes())
    (folder / "b/2.png").unlink()
    Path(os.fsdecode(os.fsencode(folder) + b"/b/2\xe9.png")).write_bytes(content)
    run = snakemake(tmp_path, {"kind": "image_folder", "n": 3, "path": "photos"})
    assert "photos/b/2\\udce9.png cannot be read as an image" in error_of(run)
    assert prepared(tmp_path) == []


@pytest.mark.slow
def test_a_single_class_ends_the_run_with_its_name(tmp_path):
    save_folder(tmp_path / "photos", "a/1.png", "a/2.png")
    run = snakemake(tmp_path, {"kind": "image_folder", "n": 2, "path": "photos"})
    assert "photos has only one sub-folder, a," in error_of(run)
    assert prepared(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, "studies.mine.datasets.images.path = 'photos': no such folder in "),
        ({"path": None}, "studies.mine.datasets.images: path must be given for the kind image_fol"),
        (
            {"kind": "npz", "size": 8},
            "studies.mine.datasets.images.size = 8 is for the kind image_",
        ),
        (
            {"kind": "mnist"},
            "images.path = 'photos' is for the kind image_folder or npz, not mnist",
        ),
        ({"channels": 2}, "studies.mine.datasets.images.channels = 2 is not one of 1, 3"),
        ({"kind": "minst"}, "'minst' is not one of digits, mnist, .* (did you mean 'mnist'?)"),
    ],
)
@pytest.mark.slow
def test_a_mistake_in_the_configuration_is_told_before_any_job(tmp_path, changes, complaint):
    images = {"kind": "image_folder", "n": 2, "path": "photos"} | changes
    run = snakemake(tmp_path, images)
    assert run.returncode == 1
    before, _, after = complaint.partition(".*")
    assert before in run.stderr
    assert after in run.stderr
    assert "rule prepare_data:" not in run.stdout
