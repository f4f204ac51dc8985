"""Public data sets, read by torchvision from files that are there already."""

from collections.abc import Callable, Sequence
from pathlib import Path

from torchvision.datasets import MNIST

from ..images import DataError, Images
from .parts import Part


def loader(
    kind: str, read: Callable[[Path, bool], Part], class_names: Sequence[str]
) -> Callable[..., Images]:
    """The function `load` of a public data set.

    Parameters
    ----------
    kind : its name in the configuration
    read : from its folder, in torchvision's layout, reads the training (True) or the test part
    class_names : of its classes, in order
    """

    def load(n: int, n_test: int, path: Path) -> Images:
        try:
            return Images(*read(path, True), *read(path, False), tuple(class_names))
        # Readers of pickles, of MATLAB's and of MNIST's files: none says what it raises.
        except Exception as error:
            there = sorted(str(file) for file in Path(path).rglob("*") if file.is_file())
            files = [file for file in there if not file.endswith(".log")]
            raise DataError(
                f"torchvision cannot read {kind} ({error}). One of its files is missing, damaged "
                "or not what its name says; delete it to have it downloaded: "
                f"{', '.join(files) or f'{path} has none'}"
            ) from error

    return load


def idx_parts(dataset: type[MNIST]) -> Callable[[Path, bool], Part]:
    """The parts of a data set in MNIST's format."""

    def read(path: Path, train: bool) -> Part:
        images = dataset(path, train=train)
        return images.data.numpy()[:, None], images.targets.numpy()

    return read
