"""A loss, and where it says that a network has fitted its points."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Loss:
    """A loss of outputs and targets.

    value : ((n, K) outputs, (n, K) targets of +1 at the class and -1 elsewhere, of one dtype) to
        the mean loss over the n points, a scalar tensor; by tensor operations alone, since a GPU
        replays them
    fitted_below : nothing is read off a network whose final loss on its training points is above it
    """

    value: Callable[[Tensor, Tensor], Tensor]
    fitted_below: float

    def is_fitted(self, train_loss: float) -> bool:
        """Whether a network of this loss on its training points has fitted them."""
        return train_loss <= self.fitted_below
