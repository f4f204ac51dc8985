"""Public data sets: the archives that their files come in, with addresses and checksums.

Standard library only: the Snakefile imports it.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Archive:
    """A file to download, and what is in it.

    urls : its addresses, in the order in which they are tried
    sha256 : of the file as downloaded
    files : what it holds, in torchvision's layout below the data set's folder: a .tar.gz the
        members of these names, a .gz one file; one of another ending is itself the file
    """

    urls: tuple[str, ...]
    sha256: str
    files: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.urls[0].rsplit("/", 1)[1]


def _idx(folder: str, mirrors: tuple[str, ...], *sha256: str) -> tuple[Archive, ...]:
    """The four files of a data set in MNIST's format; checksums of images, labels, test ones."""
    names = [
        f"{part}-{content}-ubyte"
        for part in ("train", "t10k")
        for content in ("images-idx3", "labels-idx1")
    ]
    return tuple(
        Archive(
            tuple(f"{mirror}/{name}.gz" for mirror in mirrors), digest, (f"{folder}/raw/{name}",)
        )
        for name, digest in zip(names, sha256, strict=True)
    )


# torchvision.datasets has these files, their addresses and MD5 sums. Each SHA-256 stands in two
# independent places, which agree: pytorch/vision, in {mnist,cifar,svhn}.py of
# torchvision/prototype/datasets/_builtin; and tensorflow/datasets, in {mnist,fashion_mnist,kmnist,
# svhn_cropped}.txt of tensorflow_datasets/url_checksums (CIFAR-10: keras-team/keras, in
# keras/src/datasets/cifar10.py).
ARCHIVES: dict[str, tuple[Archive, ...]] = {
    "mnist": _idx(
        "MNIST",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ),
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    "fashion_mnist": _idx(
        "FashionMNIST",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        ),
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    "kmnist": _idx(
        "KMNIST",
        ("http://codh.rois.ac.jp/kmnist/dataset/kmnist",),
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    ),
    "cifar10": (
        Archive(
            ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            (
                *(f"cifar-10-batches-py/data_batch_{batch}" for batch in range(1, 6)),
                "cifar-10-batches-py/test_batch",
                "cifar-10-batches-py/batches.meta",
            ),
        ),
    ),
    "svhn": (
        Archive(
            ("http://ufldl.stanford.edu/housenumbers/train_32x32.mat",),
            "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            ("train_32x32.mat",),
        ),
        Archive(
            ("http://ufldl.stanford.edu/housenumbers/test_32x32.mat",),
            "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
            ("test_32x32.mat",),
        ),
    ),
}


def files_of(kind: str, folder: Path) -> list[Path]:
    """All files of a public data set, below its folder."""
    return [Path(folder, file) for archive in ARCHIVES[kind] for file in archive.files]


def missing_files(archive: Archive, folder: Path) -> list[Path]:
    """The archive's files that are not in the data set's folder yet."""
    return [path for file in archive.files if not (path := Path(folder, file)).exists()]
