"""Points of a data set, as some layer has them, in a file for other programs."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ..files.exported import save_exported
from .dataset import Dataset


def save_points(
    path: Path,
    data: Dataset,
    train: Mapping[str, Tensor],
    test: Mapping[str, Tensor],
    identity: str,
    facts: Mapping[str, object],
) -> None:
    """Write points with their labels, and the names of the classes, a line each, in the header.

    Parameters
    ----------
    data : whose training and test points they are, in its order
    train, test : (n, ...) tensors of the same names; in the file they are train_NAME, test_NAME,
        beside train_labels and test_labels, the classes' numbers from 0
    identity : of the file
    facts : what else is to be known, such as the layer; as texts in the header
    """
    parts = {"train": (train, data.labels), "test": (test, data.test_labels)}
    tensors = {
        f"{part}_{name}": tensor
        for part, (points, labels) in parts.items()
        for name, tensor in {**points, "labels": labels}.items()
    }
    texts = {key: str(value) for key, value in facts.items()}
    texts["class_names"] = "\n".join(data.names)
    save_exported(path, tensors, identity, texts)
