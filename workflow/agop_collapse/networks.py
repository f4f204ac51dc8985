"""Networks with a head of fully connected ReLU layers without biases (Appendix D)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .seeding import derive_seed

MODELS = ("mlp",)
HIDDEN_LAYERS = 5


@dataclass(frozen=True)
class Architecture:
    """A model by name, the width of its hidden layers, and the gain of their initialisation."""

    model: str
    width: int
    gain: float


class Network(nn.Module):
    """A backbone, five hidden layers relu(W_l x), and a linear readout; no biases in the head.

    backbone : maps (n, d) rows of pixels to (n, d_1) features
    hidden : W_1 ... W_5; readout : W_6, to K outputs
    """

    def __init__(self, backbone: nn.Module, features: int, width: int, classes: int):
        super().__init__()
        widths = [features] + [width] * HIDDEN_LAYERS
        self.backbone = backbone
        self.hidden = nn.ModuleList(
            nn.Linear(fan_in, fan_out, bias=False)
            for fan_in, fan_out in zip(widths, widths[1:], strict=False)
        )
        self.readout = nn.Linear(width, classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, d) rows of pixels to (n, K) outputs."""
        x = self.backbone(x)
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.readout(x)


def build(
    architecture: Architecture, image_shape: tuple[int, int, int], classes: int, seed: int
) -> Network:
    """A network at its initialisation, on the CPU in float32.

    Hidden layers are Xavier-uniform with the given gain (D18: all five of an MLP); the readout keeps
    PyTorch's default for linear layers. The draws depend on `seed` alone.

    Raises
    ------
    ValueError : on an unknown model.
    """
    if architecture.model not in MODELS:
        raise ValueError(f"unknown model {architecture.model!r}; known: {', '.join(MODELS)}")
    channels, height, width = image_shape
    with _seeded(seed):
        network = Network(nn.Identity(), channels * height * width, architecture.width, classes)
        for layer in network.hidden:
            nn.init.xavier_uniform_(layer.weight, gain=architecture.gain)
    return network


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    # Torch's layers draw their first weights from the global generator only.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "initialisation"))
        yield
