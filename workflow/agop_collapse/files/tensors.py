"""safetensors files with a JSON header, checked when read."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .atomic import StorageError, atomic
from .stamp import derive_again, expect_identity

# One metadata key holding one JSON text: safetensors writes several keys in random order.
METADATA_KEY = "agop_collapse"
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], identity: str, metadata: Mapping[str, Any]
) -> None:
    """Write tensors, an identity and JSON metadata; the same content, the same bytes.

    Raises
    ------
    OSError : when the file cannot be written, as on a full disk.
    """
    contiguous = _apart(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    )
    header = {"identity": identity, "metadata": dict(metadata)}
    header["sha256"] = _digest(contiguous, header)
    with atomic(path) as partial:
        try:
            save_file(contiguous, partial, metadata={METADATA_KEY: _as_text(header)})
        except SafetensorError as error:  # which has the system's number in its text alone
            if number := _OS_ERROR.search(str(error)):
                raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
            raise


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors, each in memory of its own: safetensors writes none that share it."""
    apart, seen = {}, set()
    for name, tensor in tensors.items():
        memory = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return apart


def load_tensors(path: Path, identity: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors and the metadata that `save_tensors` wrote, and check that it did.

    Raises
    ------
    StorageError : when the file is missing, damaged, not written by this project, of another
        identity, or holds values that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise StorageError(f"{path} is missing; {derive_again(path)}")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(METADATA_KEY)
            # Cloned, which aligns them: the last bits of a matrix product depend on alignment.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise StorageError(f"{path} is damaged ({error}); {derive_again(path)}") from error
    if text is None:
        raise StorageError(
            f"{path} was not written by this workflow: it has no {METADATA_KEY} header"
        )
    try:
        header = json.loads(text)
        digest = header.pop("sha256")
        whole = digest == _digest(tensors, header)
        found, metadata = header["identity"], header["metadata"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{path} is damaged ({error}); {derive_again(path)}") from error
    if not whole:
        raise StorageError(f"{path} is damaged (its checksum is another); {derive_again(path)}")
    expect_identity(path, found, identity)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise StorageError(f"{path}: tensor {name!r} holds values that are not finite")
    return tensors, metadata


def _as_text(header: dict[str, Any]) -> str:
    return json.dumps(header, sort_keys=True, allow_nan=False)


def _digest(tensors: Mapping[str, Tensor], header: dict[str, Any]) -> str:
    """SHA-256 of the header so far, and of every tensor's name, type, shape and values."""
    digest = hashlib.sha256(_as_text(header).encode())
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


def expect_number(path: Path, name: str, found: int | None, wanted: int) -> None:
    """Raise StorageError unless a file holds the layer, or epoch, of the number in its name."""
    if found != wanted:
        what = f"no {name}" if found is None else f"{name} {found}"
        raise StorageError(f"{path} holds {what}, expected {name} {wanted}; {derive_again(path)}")
