"""safetensors files for readers of any kind: what a file is stands in plain text in its header.

The library that writes the others puts several texts of a header in random order; these are
written here, in order, so that the same content is the same bytes.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .atomic import atomic

_TYPES = {torch.float64: "F64", torch.float32: "F32", torch.int64: "I64"}


def save_exported(
    path: Path, tensors: Mapping[str, Tensor], identity: str, facts: Mapping[str, str]
) -> None:
    """Write tensors, and in the header the identity and other facts, each a text by its name.

    The format (github.com/huggingface/safetensors): eight bytes, the length of the header as a
    little-endian integer; the header, JSON with each tensor's type, shape and place, and the texts
    under `__metadata__`; the tensors, row by row.

    Parameters
    ----------
    tensors : float64, float32 or int64, on any device

    Raises
    ------
    KeyError : on a tensor of another type.
    """
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    header: dict = {"__metadata__": {"identity": identity, **dict(sorted(facts.items()))}}
    end = 0
    for name, tensor in ordered:
        start, end = end, end + tensor.numel() * tensor.element_size()
        place = {"dtype": _TYPES[tensor.dtype], "shape": list(tensor.shape)}
        header[name] = place | {"data_offsets": [start, end]}
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with atomic(path) as partial, open(partial, "wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for _, tensor in ordered:
            file.write(tensor.detach().cpu().contiguous().numpy())
