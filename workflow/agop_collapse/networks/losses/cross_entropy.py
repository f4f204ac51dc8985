"""Cross-entropy of the softmax over outputs, in nats; log K at outputs that are all the same."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from .loss import Loss


def _value(outputs: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(outputs, targets.argmax(dim=1))


loss = Loss(_value, fitted_below=0.05)
