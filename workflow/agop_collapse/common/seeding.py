"""One generator for each random draw, so that no draw depends on how many came before it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for one purpose, such as ("feature map", layer); stable across machines."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A CPU generator seeded by `derive_seed`; draws on the CPU are the same for every device."""
    return torch.Generator().manual_seed(derive_seed(seed, *purpose))


@contextmanager
def global_generator(seed: int, *purpose: str | int, device: str = "cpu") -> Iterator[None]:
    """Torch's global generators seeded by `derive_seed` meanwhile, and afterwards as before.

    For what draws from them and no others: the first weights of torch's layers, dropout.

    Parameters
    ----------
    device : "cuda" for the current GPU's as well
    """
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device == "cuda" else []):
        torch.manual_seed(derive_seed(seed, *purpose))
        yield
