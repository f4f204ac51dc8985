"""The points of a network's layers, before and after the activation."""

from collections.abc import Iterator

import torch
from torch import Tensor

from .architecture import Network
from .training import EVALUATION_BATCH


@torch.no_grad()
def layer_points(
    network: Network, x: Tensor, at_a_time: int = EVALUATION_BATCH
) -> Iterator[dict[str, Tensor]]:
    """The points of each layer, in evaluation mode, from what the head begins at to the outputs.

    Parameters
    ----------
    network : on the device of x
    x : (n, d) rows of pixels
    at_a_time : points that go through the backbone together

    Yields
    ------
    By name, of layer 0 `activation`, the (n, d_1) features before the head; of hidden layers
    1 ... H `preactivation`, W x + b, and `activation`, both (n, width); of layer H + 1
    `preactivation`, the (n, K) outputs.
    """
    network.eval()
    points = torch.cat([network.backbone(part) for part in x.split(at_a_time)])
    yield {"activation": points}
    for layer in network.hidden:
        before = layer(points)
        points = network.activation.function(before.clone())  # which may overwrite what it is given
        yield {"preactivation": before, "activation": points}
    yield {"preactivation": network.readout(points)}
