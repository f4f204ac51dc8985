"""Versions of the libraries that a result's last bits depend on."""

from importlib import metadata

import torch

LIBRARIES = ("numpy", "torch", "torchvision")


def versions() -> dict[str, str]:
    """The installed version of each, by name: what a run's record says."""
    return {name: metadata.version(name) for name in LIBRARIES}


def build_of_torch() -> dict[str, str]:
    """PyTorch's version and build, by its name: what the headers of files of tensors say."""
    return {"torch": torch.__version__}
