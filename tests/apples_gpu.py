"""A stand-in for Apple's mps, which has no float64, where there is none: tensors lie on the CPU.

Arithmetic is the CPU's. What a real one refuses is refused: float64, and work on tensors of two
devices at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

MPS, CPU = torch.device("mps"), torch.device("cpu")
# What takes tensors of two devices: copies between them, places of elements.
ACROSS = ("copy_", "__getitem__", "__set__", "__get__")


class _OnMps(Tensor):
    __torch_function__ = torch._C._disabled_torch_function_impl


class _Mps(TorchFunctionMode):
    def __torch_function__(
        self, function: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        here = any(isinstance(tensor, _OnMps) for tensor in tensors)
        if function == Tensor.device.__get__:
            return MPS if here else function(*args)
        if name == "_has_compatible_shallow_copy_type":  # a module's parameter before and after
            return False
        if name in ("cpu", "to"):
            return self._moved(function, name, args, kwargs)
        if str(kwargs.get("device")) == "mps":
            return self._marked(function(*args, **kwargs | {"device": "cpu"}))
        if here and name not in ACROSS:
            others = [each for each in tensors if not isinstance(each, _OnMps) and each.dim()]
            if others:
                raise RuntimeError(f"{name}: tensors on mps and on the CPU")
        found = function(*args, **kwargs)
        return self._marked(found) if here else found

    def _moved(self, function: Callable, name: str, args: tuple, kwargs: dict) -> Any:
        tensor, *rest = args
        devices = [each for each in (*rest, kwargs.get("device")) if isinstance(each, torch.device)]
        rest = [CPU if isinstance(each, torch.device) else each for each in rest]
        if "device" in kwargs:
            kwargs["device"] = CPU
        was_here = isinstance(tensor, _OnMps)
        stays = was_here and name == "to" and not devices
        found = function(tensor.as_subclass(Tensor), *rest, **kwargs)
        if stays or MPS in devices:
            return self._marked(found if stays else found.clone())
        return found.clone() if was_here else found

    def _marked(self, found: Any) -> Any:
        def mark(each: Any) -> Any:
            if not isinstance(each, Tensor):
                return each
            if each.dtype == torch.float64:
                raise TypeError("mps has no float64")
            return each if isinstance(each, _OnMps) else each.as_subclass(_OnMps)

        return tree_map(mark, found)


@contextmanager
def apples_gpu() -> Iterator[torch.device]:
    """The stand-in's device, meanwhile."""
    with _Mps():
        yield MPS
