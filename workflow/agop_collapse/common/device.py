"""Where a job computes, and whether a GPU may round what it multiplies."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from . import gpu_locks
from .errors import UserError

log = logging.getLogger(__name__)

DEVICES = ("auto", "cpu", "cuda", "mps")


def select(wanted: str, gpus: int, in_float64: bool = False) -> torch.device:
    """The device for a job that was granted `gpus` GPUs: of those in sight, one of its own.

    It is the current one of PyTorch then, and no other job's until this process ends.

    Parameters
    ----------
    wanted : "cpu"; "cuda"; "mps", Apple's GPU; or "auto" for a GPU of the former kind where one is
        there and granted, else the CPU
    gpus : GPUs that the scheduler grants; `snakemake --resources gpu=0` grants none. Apple's, of
        which a machine has one, is nobody's to grant
    in_float64 : whether all of the job is in float64, which "mps" has not: then it means the CPU

    Raises
    ------
    UserError : when "cuda" is wanted and there is none, or none was granted; or "mps", and there is
        none. A GPU that "auto" was granted and PyTorch cannot use is a warning.
    """
    if wanted not in DEVICES:
        raise ValueError(f"unknown device {wanted!r}; known: {', '.join(DEVICES)}")
    if wanted == "mps":
        return _mps(in_float64)
    usable = gpus > 0 and torch.cuda.is_available()
    if wanted == "cuda" and not usable:
        raise UserError(
            f"device is cuda, but PyTorch {_why_none() if gpus else 'was granted none (gpu=0)'}; "
            "set the study's device to auto or cpu"
        )
    if wanted == "auto" and gpus > 0 and not usable:
        log.warning(
            "a GPU was granted, but PyTorch %s: this job computes on the CPU, which may take days. "
            "The study's `device: cuda` makes this an error; `--resources gpu=0` or `device: cpu` "
            "asks for the CPU",
            _why_none(),
        )
    if wanted == "cpu" or not usable:
        return torch.device("cpu")
    torch.cuda.set_device(gpu_locks.claim(_names()))
    return torch.device("cuda")


def _mps(in_float64: bool) -> torch.device:
    if not torch.backends.mps.is_available():
        raise UserError(
            f"device is mps, but PyTorch {torch.__version__} sees none: Apple's machines with an M "
            "chip have it; set the study's device to auto or cpu"
        )
    return torch.device("cpu" if in_float64 else "mps")


def off_mps(x: Tensor) -> Tensor:
    """A tensor of Apple's mps, which has no float64, on the CPU; any other as it is."""
    return x.cpu() if x.device.type == "mps" else x


def _names() -> list[str]:
    """The UUIDs of the GPUs in sight; their numbers depend on who is looking."""
    properties = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return [str(getattr(each, "uuid", number)) for number, each in enumerate(properties)]


def _why_none() -> str:
    """Why there is no GPU for PyTorch."""
    if torch.version.cuda is None and torch.version.hip is None:
        return f"{torch.__version__} is a build for CPUs, and sees no GPU"
    return f"{torch.__version__} sees no GPU (no driver, or one that is too old for it?)"


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
