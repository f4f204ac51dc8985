"""safetensors files with a JSON header, checked when read."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .atomic import StorageError, atomic

# One metadata key holding one JSON text: safetensors writes several keys in random order.
METADATA_KEY = "agop_collapse"


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, Any]) -> None:
    """Write tensors and a JSON metadata header as safetensors; the same content, the same bytes."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = json.dumps(metadata, sort_keys=True, allow_nan=False)
    header = json.dumps({"metadata": content, "sha256": _digest(contiguous, content)})
    with atomic(path) as partial:
        save_file(contiguous, partial, metadata={METADATA_KEY: header})


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote, and check that it is.

    Raises
    ------
    StorageError : when the file is missing, damaged, not written by this project, or holds values
        that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise StorageError(f"{path} is missing; {_derive_again(path)}")
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(METADATA_KEY)
            # Cloned, which aligns them: the last bits of a matrix product depend on alignment.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise StorageError(f"{path} is damaged ({error}); {_derive_again(path)}") from error
    if header is None:
        raise StorageError(
            f"{path} was not written by this workflow: it has no {METADATA_KEY} header"
        )
    try:
        header = json.loads(header)
        whole = header["sha256"] == _digest(tensors, header["metadata"])
        metadata = json.loads(header["metadata"])
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged ({error}); {_derive_again(path)}") from error
    if not whole:
        raise StorageError(f"{path} is damaged (its checksum is another); {_derive_again(path)}")
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise StorageError(f"{path}: tensor {name!r} holds values that are not finite")
    return tensors, metadata


def _digest(tensors: Mapping[str, Tensor], metadata: str) -> str:
    """SHA-256 of the metadata and of every tensor's name, type, shape and values."""
    digest = hashlib.sha256(metadata.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy())
    return digest.hexdigest()


def expect_shape(path: Path, name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    """Raise StorageError, naming the file, unless a tensor read from it has this shape."""
    if tuple(tensor.shape) != tuple(shape):
        raise StorageError(
            f"{path}: {name} has shape {tuple(tensor.shape)}, expected {tuple(shape)}"
        )


def _derive_again(path: Path) -> str:
    # The files of one run are derived together, and so are deleted together.
    folder = path.parent
    return f"delete {folder if folder.name in ('layers', 'checkpoints') else path} and run again"


def versions() -> dict[str, str]:
    """Versions of the libraries that a result's last bits depend on."""
    return {"torch": torch.__version__}
