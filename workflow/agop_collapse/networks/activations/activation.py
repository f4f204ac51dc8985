"""An activation: a function of each entry, and its derivative."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Activation:
    """A function of each entry, and its derivative, which the AGOP is made of.

    function : pre-activations to activations of the same shape and dtype; it may overwrite what it
        is given, which nothing else needs
    derivative : pre-activations, left as they are, to the derivative there, of the same shape and
        dtype; or bool where it is only 0 or 1, for memory's sake
    """

    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]
