"""Loaders: the right images and labels in the right order, and errors that name the file."""

import hashlib
import io
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from agop_collapse.common.lookup import find_object
from agop_collapse.data import readers
from agop_collapse.data.archives import ARCHIVES
from agop_collapse.data.dataset import load_dataset
from agop_collapse.data.prepare import DataError, prepare
from agop_collapse.data.readers import image_folder, npz
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
    assert images.classes == 10
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
    assert seeds(images.pixels) == [3, 1, 2, 4, 0]
    assert images.labels.tolist() == [0, 1, 0, 1, 1]


def test_classes_are_those_of_the_whole_folder(tmp_path):
    folder = save_folder(tmp_path, "a/1.png", "b/2.png", "c/3.png")
    images = image_folder.load(2, 0, folder)
    assert images.classes == 3
    with pytest.raises(
        DataError, match="no image of class 2 .of classes 0 to 2. among the first 2"
    ):
        prepare(images, 2, 0)


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
    with pytest.raises(DataError, match=r"a/1.png has more than 8 bits a pixel"):
        image_folder.load(2, 0, tmp_path)


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["a/1.png", "a/2.png"], "has only one sub-folder, a, and so only one class"),
        (["1.png"], "is no folder with a sub-folder of images for each class: .*any class folder"),
        (["a/1.png", "b/notes.txt"], "Found no valid file for the classes b"),
    ],
)
def test_a_folder_without_two_classes_of_images_is_refused(tmp_path, names, complaint):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save(tmp_path / "image.png", picture(0)).rename(tmp_path / name)
    with pytest.raises(DataError, match=complaint) as error:
        image_folder.load(1, 0, tmp_path)
    assert str(error.value).startswith(str(tmp_path))


def test_a_path_that_is_no_folder_is_named(tmp_path):
    file = save(tmp_path / "1.png", picture(0))
    for path in (file, tmp_path / "nowhere"):
        with pytest.raises(DataError, match=f"{path} is no folder"):
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
    assert seeds(images.pixels) == [0, 1, 2, 3]
    assert seeds(images.test_pixels) == [4]
    assert images.labels.tolist() == [0, 1, 2, 0]
    assert images.classes == 3
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
        ({"y": None}, "has no array y; it has x"),
        ({"x": None, "X": COLOUR}, "has no array x; it has y, X"),
        ({"x_test": COLOUR}, "has no array y_test"),
        ({"x": COLOUR.astype(int)}, "x is int64; it must be uint8, or floating-point"),
        ({"x": COLOUR.reshape(6, -1)}, r"x is \(6, 48\); it must be \(n, height, width\)"),
        ({"y": CLASSES / 1}, r"y is float64 \(6,\); it must be whole numbers"),
        ({"y": CLASSES[:, None]}, r"y is int64 \(6, 1\); it must be whole numbers"),
        ({"x_test": COLOUR[:, :3], "y_test": CLASSES}, r"x_test are \(3, 3, 4\) .* x \(3, 4, 4\)"),
        ({"y": CLASSES.astype(object)}, "cannot be read as an .npz file"),
    ],
)
def test_arrays_of_another_form_are_refused(save_npz, changes, complaint):
    arrays = {"x": COLOUR, "y": CLASSES} | changes
    path = save_npz(**{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(DataError, match=complaint) as error:
        npz.load(4, 1, path)
    assert str(error.value).startswith(str(path))


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
    (message,) = {line for line in run.stderr.splitlines() if line.startswith("prepare_data: ")}
    return message


def prepared(folder: Path) -> list[Path]:
    """What there is of prepared data, whole or not."""
    return [path for path in folder.glob("results/*/data/*") if path.is_file()]


@pytest.mark.slow
def test_own_images_are_prepared_and_again_when_they_change(tmp_path):
    names = [f"{label}/{number}.png" for number, label in enumerate("abcabcabcabc")]
    folder = save_folder(tmp_path / "photos", *names)
    photos = {"kind": "image_folder", "n": 9, "n_test": 3, "path": "photos"}
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
    (folder / "b/2.png").write_bytes(flip((folder / "b/2.png").read_bytes()))
    run = snakemake(tmp_path, {"kind": "image_folder", "n": 3, "path": "photos"})
    assert "photos/b/2.png cannot be read as an image" in error_of(run)
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
