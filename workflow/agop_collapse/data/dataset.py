"""A prepared data set: in memory, as regression targets, and as a safetensors file."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..common.versions import build_of_torch
from ..files.tensors import expect_shape, load_tensors, save_tensors


@dataclass(frozen=True)
class Dataset:
    """Training and test points as rows, standardised and sorted by class.

    x, test_x : (n, d) float64; labels, test_labels : (n,) int64, ascending;
    image_shape : (channels, height, width) with product d; classes : K
    class_names : K names in order, where they are known; `names` says the number where not
    """

    x: Tensor
    labels: Tensor
    test_x: Tensor
    test_labels: Tensor
    image_shape: tuple[int, int, int]
    classes: int
    class_names: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the K classes are called."""
        return self.class_names or tuple(map(str, range(self.classes)))

    @property
    def class_counts(self) -> list[int]:
        """Training points of each class, in order."""
        return torch.bincount(self.labels, minlength=self.classes).tolist()

    @property
    def test_counts(self) -> list[int]:
        """Test points of each class, in order."""
        return torch.bincount(self.test_labels, minlength=self.classes).tolist()


def one_hot_targets(labels: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    """Targets of the regression: +1 in the column of a point's class, -1 elsewhere (Appendix D)."""
    return 2 * torch.nn.functional.one_hot(labels, classes).to(dtype) - 1


def save_dataset(path: Path, data: Dataset, identity: str) -> None:
    """Write x, labels, test_x, test_labels; the points as float32."""
    tensors = {
        "x": data.x.float(),
        "labels": data.labels,
        "test_x": data.test_x.float(),
        "test_labels": data.test_labels,
    }
    shape = {"image_shape": list(data.image_shape), "classes": data.classes}
    shape |= {"class_names": list(data.class_names)}
    save_tensors(path, tensors, identity, shape | {"versions": build_of_torch()})


def load_dataset(path: Path, identity: str) -> Dataset:
    """Read a data set; its points are float64 again.

    Raises
    ------
    StorageError : when the file is missing, damaged, of another identity, or its tensors do not
        belong together.
    """
    tensors, header = load_tensors(path, identity)
    data = Dataset(
        tensors["x"].double(),
        tensors["labels"],
        tensors["test_x"].double(),
        tensors["test_labels"],
        tuple(header["image_shape"]),
        header["classes"],
        tuple(header["class_names"]),
    )
    pixels = math.prod(data.image_shape)
    expect_shape(path, "x", data.x, (len(data.labels), pixels))
    expect_shape(path, "test_x", data.test_x, (len(data.test_labels), pixels))
    return data
