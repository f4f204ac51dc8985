"""MNIST; its addresses are in `data.addresses`."""

from torchvision.datasets import MNIST

from .from_torchvision import idx_parts, loader

load = loader("mnist", idx_parts(MNIST), [str(digit) for digit in range(10)])
