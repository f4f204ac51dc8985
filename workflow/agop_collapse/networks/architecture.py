"""Networks: a backbone and a head of five fully connected layers, no biases (Appendix D)."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..common.errors import UserError
from ..common.seeding import global_generator
from .activations.activation import Activation

HIDDEN_LAYERS = 5


@dataclass(frozen=True)
class Architecture:
    """A network's name, the width and the gain of its head, its backbone and its activation.

    model : its name; that of "mlp" says that the head begins at the pixels (D18)
    backbone : (channels, height, width) to a module that maps (n, channels, height, width) images
        to (n, features)
    activation : of the head's hidden layers
    """

    model: str
    width: int
    gain: float
    backbone: Callable[[int, int, int], nn.Module]
    activation: Activation


class Network(nn.Module):
    """A backbone, five hidden layers sigma(W_l x), and a linear readout; no biases in the head.

    backbone : maps (n, d) rows of pixels to (n, d_1) features
    hidden : W_1 ... W_5; readout : W_6, to K outputs
    activation : sigma, and its derivative
    """

    def __init__(
        self,
        backbone: nn.Module,
        features: int,
        width: int,
        classes: int,
        activation: Activation,
    ):
        super().__init__()
        widths = [features] + [width] * HIDDEN_LAYERS
        self.backbone = backbone
        self.hidden = nn.ModuleList(
            nn.Linear(fan_in, fan_out, bias=False) for fan_in, fan_out in pairwise(widths)
        )
        self.readout = nn.Linear(width, classes, bias=False)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """(n, d) rows of pixels to (n, K) outputs."""
        x = self.backbone(x)
        for layer in self.hidden:
            x = self.activation.function(layer(x))
        return self.readout(x)


def build(
    architecture: Architecture, image_shape: tuple[int, int, int], classes: int, seed: int
) -> Network:
    """A network at its initialisation, on the CPU in float32, drawn by `seed` alone.

    Hidden layers are Xavier-uniform with the given gain; behind a backbone the first of them keeps
    PyTorch's default for linear layers (D18). So does the readout.

    Raises
    ------
    UserError : on a backbone that does not fit.
    """
    with global_generator(seed, "initialisation"):
        images_to_features = architecture.backbone(*image_shape)
        features = _count_features(images_to_features, image_shape, architecture)
        backbone = nn.Sequential(nn.Unflatten(1, image_shape), images_to_features)
        network = Network(backbone, features, architecture.width, classes, architecture.activation)
        scaled = network.hidden if architecture.model == "mlp" else network.hidden[1:]
        for layer in scaled:
            nn.init.xavier_uniform_(layer.weight, gain=architecture.gain)
    return network


def _count_features(
    backbone: nn.Module, image_shape: tuple[int, int, int], architecture: Architecture
) -> int:
    """Features that a backbone makes of one image; evaluation mode leaves its statistics alone."""
    with torch.no_grad():
        features = backbone.eval()(torch.zeros(1, *image_shape))
    backbone.train()
    if features.dim() != 2:
        raise UserError(
            f"the backbone of model {architecture.model!r} maps one image to shape "
            f"{tuple(features.shape)}; it must be (1, features)"
        )
    return features.shape[1]
