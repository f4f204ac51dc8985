"""Versions of libraries that a result's last bits depend on."""

from importlib import metadata

import torch

LIBRARIES = ("numpy", "torch", "torchvision")


def versions() -> dict[str, str]:
    """The version of each that is installed, by name: what a run's record says.

    Deep RFM and the MLP do without torchvision.
    """
    return {name: metadata.version(name) for name in LIBRARIES if _is_installed(name)}


def _is_installed(library: str) -> bool:
    try:
        metadata.distribution(library)
    except metadata.PackageNotFoundError:
        return False
    return True


def build_of_torch() -> dict[str, str]:
    """PyTorch's version and build, by its name: what the headers of files of tensors say."""
    return {"torch": torch.__version__}
