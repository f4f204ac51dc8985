"""KMNIST; its addresses are in `data.addresses`."""

from torchvision.datasets import KMNIST

from .from_torchvision import idx_parts, loader

load = loader("kmnist", idx_parts(KMNIST), KMNIST.classes)
