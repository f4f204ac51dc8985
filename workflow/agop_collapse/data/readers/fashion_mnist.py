"""Fashion-MNIST; its addresses are in `data.addresses`."""

from torchvision.datasets import FashionMNIST

from .from_torchvision import idx_parts, loader

load = loader("fashion_mnist", idx_parts(FashionMNIST), FashionMNIST.classes)
