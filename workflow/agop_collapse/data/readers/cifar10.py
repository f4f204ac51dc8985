"""CIFAR-10; its addresses are in `data.addresses`."""

from pathlib import Path

import numpy as np
from torchvision.datasets import CIFAR10

from .from_torchvision import loader
from .parts import Part


def _read(path: Path, train: bool) -> Part:
    images = CIFAR10(path, train=train)
    return images.data.transpose(0, 3, 1, 2), np.array(images.targets)


CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
load = loader("cifar10", _read, CLASSES)
