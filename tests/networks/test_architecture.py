"""Networks: shapes, and the laws of their first weights."""

import dataclasses
import math
import sys

import oracle
import papers
import pytest
import scipy.stats
import torch
import torchvision
from agop_collapse.common.errors import UserError
from agop_collapse.common.lookup import find_object
from agop_collapse.common.seeding import global_generator
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.activations import linear, relu
from agop_collapse.networks.activations.activation import Activation
from agop_collapse.networks.architecture import Architecture
from agop_collapse.networks.backbones import resnet18, vgg11
from clouds import cloud

IMAGE = (3, 8, 8)
IMAGE_32 = (3, 32, 32)
BACKBONES = {"resnet18": resnet18.backbone, "vgg11": vgg11.backbone}


def mlp(width: int = 256, gain: float = 0.3, seed: int = 0, image=IMAGE, classes: int = 10):
    return networks.build(papers.mlp(width, gain), image, classes, seed)


def behind(model: str, width: int, gain: float, image, classes: int = 10) -> networks.Network:
    architecture = Architecture(model, width, gain, BACKBONES[model], relu.activation)
    return networks.build(architecture, image, classes, 0)


def weights_of(network: networks.Network) -> list[torch.Tensor]:
    return [layer.weight.detach() for layer in (*network.hidden, network.readout)]


def p_value(weight: torch.Tensor, bound: float) -> float:
    draws = weight.flatten().double().numpy()
    return scipy.stats.kstest(draws, scipy.stats.uniform(-bound, 2 * bound).cdf).pvalue


@pytest.mark.parametrize(("image", "width", "classes"), [((1, 8, 8), 17, 10), (IMAGE, 5, 2)])
def test_an_mlp_is_five_hidden_layers_and_a_readout_without_biases(image, width, classes):
    network = mlp(width, image=image, classes=classes)
    d = math.prod(image)
    shapes = [(width, d), *[(width, width)] * 4, (classes, width)]
    assert [tuple(weight.shape) for weight in weights_of(network)] == shapes
    assert all(layer.bias is None for layer in (*network.hidden, network.readout))
    parameters = d * width + 4 * width**2 + width * classes
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        (relu.activation, torch.relu),
        (linear.activation, lambda x: x),
        (Activation(torch.tanh, lambda x: 1 - torch.tanh(x) ** 2), torch.tanh),
    ],
    ids=["relu", "linear", "tanh"],
)
def test_forward_is_its_formula(activation, function):
    network = networks.build(papers.mlp(7, 1.0, activation), IMAGE, 10, 0).double()
    x = cloud(0, [9], math.prod(IMAGE)).x
    before = x.clone()
    expected = oracle.forward(weights_of(network), x, function)
    torch.testing.assert_close(network(x), expected)
    assert expected.abs().max() > 0.01
    assert torch.equal(x, before)  # though an activation may overwrite what it is given


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("hidden_layers", [1, 3])
def test_as_many_hidden_layers_as_wanted_with_biases_or_without(hidden_layers, biases):
    wanted = dataclasses.replace(papers.mlp(7, 1.0), hidden_layers=hidden_layers, biases=biases)
    network = networks.build(wanted, IMAGE, 10, 0).double()
    assert len(network.hidden) == hidden_layers
    x = points = cloud(0, [9], math.prod(IMAGE)).x
    layers = [*network.hidden, network.readout]
    for layer in layers:
        assert (layer.bias is not None) is biases
        points = points @ layer.weight.T + (layer.bias if biases else 0)
        if layer is not network.readout:
            points = points.clamp(min=0)
    torch.testing.assert_close(network(x), points)
    if biases:
        for layer in layers:
            bound = 1 / math.sqrt(layer.in_features)
            assert 0 < layer.bias.abs().max() <= bound


@pytest.mark.parametrize("gain", [0.2, 1.0])
def test_hidden_layers_are_xavier_uniform(gain):
    for layer, weight in enumerate(weights_of(mlp(gain=gain))[:5]):
        fan_out, fan_in = weight.shape
        assert (fan_in, fan_out) == ((192 if layer == 0 else 256), 256)
        bound = gain * math.sqrt(6 / (fan_in + fan_out))
        assert weight.abs().max() <= bound * (1 + 1e-6)
        assert weight.abs().max() > 0.999 * bound
        assert p_value(weight, bound) > 1e-3
        assert p_value(weight, 1.05 * bound) < 1e-3
        variance = gain**2 * 2 / (fan_in + fan_out)
        assert float(weight.var()) == pytest.approx(variance, rel=0.02)


@pytest.mark.parametrize("gain", [0.2, 1.0])
def test_the_readout_keeps_the_default(gain):
    readout = weights_of(mlp(1024, gain))[5]
    assert readout.abs().max() <= 1 / 32
    assert p_value(readout, 1 / 32) > 1e-3
    assert p_value(readout, 1.1 / 32) < 1e-3


def test_seeds_decide_and_the_global_generator_does_not():
    state = torch.get_rng_state()
    one = weights_of(mlp(8, seed=1))
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(1)
    same, other = weights_of(mlp(8, seed=1)), weights_of(mlp(8, seed=2))
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))


# --- behind a backbone ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "features", "first", "parameters"),
    [
        # torchvision's 11,689,512 less the classifier's 513,000, and one channel for three.
        ("resnet18", 512, (64, 1, 7, 7), 11_689_512 - 513_000 - 2 * 64 * 49),
        # 3 x 3 convolutions to 64, 128, 256, 256, 512, 512 channels, biases in all but the first.
        ("vgg11", 8192, (64, 1, 3, 3), 9 * 64 * (1 + 128 + 512 + 1024 + 2048 + 4096) + 1664),
    ],
)
@pytest.mark.parametrize("side", [28, 32])
def test_convolutional_backbones(model, features, first, parameters, side):
    network = behind(model, 16, 0.2, (1, side, side))
    assert sum(p.numel() for p in network.backbone.parameters()) == parameters
    convolution = next(m for m in network.modules() if isinstance(m, torch.nn.Conv2d))
    assert tuple(convolution.weight.shape) == first
    assert convolution.bias is None
    assert network.training
    network.eval()
    assert network.backbone(torch.rand(2, side**2)).shape == (2, features)
    assert network(torch.rand(2, side**2)).shape == (2, 10)

    # Its first layer keeps the default, the others have the gain.
    weights = weights_of(network)
    bounds = [1 / math.sqrt(features)] + [0.2 * math.sqrt(6 / 32)] * 4
    for weight, bound in zip(weights, bounds, strict=False):
        assert 0.95 * bound < weight.abs().max() <= bound * (1 + 1e-6)
        assert p_value(weight, bound) > 1e-3


def test_resnet18s_features_are_torchvisions():
    network = behind("resnet18", 4, 1.0, IMAGE_32).eval()
    reference = torchvision.models.resnet18().eval()
    reference.fc = torch.nn.Identity()
    reference.load_state_dict(network.backbone[1].state_dict())
    x = cloud(2, [3], math.prod(IMAGE_32)).x.float()
    torch.testing.assert_close(network.backbone(x), reference(x.reshape(3, *IMAGE_32)))


def test_vgg11s_features_end_at_the_relu_before_torchvisions_last_two_poolings():
    network = behind("vgg11", 4, 1.0, IMAGE_32).eval()
    layers = torchvision.models.vgg11().features
    poolings = [i for i, layer in enumerate(layers) if isinstance(layer, torch.nn.MaxPool2d)]
    reference = layers[: poolings[-2]]
    assert isinstance(reference[-1], torch.nn.ReLU)
    no_bias = {"0.bias": torch.zeros(64)}
    reference.load_state_dict(network.backbone[1].state_dict() | no_bias)
    x = cloud(2, [3], math.prod(IMAGE_32)).x.float()
    expected = reference(x.reshape(3, *IMAGE_32)).flatten(1)
    torch.testing.assert_close(network.backbone(x), expected)


@pytest.mark.parametrize(("model", "count"), [("resnet18", 20), ("vgg11", 6)])
def test_convolutions_begin_as_torchvisions_and_the_first_as_pytorchs(model, count):
    network = behind(model, 4, 0.2, IMAGE_32)
    first, *others = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(others) == count - 1
    fan_in = math.prod(first.weight.shape[1:])
    assert p_value(first.weight.detach(), 1 / math.sqrt(fan_in)) > 1e-3
    for layer in others:
        weight = layer.weight.detach()
        sd = math.sqrt(2 / (len(weight) * weight[0, 0].numel()))  # Kaiming's, by the fan-out
        assert float(weight.std()) == pytest.approx(sd, rel=0.02)
        draws = weight.flatten()[:10_000].double().numpy()
        assert scipy.stats.kstest(draws, scipy.stats.norm(scale=sd).cdf).pvalue > 1e-4
        assert layer.bias is None or not layer.bias.any()


def test_batch_norm_counts_no_image_before_training():
    network = behind("resnet18", 4, 1.0, (1, 28, 28), 2)
    statistics = {k: v for k, v in network.state_dict().items() if "running" in k or "num_b" in k}
    assert len(statistics) == 60
    assert all((v == (1 if "running_var" in k else 0)).all() for k, v in statistics.items())


# --- a backbone of the user's own -------------------------------------------------------------


# Backbones that are no function of the images: they change them, draw, or count.
KEEP_SOMETHING = """
import random
import torch
from torch import nn

def backbone_of(forward):
    class Own(nn.Module):
        calls = 0
        def forward(self, x):
            self.calls += 1
            return forward(self, x)
    return lambda c, h, w: Own()

def centre(self, x):
    x -= 0.5
    return x.flatten(1)

centres = backbone_of(centre)
rectifies = lambda c, h, w: nn.Sequential(nn.ReLU(inplace=True), nn.Flatten())
scales = backbone_of(lambda self, x: x.flatten(1).mul_(0.5))
copies = backbone_of(lambda self, x: x.flatten(1).clone().mul_(0.5))
drops = backbone_of(lambda self, x: nn.functional.dropout(x.flatten(1), 0.5, training=True))
drops_in_training = lambda c, h, w: nn.Sequential(nn.Flatten(), nn.Dropout(0.5))
draws = backbone_of(lambda self, x: x.flatten(1) * (1 + random.random()))
counts = backbone_of(lambda self, x: x.flatten(1) * self.calls)
narrows = backbone_of(lambda self, x: x.flatten(1)[:, self.calls :])
double = backbone_of(lambda self, x: x.flatten(1).double())
half = backbone_of(lambda self, x: x.flatten(1).half())
not_a_number = backbone_of(lambda self, x: x.flatten(1).sqrt())
"""


@pytest.fixture
def own_backbone(tmp_path, monkeypatch):
    """Function that builds a network on one of a user's own backbones, by its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    (tmp_path / "own_nets.py").write_text(
        "from torch import nn\n"
        "def wide(c, h, w):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(c * h * w, 20), nn.BatchNorm1d(20))\n"
        "def flat(c, h, w):\n"
        "    return nn.Conv2d(c, 2, 1)\n"
        "class Fewer(nn.Flatten):\n"
        "    def forward(self, x):\n"
        "        return super().forward(x)[:1]\n"
        "def fewer(c, h, w):\n"
        "    return Fewer()\n"
        "def two_arguments(c, h):\n"
        "    return nn.Flatten()\n"
        "def raises(c, h, w):\n"
        "    return {}[h]\n"
        "def function(c, h, w):\n"
        "    return lambda x: x.flatten(1)\n"
        "def nothing(c, h, w):\n"
        "    return None\n"
        "def other_size(c, h, w):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(3, 2))\n"
        "class Pair(nn.Flatten):\n"
        "    def forward(self, x):\n"
        "        return super().forward(x), x\n"
        "def pair(c, h, w):\n"
        "    return Pair()\n"
        "def classes(c, h, w):\n"
        "    return nn.Sequential(nn.Flatten(), Argmax())\n"
        "class Argmax(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x.argsort(1)\n"
    )
    (tmp_path / "own_nets_that_keep_something.py").write_text(KEEP_SOMETHING)

    def build(name: str, seed: int = 0, file: str = "own_nets") -> networks.Network:
        backbone = find_object(f"{file}:{name}")
        architecture = Architecture("mine", 6, 1.0, backbone, relu.activation)
        return networks.build(architecture, (3, 4, 5), 3, seed)

    yield build
    sys.modules.pop("own_nets", None)
    sys.modules.pop("own_nets_that_keep_something", None)


def test_own_backbone(own_backbone):
    network = own_backbone("wide")
    assert tuple(network.hidden[0].weight.shape) == (6, 20)
    x = cloud(1, [7], 60).x.float()
    assert network(x).shape == (7, 3)
    again = own_backbone("wide")
    assert torch.equal(network.backbone[1][1].weight, again.backbone[1][1].weight)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("flat", r"maps two images of 3 x 4 x 5 to \(2, 2, 4, 5\); it must be \(2, features\)"),
        ("fewer", r"maps two images of 3 x 4 x 5 to \(1, 60\); it must be \(2, features\)"),
        ("pair", r"maps two images of 3 x 4 x 5 to tuple; it must be \(2, features\)"),
        (
            "two_arguments",
            r"called with channels, height and width \(3, 4, 5\), failed: TypeError: ",
        ),
        ("raises", r".*, failed: KeyError: 4 \(.*own_nets.py, line 14\)"),
        ("function", "returns a function; it must return a torch.nn.Module"),
        ("nothing", "returns a NoneType; it must return a torch.nn.Module"),
        ("other_size", "cannot map images of 3 x 4 x 5: RuntimeError: mat1 and mat2 shapes"),
        ("classes", r"makes \(2, 60\) of type torch.int64; these are no features"),
    ],
)
def test_a_backbone_that_does_not_fit(own_backbone, name, complaint):
    with pytest.raises(UserError, match=f"the backbone of model 'mine',? ?{complaint}"):
        own_backbone(name)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("centres", "changes the images that it is given"),
        ("rectifies", "changes the images that it is given"),
        ("scales", "changes the images that it is given"),
        ("drops", "makes other features of the same images at each call in evaluation mode"),
        ("draws", "makes other features of the same images at each call in evaluation mode"),
        ("counts", "makes other features of the same images at each call in evaluation mode"),
        ("narrows", "makes other features of the same images at each call in evaluation mode"),
        ("double", "makes features of type torch.float64, not torch.float32"),
        ("half", "makes features of type torch.float16, not torch.float32"),
    ],
)
def test_a_backbone_that_is_no_function_of_images_to_features(own_backbone, name, complaint):
    with pytest.raises(UserError, match=f"the backbone of model 'mine' {complaint}"):
        own_backbone(name, file="own_nets_that_keep_something")


@pytest.mark.parametrize("name", ["copies", "drops_in_training", "not_a_number"])
def test_a_backbone_may_change_its_own_and_draw_in_training(own_backbone, name):
    network = own_backbone(name, file="own_nets_that_keep_something")
    assert network.training


def test_trying_a_backbone_draws_nothing_from_the_seed(own_backbone):
    with global_generator(0, "initialisation"):
        expected = torch.nn.Linear(60, 20).weight
    assert torch.equal(own_backbone("wide").backbone[1][1].weight, expected)
    hidden = own_backbone("copies", file="own_nets_that_keep_something").hidden[0].weight
    with global_generator(0, "initialisation"):
        assert torch.equal(hidden, torch.nn.Linear(60, 6).weight)


def test_a_network_for_larger_images():
    with pytest.raises(UserError, match="model 'vgg11' cannot map images of 1 x 4 x 4: Runtime"):
        behind("vgg11", 4, 1.0, (1, 4, 4))


@pytest.mark.parametrize(
    ("n", "batch_size", "fits"), [(9, 4, False), (10, 4, True), (8, 4, True), (5, 1, False)]
)
def test_batch_normalisation_needs_two_points(own_backbone, n, batch_size, fits):
    network = own_backbone("wide")
    if fits:
        networks.expect_batches(network, n, batch_size)
    else:
        with pytest.raises(UserError, match=f"{n} points in batches of {batch_size} leave one"):
            networks.expect_batches(network, n, batch_size)
    networks.expect_batches(mlp(), n, batch_size)
