"""Where a job computes, and whether a GPU may round what it multiplies."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .errors import UserError

DEVICES = ("auto", "cpu", "cuda")


def select(wanted: str, gpus: int) -> torch.device:
    """The device for a job that was granted `gpus` GPUs.

    Parameters
    ----------
    wanted : "cpu"; "cuda"; or "auto" for a GPU where one is there and granted, else the CPU
    gpus : GPUs that the scheduler grants; `snakemake --resources gpu=0` grants none

    Raises
    ------
    UserError : when "cuda" is wanted and there is none, or none was granted.
    """
    if wanted not in DEVICES:
        raise ValueError(f"unknown device {wanted!r}; known: {', '.join(DEVICES)}")
    usable = gpus > 0 and torch.cuda.is_available()
    if wanted == "cuda" and not usable:
        raise UserError(
            f"device is cuda, but PyTorch {'sees no GPU' if gpus else 'was granted none (gpu=0)'}; "
            "set the study's device to auto or cpu"
        )
    return torch.device("cuda" if usable and wanted != "cpu" else "cpu")


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Whether a GPU rounds the factors of float32 products and convolutions to 10 bits meanwhile.

    PyTorch's own choice is to round those of convolutions only.
    """
    backends = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = allowed
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value


def name(device: torch.device) -> str:
    """What a device is called: "cpu", or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
