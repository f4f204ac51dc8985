"""Layers of any network: table C of measures.md, the head's own sweep, and literal patches."""

import dataclasses
import math

import numpy as np
import oracle
import papers
import pytest
import torch
from agop_collapse.common.errors import UserError
from agop_collapse.metrics import ansatz, collapse, factored
from agop_collapse.metrics.any_network import MeasuredLayer, measure_layers
from agop_collapse.metrics.head import measure_head
from agop_collapse.metrics.layer import Layer
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.features import layer_points
from agop_collapse.networks.losses import cross_entropy, mse
from chains import COUNTS, TANH, chain, cosine, normal, pearson, power_of, targets
from clouds import cloud
from torch import Tensor, nn
from torch.nn import functional as F

LEAST_NAMES = ("weight", "gram", "mean_gram")


def square(layer: Layer) -> np.ndarray:
    return (layer.weight.T @ layer.weight).numpy()


def agop(layer: Layer) -> np.ndarray:
    return (layer.agop_factor.T @ layer.agop_factor).numpy()


def same_collapse(found, expected, rel: float) -> None:
    for name, value in dataclasses.asdict(expected).items():
        assert getattr(found, name) == pytest.approx(value, rel=rel, abs=rel), name


def network_of(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers).double()


# --- table C ----------------------------------------------------------------------------------


def table_c(inplace: bool) -> tuple[nn.Sequential, Tensor]:
    network = network_of(
        nn.Conv2d(2, 3, 3, stride=2, padding=1),
        nn.ReLU(inplace=inplace),
        nn.Flatten(),
        nn.Linear(27, 2, bias=False),
    )
    network[0].weight.data, network[0].bias.data = normal(1, 3, 2, 3, 3), normal(2, 3)
    network[3].weight.data = normal(3, 2, 27)
    return network, normal(0, 2, 2, 5, 5)


@pytest.mark.parametrize("inplace", [False, True])
def test_table_c(inplace):
    network, x = table_c(inplace)
    (measured,) = measure_layers(network, x, [1, 1], ["0"])
    assert (measured.name, measured.kind) == ("0", "conv2d")
    (layer,) = measured.groups
    found = agop(layer)
    assert np.trace(found) == pytest.approx(150.6948842, rel=1e-8)
    assert found[0, 0] == pytest.approx(2.638294925, rel=1e-8)
    half, one = factored.pairs_with_powers(layer.weight, layer.agop, [1 / 2, 1])
    assert one.pearson == pytest.approx(0.6000816240, rel=1e-8)
    assert half.pearson == pytest.approx(0.7468757725, rel=1e-8)
    assert one.cosine == pytest.approx(0.6007427814, rel=1e-8)


# --- against the sweep over a head --------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize(("d", "width"), [(4, 9), (15, 6)])
def test_layers_of_our_networks_are_those_of_the_head(dtype, close, d, width):
    network = networks.build(papers.mlp(width, 1.0), (1, 1, d), 3, 0).to(dtype)
    x = cloud(0, COUNTS, d).x.to(dtype)
    head = measure_head(network, x, COUNTS, at_a_time=4, loss=mse.loss)
    names = [f"hidden.{index}" for index in range(5)]
    found = measure_layers(network, x, COUNTS, names, at_a_time=3, loss=mse.loss)
    assert [one.name for one in found] == names
    with torch.no_grad():
        points = list(layer_points(network, x))
    for number, (expected, one) in enumerate(zip(head, found, strict=True)):
        (layer,) = one.groups
        assert one.kind == "linear"
        assert list(one.stages) == ["input", "right", "full"]
        stages = {
            "input": points[number]["activation"],
            "right": points[number + 1]["preactivation"],
            "full": points[number + 1]["activation"],
        }
        for stage, x_of_stage in stages.items():
            same_collapse(one.stages[stage], collapse.measure(x_of_stage, COUNTS), close)
        assert torch.equal(layer.weight, expected.weight)
        pairs = [(getattr(layer, name), getattr(expected, name)) for name in LEAST_NAMES]
        pairs.append(
            (layer.agop_factor.T @ layer.agop_factor, expected.agop_factor.T @ expected.agop_factor)
        )
        pairs += [
            (layer.loss.gram, expected.loss.gram),
            (layer.loss.by_weight, expected.loss.by_weight),
        ]
        for ours, theirs in pairs:
            assert ours.dtype == torch.float64
            assert float((ours - theirs).norm()) <= close * float(theirs.norm())
        assert ansatz.nfa(layer) == pytest.approx(ansatz.nfa(expected), abs=50 * close)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_readout_is_a_layer_too():
    """Its AGOP is W^T W itself: the Jacobian by its outputs is the identity."""
    network, x = chain([normal(0, 6, 4), normal(1, 3, 6)]), cloud(0, COUNTS, 4).x
    (readout,) = measure_layers(network, x, COUNTS, ["readout"])
    np.testing.assert_allclose(agop(readout.groups[0]), square(readout.groups[0]), atol=1e-12)
    assert ansatz.nfa_agop(readout.groups[0]) == pytest.approx(1)
    assert list(readout.stages) == ["input", "right"]


# --- against patches and autograd -------------------------------------------------------------


class LiteralConvolution:
    """One group of a convolution as a linear map of its unfolded patches, image by image.

    What comes after is run by a hook that puts the map of given patches in the place of the
    layer's own outputs.
    """

    def __init__(self, network: nn.Module, name: str, x: Tensor, counts, loss, group: int = 0):
        module = dict(network.named_modules())[name]
        inputs: list[Tensor] = []
        handle = module.register_forward_hook(lambda _, given, __: inputs.append(given[0].clone()))
        network(x)
        handle.remove()
        size = module.in_channels // module.groups
        outputs = module.out_channels // module.groups
        rows = slice(group * outputs, (group + 1) * outputs)
        self.weight = module.weight.detach()[rows].flatten(1)
        padding = module.padding
        jacobians, losses, by_weight, self.features = [], [], 0, inputs[0].flatten(1).detach()
        for image, label, own in zip(x, targets(counts), inputs[0], strict=True):
            channels = own[group * size : (group + 1) * size][None]
            patches = F.unfold(
                channels, module.kernel_size, module.dilation, padding, module.stride
            )[0].detach()  # (d, positions)

            def after(patches: Tensor, weight: Tensor, image: Tensor = image) -> Tensor:
                def replaced(_: nn.Module, __: tuple, z: Tensor) -> Tensor:
                    mine = weight @ patches
                    if module.bias is not None:
                        mine = mine + module.bias[rows, None]
                    mine = mine.reshape(1, outputs, *z.shape[2:])
                    return torch.cat([z[:, : rows.start], mine, z[:, rows.stop :]], dim=1)

                handle = module.register_forward_hook(replaced)
                try:
                    return network(image[None])[0]
                finally:
                    handle.remove()

            patches.requires_grad_()
            weight = self.weight.clone().requires_grad_()
            out = after(patches, weight)
            jacobians.append(
                torch.stack(
                    [torch.autograd.grad(value, patches, retain_graph=True)[0] for value in out]
                )
            )
            mean = loss.value(out[None], label[None])
            gradients = torch.autograd.grad(mean, [patches, weight])
            losses.append(gradients[0])
            by_weight = by_weight + gradients[1]
        # (images, outputs, positions, d), (images, positions, d)
        self.jacobians = torch.stack(jacobians).transpose(2, 3).detach().numpy()
        self.losses = torch.stack(losses).transpose(1, 2).numpy()
        self.by_weight = by_weight / len(x)

    def agop(self, centred: bool = False) -> np.ndarray:
        jacobians = self.jacobians - centred * self.jacobians.mean(axis=0)
        return oracle.agop(jacobians) / len(jacobians)

    def enfa(self) -> np.ndarray:
        return oracle.agop(self.losses) / len(self.losses)


def check(measured: MeasuredLayer, group: int, literal: LiteralConvolution) -> None:
    layer = measured.groups[group]
    torch.testing.assert_close(layer.weight, literal.weight)

    def close(found: np.ndarray, expected: np.ndarray) -> None:
        assert np.linalg.norm(expected) > 0
        assert np.linalg.norm(found - expected) < 1e-10 * np.linalg.norm(expected)

    close(agop(layer), literal.agop())
    centred = layer.agop_centred.factor(1)
    close((centred.T @ centred).numpy(), literal.agop(centred=True))
    close((layer.weight.T @ layer.loss.gram @ layer.weight).numpy(), literal.enfa())
    close(layer.loss.by_weight.numpy(), literal.by_weight.numpy())
    n, root = square(layer), power_of(literal.agop(), 0.5)
    assert ansatz.nfa(layer) == pytest.approx(pearson(n, root), abs=1e-6)
    one = next(one for one in ansatz.variants(layer) if one.power == "one")
    assert one.cosine == pytest.approx(cosine(n, literal.agop()), abs=1e-9)


CONVOLUTIONS = {
    "plain": {"kernel_size": 3},
    "strided": {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 2)},
    "dilated": {"kernel_size": 2, "dilation": 2, "bias": False},
    "groups": {"kernel_size": 3, "groups": 2, "padding": 1},
    "depthwise": {"kernel_size": 3, "groups": 4, "stride": 2, "padding": 1},
}


@pytest.mark.parametrize("settings", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
@pytest.mark.parametrize("loss", [mse.loss, cross_entropy.loss], ids=["mse", "cross_entropy"])
def test_convolutions_are_linear_maps_of_patches(settings, loss):
    torch.manual_seed(0)
    network = network_of(
        nn.Conv2d(2, 4, 1),
        nn.Tanh(),
        nn.Conv2d(4, 4, **settings),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.LazyLinear(3),
    )
    x = normal(0, sum(COUNTS), 2, 6, 5)
    network(x)
    (measured,) = measure_layers(network, x, COUNTS, ["2"], at_a_time=4, loss=loss)
    groups = settings.get("groups", 1)
    assert len(measured.groups) == groups
    for group in range(groups):
        literal = LiteralConvolution(network, "2", x, COUNTS, loss, group)
        check(measured, group, literal)
    same_collapse(measured.stages["input"], collapse.measure(literal.features, COUNTS), 1e-10)
    with torch.no_grad():
        right = network[:3](x)
    same_collapse(measured.stages["right"], collapse.measure(right.flatten(1), COUNTS), 1e-10)
    full = collapse.measure(right.relu().flatten(1), COUNTS)
    same_collapse(measured.stages["full"], full, 1e-10)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect"])
def test_weights_gradient_knows_any_padding(padding, mode):
    torch.manual_seed(0)
    convolution = nn.Conv2d(2, 4, 3, padding=padding, padding_mode=mode)
    network = network_of(convolution, nn.Tanh(), nn.Flatten(), nn.LazyLinear(3))
    x = normal(0, sum(COUNTS), 2, 6, 5)
    mse.loss.value(network(x), targets(COUNTS)).backward()
    (measured,) = measure_layers(network, x, COUNTS, ["0"], at_a_time=4, loss=mse.loss)
    expected = convolution.weight.grad.flatten(1)
    torch.testing.assert_close(measured.groups[0].loss.by_weight, expected)


@pytest.mark.slow
def test_layers_of_a_resnet_are_those_of_patches():
    import torchvision

    torch.manual_seed(0)
    network = torchvision.models.resnet18(num_classes=2).double()
    x, counts = normal(0, 3, 3, 32, 32), [1, 2]
    network(normal(1, 8, 3, 32, 32))  # statistics that are not 0 and 1
    names = ["layer1.0.conv2", "layer2.0.downsample.0", "layer3.0.conv1", "fc"]
    found = measure_layers(network, x, counts, names, at_a_time=2, loss=mse.loss)
    assert [one.kind for one in found] == ["conv2d"] * 3 + ["linear"]
    for one in found[:3]:
        # Behind each of them is a batch normalisation.
        assert list(one.stages) == ["input", "right"]
        literal = LiteralConvolution(network, one.name, x, counts, mse.loss)
        check(one, 0, literal)
        same_collapse(one.stages["input"], collapse.measure(literal.features, counts), 1e-9)
    readout = found[3].groups[0]
    np.testing.assert_allclose(agop(readout), square(readout), atol=1e-12)
    every = measure_layers(network, x, counts)
    assert len(every) == 21
    assert every[0].name == "conv1"
    np.testing.assert_allclose(
        agop(every[2].groups[0]), agop(found[0].groups[0]), rtol=1e-9, atol=1e-15
    )


def test_positions_of_a_linear_layer_are_inputs():
    """Tokens through a linear layer are pixels through a 1 x 1 convolution."""

    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.map, self.readout = nn.Linear(4, 5), nn.Linear(30, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.readout(torch.tanh(self.map(x)).transpose(1, 2).flatten(1))

    torch.manual_seed(0)
    tokens = Tokens().double()
    images = network_of(nn.Conv2d(4, 5, 1), nn.Tanh(), nn.Flatten(), nn.Linear(30, 3))
    images[0].weight.data = tokens.map.weight.data[:, :, None, None]
    images[0].bias.data, images[3].load_state_dict(tokens.readout.state_dict())
    images[0].bias.data = tokens.map.bias.data
    x = normal(0, sum(COUNTS), 6, 4)
    (one,) = measure_layers(tokens, x, COUNTS, ["map"], loss=mse.loss)
    pixels = x.transpose(1, 2)[:, :, :, None]
    (other,) = measure_layers(images, pixels, COUNTS, ["0"], loss=mse.loss)
    for name in LEAST_NAMES:
        ours, theirs = getattr(one.groups[0], name), getattr(other.groups[0], name)
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(one.groups[0].loss.by_weight, other.groups[0].loss.by_weight)
    for stage, value in other.stages.items():
        same_collapse(one.stages[stage], value, 1e-10)


# --- what a network may do --------------------------------------------------------------------


class Two(nn.Module):
    """Two linear layers of the same shape, which a function puts to use."""

    def __init__(self, use, d: int = 4):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(d, d), nn.Linear(d, d)
        self.readout = nn.Linear(d, 3)
        self._use = use
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        return self._use(self, x)


X = cloud(0, COUNTS, 4).x


def plain(network, x):
    return network.readout(torch.relu(network.second(torch.tanh(network.first(x)))))


def test_all_layers_in_the_order_of_the_pass():
    def backwards(network, x):
        return network.readout(torch.relu(network.first(torch.tanh(network.second(x)))))

    found = measure_layers(Two(backwards), X, COUNTS)
    assert [one.name for one in found] == ["second", "first", "readout"]
    assert [list(one.stages) for one in found] == [["input", "right", "full"]] * 2 + [
        ["input", "right"]
    ]


def test_parameters_that_need_no_gradient_change_nothing():
    network = Two(plain)
    expected = measure_layers(network, X, COUNTS, loss=mse.loss)
    network.requires_grad_(False)
    with torch.no_grad():
        found = measure_layers(network, X, COUNTS, loss=mse.loss)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.groups[0].gram, other.groups[0].gram)
        assert torch.equal(one.groups[0].loss.by_weight, other.groups[0].loss.by_weight)
        assert one.stages == other.stages


def test_tied_weights_are_two_layers():
    network = Two(plain)
    network.second.weight = network.first.weight
    separate = Two(plain)
    separate.load_state_dict(network.state_dict())
    found = measure_layers(network, X, COUNTS, ["first", "second"], loss=mse.loss)
    expected = measure_layers(separate, X, COUNTS, ["first", "second"], loss=mse.loss)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.groups[0].gram, other.groups[0].gram)
        assert torch.equal(one.groups[0].loss.by_weight, other.groups[0].loss.by_weight)


@pytest.mark.parametrize("late", [False, True])
def test_what_overwrites_a_layers_input_and_outputs_is_not_measured(late):
    def overwriting(network, x):
        x = x.clone()
        z = network.first(x)
        x.zero_()
        z = F.gelu(z).mul_(2) if late else torch.relu_(z)
        return network.readout(network.second(z))

    def careful(network, x):
        z = network.first(x)
        return network.readout(network.second(F.gelu(z) * 2 if late else torch.relu(z)))

    names = ["first", "second"]
    found = measure_layers(Two(overwriting), X, COUNTS, names, loss=mse.loss)
    expected = measure_layers(Two(careful), X, COUNTS, names, loss=mse.loss)
    for one, other in zip(found, expected, strict=True):
        assert one.stages == other.stages
        torch.testing.assert_close(one.groups[0].gram, other.groups[0].gram)
        torch.testing.assert_close(one.groups[0].loss.by_weight, other.groups[0].loss.by_weight)
    assert list(found[0].stages) == ["input", "right", "full"]


PAST = {
    "gate": lambda z: z * torch.sigmoid(z),
    "skip": lambda z: torch.relu(z) + z,
    "two": lambda z: torch.relu(z) - torch.relu(-z),
    "list": lambda z: torch.cat([torch.relu(z), z], dim=1)[:, 2:6],
    "normalised": lambda z: torch.relu(F.layer_norm(z, z.shape[1:])),
    "none": lambda z: z,
}


@pytest.mark.parametrize("after", PAST.values(), ids=PAST)
def test_no_activation_where_there_is_not_just_one(after):
    network = Two(lambda network, x: network.readout(after(network.first(x))))
    (found,) = measure_layers(network, X, COUNTS, ["first"])
    assert list(found.stages) == ["input", "right"]


def test_looking_at_the_outputs_is_no_use_of_them():
    def looking(network, x):
        z = network.first(x)
        assert z.shape == x.shape
        assert z.dim() == len(z.size())
        return network.readout(F.gelu(z))

    (found,) = measure_layers(Two(looking), X, COUNTS, ["first"])
    with torch.no_grad():
        full = F.gelu(Two(looking).first(X))
    same_collapse(found.stages["full"], collapse.measure(full, COUNTS), 1e-10)


def test_networks_are_measured_in_evaluation_mode_and_left_as_they_were():
    torch.manual_seed(0)
    network = network_of(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(), nn.Linear(5, 3))
    network(X)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    whole = measure_layers(network.train(), X, COUNTS, ["0"], at_a_time=20)
    parts = measure_layers(network.train(), X, COUNTS, ["0"], at_a_time=1)
    torch.testing.assert_close(whole[0].groups[0].gram, parts[0].groups[0].gram)
    same_collapse(whole[0].stages["right"], parts[0].stages["right"], 1e-10)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert not any(module._forward_hooks for module in network.modules())


def test_outputs_that_do_not_come_from_a_layer_have_agop_zero():
    def past(network, x):
        network.first(x)
        return network.readout(network.second(x))

    first, second = measure_layers(Two(past), X, COUNTS, ["first", "second"])
    assert (first.groups[0].gram == 0).all()
    assert math.isnan(ansatz.nfa(first.groups[0]))
    assert math.isfinite(ansatz.nfa(second.groups[0]))


def test_collapsed_class_means_have_no_nc1():
    network = Two(plain)
    network.first.weight.data.zero_()
    (first,) = measure_layers(network, X, COUNTS, ["first"])
    assert math.isnan(first.stages["right"].nc1)


@pytest.mark.parametrize("spread", [1.0, 1e-6])
def test_nothing_cancels_as_classes_collapse(spread):
    x = cloud(0, COUNTS, 4, spread=spread).x + 100
    (first,) = measure_layers(Two(plain), x, COUNTS, ["first"], at_a_time=2)
    same_collapse(first.stages["input"], collapse.measure(x, COUNTS), 1e-7)
    assert first.stages["input"].nc1 == pytest.approx(collapse.measure(x, COUNTS).nc1, rel=1e-6)


# --- refusals ---------------------------------------------------------------------------------


REFUSED = {
    "no such name": (plain, ["frist"], r"no layer 'frist'; did you mean 'first'\?"),
    "nothing near": (plain, ["xyz"], "no layer 'xyz'; there is 'first', 'second', 'readout'"),
    "twice named": (plain, ["first", "first"], "'first' and 'first' are one and the same"),
    "unreached": (
        lambda network, x: network.readout(network.first(x)),
        ["second"],
        "do not come to layer 'second' .*; there is 'first', 'readout'",
    ),
    "used twice": (
        lambda network, x: network.readout(network.first(network.first(x))),
        ["first"],
        "'first' is used more than once",
    ),
    "detached": (
        lambda network, x: network.readout(network.first(x)).detach(),
        ["first"],
        "do not depend on the layers",
    ),
    "outputs": (lambda network, x: network.first(x)[0], ["first"], r"to shape \(4,\)"),
    "tuple": (lambda network, x: (network.first(x),), ["first"], "to a tuple"),
    "points first": (
        lambda network, x: network.readout(network.first(x.repeat(2, 1))[: len(x)]),
        ["first"],
        r"given \(22, 4\) for 11 points",
    ),
}


@pytest.mark.parametrize(("use", "names", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_what_there_is(use, names, message):
    network = Two(use).requires_grad_(False)
    with pytest.raises(UserError, match=message):
        measure_layers(network, X, COUNTS, names)
    assert not any(module._forward_hooks for module in network.modules())


class Scaled(nn.Linear):
    """Multiplies by something else than its weight."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, 2 * self.weight)


@pytest.mark.parametrize(
    ("module", "kind"), [(nn.LayerNorm(4), "LayerNorm"), (Scaled(4, 4), "Scaled")]
)
def test_other_kinds_are_refused(module, kind):
    network = network_of(nn.Linear(4, 4), module, nn.Linear(4, 3))
    with pytest.raises(UserError, match=f"'1' is a {kind}; only linear layers .*'0', '2'"):
        measure_layers(network, X, COUNTS, ["1"])


def test_a_network_without_layers_is_refused():
    with pytest.raises(UserError, match="no linear layer or 2-d convolution"):
        measure_layers(nn.Identity(), X, COUNTS)


def test_counts_must_split_the_points():
    with pytest.raises(ValueError, match="do not split 11 points"):
        measure_layers(Two(plain), X, [5, 5])


def test_both_names_of_one_layer_are_one():
    network = Two(plain)
    network.again = network.first
    with pytest.raises(UserError, match="'first' and 'again' are one and the same"):
        measure_layers(network, X, COUNTS, ["first", "again"])
    expected = measure_layers(network, X, COUNTS, ["first"])
    found = measure_layers(network, X, COUNTS, ["again"])
    assert torch.equal(found[0].groups[0].gram, expected[0].groups[0].gram)


def test_agop_of_a_chain_is_jacrevs():
    weights = [normal(0, 6, 4), normal(1, 5, 6), normal(2, 3, 5)]
    found = measure_layers(chain(weights, TANH), X, COUNTS, ["hidden.0", "hidden.1"], at_a_time=2)
    for number, one in enumerate(found, start=1):
        expected = oracle.network_agop(weights, X, number, torch.tanh)
        np.testing.assert_allclose(agop(one.groups[0]), expected, atol=1e-12)
