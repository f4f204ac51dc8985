"""A step of fixed shape on a GPU, captured once as a CUDA graph and replayed."""

from collections.abc import Callable

import torch
from torch import Tensor

# Steps before the capture, in which libraries set themselves up (PyTorch's number).
WARM_UP = 3


class CapturedStep:
    """A step over a batch, launched as one: small kernels run in less time than they are launched.

    The first steps run as they are, and the capture itself runs nothing, so there is no state to
    put back after either. From then on the step is replayed: the same kernels on the same
    addresses, and no Python.

    Parameters
    ----------
    step : takes a tensor of indices of points. It changes tensors in place, the same at each call,
        and reads none of their values
    size : of the batches to replay; those of other sizes run as they are, always
    device : a GPU
    """

    def __init__(self, step: Callable[[Tensor], None], size: int, device: torch.device):
        self._step = step
        self._batch = torch.zeros(size, dtype=torch.int64, device=device)
        # Capturing on the stream of the warm-up finds the libraries' handles ready.
        self._stream = torch.cuda.Stream(device)
        self._warm_ups = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, batch: Tensor) -> None:
        """Take the step over a batch of indices, (size,) or fewer."""
        if batch.shape != self._batch.shape:
            self._step(batch)
            return
        self._batch.copy_(batch)
        if self._warm_ups < WARM_UP:
            self._warm_up()
            return
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=self._stream):
                self._step(self._batch)
        self._graph.replay()

    def _warm_up(self) -> None:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            self._step(self._batch)
        torch.cuda.current_stream().wait_stream(self._stream)
        self._warm_ups += 1
