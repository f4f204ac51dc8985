"""Batch normalisation before training: the data's statistics, where there are none yet."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

AT_A_TIME = 512


def at_epoch(epoch: int, network: nn.Module, x: Tensor) -> AbstractContextManager[None]:
    """`of_the_data` at epoch 0; behind it a network has statistics of its own."""
    return of_the_data(network, x) if epoch == 0 else nullcontext()


@contextmanager
def of_the_data(network: nn.Module, x: Tensor) -> Iterator[None]:
    """Give an untrained network's batch normalisations the statistics of some points meanwhile.

    Before training theirs are 0 and 1, with which the network in evaluation mode is none that ever
    trains. Here they are the means, over batches, of what each sees as all points pass once. The
    network is in evaluation mode meanwhile; afterwards its statistics are what they were.

    Parameters
    ----------
    network : maybe without any batch normalisation; on the device of x
    x : (n, d) points, n >= 2
    """
    network.eval()
    normalisations = [
        module
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
    before = [
        (module.momentum, [buffer.clone() for buffer in module.buffers()])
        for module in normalisations
    ]
    try:
        for module in normalisations:
            module.reset_running_stats()
            module.momentum = None  # a plain mean over batches
            module.train()
        if normalisations:
            with torch.no_grad():
                for part in torch.tensor_split(x, math.ceil(len(x) / AT_A_TIME)):
                    network(part)
            network.eval()
        yield
    finally:
        for module, (momentum, buffers) in zip(normalisations, before, strict=True):
            module.momentum = momentum
            for buffer, value in zip(module.buffers(), buffers, strict=True):
                buffer.copy_(value)
