"""SVHN, its cropped digits; its addresses are in `data.addresses`."""

from pathlib import Path

from torchvision.datasets import SVHN

from .from_torchvision import loader
from .parts import Part


def _read(path: Path, train: bool) -> Part:
    images = SVHN(path, split="train" if train else "test")
    return images.data, images.labels


load = loader("svhn", _read, [str(digit) for digit in range(10)])
