"""Versions of the libraries that a result's last bits depend on."""

from importlib import metadata

LIBRARIES = ("numpy", "torch", "torchvision")


def versions() -> dict[str, str]:
    """The installed version of each, by name."""
    return {name: metadata.version(name) for name in LIBRARIES}
