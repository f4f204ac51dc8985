"""The paper's Deep RFM and MLP: settings that tests and benchmarks change what they need of."""

import dataclasses

from agop_collapse.machine.deep_rfm import Settings
from agop_collapse.machine.kernels import gaussian, laplace, linear, matern32, matern52, relu_ntk
from agop_collapse.networks.activations import relu
from agop_collapse.networks.activations.activation import Activation
from agop_collapse.networks.architecture import Architecture
from agop_collapse.networks.backbones import mlp as no_backbone

KERNELS = {
    "laplace": laplace.kernel,
    "gaussian": gaussian.kernel,
    "matern32": matern32.kernel,
    "matern52": matern52.kernel,
}
DOT_PRODUCT = {"linear": linear.kernel, "relu_ntk": relu_ntk.kernel}

PAPER = Settings(
    kernel=laplace.kernel,
    feature_map="relu",
    projection="agop",
    depth=20,
    bandwidth=2.0,
    ridge=0.0,
    iterations=1,
    agop_norm="max",
    agop_share=1.0,
    width=1024,
    weight_dist="uniform",
    feature_bias=0.0,
    n_features=4096,
    gamma=0.05,
    precision="float64",
    block_rows=4096,
)


def settings(kernel: str = "laplace", **changes) -> Settings:
    """The paper's, but for some; kernels by name."""
    return dataclasses.replace(PAPER, kernel=(KERNELS | DOT_PRODUCT)[kernel], **changes)


def mlp(width: int, gain: float, activation: Activation = relu.activation) -> Architecture:
    """The paper's MLP."""
    return Architecture("mlp", width, gain, no_backbone.backbone, activation)
