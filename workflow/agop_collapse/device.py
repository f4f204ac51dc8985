"""Where a job computes."""

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
