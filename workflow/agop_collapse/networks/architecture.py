"""Networks: a backbone and a head of fully connected layers, five without biases in the paper."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..common.errors import UserError
from ..common.seeding import global_generator
from .activations.activation import Activation
from .trial import call, try_module


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
        what = f"the backbone of model {architecture.model!r}"
        given = f"channels, height and width {image_shape}"
        images_to_features = call(what, given, architecture.backbone, *image_shape)
        features = try_module(what, images_to_features, image_shape, "features")
        backbone = nn.Sequential(nn.Unflatten(1, image_shape), images_to_features)
        network = Network(
            backbone,
            features.shape[1],
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


def expect_batches(network: nn.Module, n: int, batch_size: int) -> None:
    """Raise UserError where a batch of a single point would come to a batch normalisation."""
    single = batch_size == 1 or n % batch_size == 1
    if single and any(isinstance(module, _BatchNorm) for module in network.modules()):
        raise UserError(
            f"{n} points in batches of {batch_size} leave one of a single point, which batch "
            "normalisation cannot be trained on; change n or batch_size"
        )
