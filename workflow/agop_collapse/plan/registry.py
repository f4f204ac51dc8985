"""What a configuration may name, kernels, networks, losses and so on; and where its code lies.

An entry here holds what planning and readers of figures need; its code is one file of the library,
found by its place, so that a new entry changes nothing that is there, and a changed one derives
again only the runs that name it.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One thing that a configuration may name.

    label : what figures call it
    place : "module:object" of its code; empty where the code is no file of its own
    description : what it is, for the schema and the documentation
    batch_norm : of a network, whether it cannot be trained on a batch of a single point
    """

    label: str
    place: str
    description: str
    batch_norm: bool = False


def _kernel(label: str, module: str, description: str) -> Entry:
    return Entry(label, f"agop_collapse.machine.kernels.{module}:kernel", description)


KERNELS = {
    "laplace": _kernel("Laplace", "laplace", "exp(-D/L)"),
    "gaussian": _kernel("Gaussian", "gaussian", "exp(-D^2/(2 L^2))"),
    "matern32": _kernel("Matérn 3/2", "matern32", "(1 + sqrt(3) D/L) exp(-sqrt(3) D/L)"),
    "matern52": _kernel(
        "Matérn 5/2", "matern52", "(1 + sqrt(5) D/L + 5 D^2/(3 L^2)) exp(-sqrt(5) D/L)"
    ),
    "linear": _kernel("linear", "linear", "<x, z>, which needs a ridge for n above d"),
    "relu_ntk": _kernel(
        "ReLU tangent", "relu_ntk", "the tangent kernel of a ReLU network of one hidden layer"
    ),
}

# Those of them that have no bandwidth, of the dot product of two points instead of their distance.
DOT_PRODUCT = ("linear", "relu_ntk")

FEATURE_MAPS = {
    "relu": Entry("ReLU", "", "ReLU features"),
    "cos": Entry("cos", "", "Fourier features of the l1-Laplacian kernel"),
    "linear": Entry("linear", "", "random projections, no ReLU"),
}

PROJECTIONS = {
    "agop": Entry("AGOP", "", "M^1/2"),
    "identity": Entry("$M = I$", "", "M = I, the ablation"),
}


def _backbone(label: str, module: str, description: str, batch_norm: bool = False) -> Entry:
    place = f"agop_collapse.networks.backbones.{module}:backbone"
    return Entry(label, place, description, batch_norm)


# Networks by what comes before the head that is measured.
MODELS = {
    "mlp": _backbone("MLP", "mlp", "the hidden layers alone"),
    "resnet18": _backbone(
        "ResNet18", "resnet18", "the layers behind torchvision's ResNet18 (D26)", batch_norm=True
    ),
    "vgg11": _backbone("VGG-11", "vgg11", "the layers behind torchvision's VGG-11 (D25)"),
}

ACTIVATIONS = {
    name: Entry(label, f"agop_collapse.networks.activations.{name}:activation", description)
    for name, label, description in (
        ("relu", "ReLU", "max(0, x)"),
        ("linear", "linear", "x, a linear network"),
        ("leaky_relu", "leaky ReLU", "x above 0, x / 100 below"),
        ("tanh", "tanh", "hyperbolic tangent"),
        ("gelu", "GELU", "x Phi(x) of the normal distribution's Phi"),
        ("silu", "SiLU", "x times the logistic function"),
    )
}

LOSSES = {
    name: Entry(label, f"agop_collapse.networks.losses.{name}:loss", description)
    for name, label, description in (
        ("mse", "mean squared error", "mean squared error of +-1 targets, the paper's"),
        ("cross_entropy", "cross-entropy", "cross-entropy of the softmax, in nats"),
    )
}

# What figures call data sets; any other name stays as it is.
DATASET_LABELS = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "cifar10": "CIFAR-10",
    "svhn": "SVHN",
}

# Something of the user's own, in a Python file in the working folder.
OWN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*")


def place_of(registry: dict[str, Entry], name: str) -> str:
    """Where the code of a name lies; one of the user's own, "module:object", is its own place.

    Of several names, with a space between them, the places likewise.
    """
    return " ".join(one if ":" in one else registry[one].place for one in name.split(" "))


def reader_of(kind: str) -> str:
    """Where the code that reads a kind of data set lies."""
    return f"agop_collapse.data.readers.{kind}:load"


def label_of(registry: dict[str, Entry], name: str) -> str:
    """What figures call a name; of the user's own, the object's name or that of the model.

    Of several names, layer by layer, what they call each.
    """
    return r" $\to$ ".join(
        registry[one].label if one in registry else one.rpartition(":")[2] for one in name.split()
    )
