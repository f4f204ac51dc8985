"""Networks: a backbone and a head of fully connected layers, five without biases in the paper."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..common.errors import UserError
from ..common.seeding import global_generator
from .activations.activation import Activation


@dataclass(frozen=True)
class Architecture:
    """What a network is, but for its data and its weights; by default as in Appendix D.

    model : its name; that of "mlp" says that the head begins at the pixels (D18)
    width, gain : of the head's hidden layers
    backbone : (channels, height, width) to a module that maps (n, channels, height, width) images
        to (n, features)
    activation : of the head's hidden layers
    hidden_layers : how many the head has
    biases : whether they and the readout have biases
    """

    model: str
    width: int
    gain: float
    backbone: Callable[[int, int, int], nn.Module]
    activation: Activation
    hidden_layers: int = 5
    biases: bool = False


class Network(nn.Module):
    """A backbone, L hidden layers sigma(W_l x + b_l), and a linear readout.

    backbone : maps (n, d) rows of pixels to (n, d_1) features
    hidden : W_1 ... W_L; readout : W_{L+1}, to K outputs; each with its b_l, if there are biases
    activation : sigma, and its derivative
    """

    def __init__(
        self,
        backbone: nn.Module,
        features: int,
        width: int,
        classes: int,
        activation: Activation,
        hidden_layers: int = 5,
        biases: bool = False,
    ):
        super().__init__()
        widths = [features] + [width] * hidden_layers
        self.backbone = backbone
        self.hidden = nn.ModuleList(
            nn.Linear(fan_in, fan_out, bias=biases) for fan_in, fan_out in pairwise(widths)
        )
        self.readout = nn.Linear(width, classes, bias=biases)
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
    PyTorch's default for linear layers (D18). So do the readout and all biases.

    Raises
    ------
    UserError : on a backbone that fails, or does not map images to features; the message names it.
    """
    with global_generator(seed, "initialisation"):
        images_to_features, features = _tried(architecture, image_shape)
        backbone = nn.Sequential(nn.Unflatten(1, image_shape), images_to_features)
        network = Network(
            backbone,
            features,
            architecture.width,
            classes,
            architecture.activation,
            architecture.hidden_layers,
            architecture.biases,
        )
        scaled = network.hidden if architecture.model == "mlp" else network.hidden[1:]
        for layer in scaled:
            nn.init.xavier_uniform_(layer.weight, gain=architecture.gain)
    return network


def _tried(architecture: Architecture, image_shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
    """A backbone, and how many features it makes of an image: tried on two, before any work.

    They are tried in evaluation mode, which leaves a backbone's statistics alone.
    """
    what = f"the backbone of model {architecture.model!r}"
    images = " x ".join(map(str, image_shape))
    try:
        backbone = architecture.backbone(*image_shape)
    except Exception as error:
        raise UserError(
            f"{what}, called with channels, height and width {image_shape}, failed: "
            f"{_reason(error)}"
        ) from error
    if not isinstance(backbone, nn.Module):
        raise UserError(
            f"{what} returns a {type(backbone).__name__}; it must return a torch.nn.Module, that "
            "maps images to features"
        )
    try:
        with torch.no_grad():
            features = backbone.eval()(torch.zeros(2, *image_shape))
    except Exception as error:
        raise UserError(f"{what} cannot map images of {images}: {_reason(error)}") from error
    backbone.train()
    found = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
    if not isinstance(features, Tensor) or features.dim() != 2 or len(features) != 2:
        raise UserError(f"{what} maps two images of {images} to {found}; it must be (2, features)")
    if not features.is_floating_point() or not features.shape[1]:
        raise UserError(f"{what} makes {found} of type {features.dtype}; these are no features")
    return backbone, features.shape[1]


def _reason(error: Exception) -> str:
    """What went wrong, and where in the code outside of installed packages."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename][1:]
    place = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{place}"


def expect_batches(network: nn.Module, n: int, batch_size: int) -> None:
    """Raise UserError where a batch of a single point would come to a batch normalisation."""
    single = batch_size == 1 or n % batch_size == 1
    if single and any(isinstance(module, _BatchNorm) for module in network.modules()):
        raise UserError(
            f"{n} points in batches of {batch_size} leave one of a single point, which batch "
            "normalisation cannot be trained on; change n or batch_size"
        )
