"""One generator for each random draw, so that no draw depends on how many came before it."""

import hashlib

import torch


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for one purpose, such as ("feature map", layer); stable across machines."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A CPU generator seeded by `derive_seed`; draws on the CPU are the same for every device."""
    return torch.Generator().manual_seed(derive_seed(seed, *purpose))
