"""Whole networks of the user's own: made, given their weights, or refused in words."""

import math
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from agop_collapse.common.errors import UserError
from agop_collapse.networks import own
from agop_collapse.networks.losses import cross_entropy, mse
from torch import nn

OWN = """
import torch
from torch import nn

number = 3


def small(image_shape, classes):
    channels, height, width = image_shape
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(classes),
    )


def fails(image_shape, classes):
    raise KeyError("what")


def one_argument(image_shape):
    return nn.Flatten()


def no_module(image_shape, classes):
    return image_shape


def other_outputs(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes + 1))


def images(image_shape, classes):
    return nn.Conv2d(image_shape[0], classes, 1)


def one_output(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(1), nn.Flatten(0))


def double(image_shape, classes):
    return small(image_shape, classes).double()


def draws(image_shape, classes):
    class Noise(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :classes] + torch.randn(len(x), classes)

    return Noise()
"""
SHAPE, CLASSES = (2, 5, 4), 3


@pytest.fixture
def made(tmp_path, monkeypatch) -> Callable[..., nn.Module]:
    """A network of a function of a file in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, ""])
    (tmp_path / "my_whole_nets.py").write_text(OWN)
    yield lambda name="small", seed=0: own.build(f"my_whole_nets:{name}", SHAPE, CLASSES, seed)
    sys.modules.pop("my_whole_nets", None)


def images(n: int = 7) -> torch.Tensor:
    return torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(1))


# How it is made


def test_the_seed_alone_decides_what_it_begins_at(made):
    one, same, other = (made(seed=seed).state_dict() for seed in (0, 0, 1))
    assert one.keys() == same.keys() == other.keys()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["0.weight"], other["0.weight"])
    assert not torch.equal(one["4.weight"], other["4.weight"])  # known by the first images only


def test_it_is_in_float32_and_evaluation_mode_and_has_seen_nothing(made):
    for name in ("small", "double"):
        network = made(name)
        assert not network.training
        assert network(images()).dtype == torch.float32
        assert int(network[1].num_batches_tracked) == 0


MISMADE = {
    "fails": "called with the image's shape (2, 5, 4) and 3 classes, failed: KeyError: 'what'",
    "one_argument": "failed: TypeError: one_argument() takes 1 positional argument but 2",
    "no_module": "returns a tuple; it must return a torch.nn.Module",
    "other_outputs": "makes 4 outputs of an image; the data set has 3 classes",
    "images": "maps two images of 2 x 5 x 4 to (2, 3, 5, 4); it must be (2, outputs)",
    "one_output": "maps two images of 2 x 5 x 4 to (2,); it must be (2, outputs)",
    "draws": "makes other outputs of the same images at each call in evaluation mode",
    "number": "is a int; it must be a function",
}


@pytest.mark.parametrize(("name", "message"), MISMADE.items())
def test_what_is_no_network_of_images_to_outputs_is_refused(made, name, message):
    with pytest.raises(UserError) as caught:
        made(name)
    assert str(caught.value).startswith(f"the network 'my_whole_nets:{name}'")
    assert message in str(caught.value)


def test_a_function_that_is_not_there_is_refused(made):
    with pytest.raises(UserError, match="'my_whole_nets:big' cannot be found"):
        made("big")


# Whether it can be trained


class Wrong(nn.Module):
    """A network with one thing wrong with it, and with nothing in evaluation mode."""

    def __init__(self, wrong: str = ""):
        super().__init__()
        self.first, self.last = nn.Conv2d(SHAPE[0], 4, 3), nn.Linear(24, CLASSES)
        self.wrong = wrong
        for parameter in self.parameters():
            parameter.requires_grad = wrong != "frozen"

    def forward(self, x):
        x = nn.functional.dropout(self.first(x).relu().flatten(1), 0.5, self.training)
        x = self.last(x)
        if not self.training:
            return x
        if self.wrong == "two outputs":
            return x, x
        if self.wrong == "fewer rows":
            return x[1:]
        if self.wrong == "fails":
            raise KeyError("what")
        if self.wrong == "not finite":
            return x / 0
        return x.detach() if self.wrong == "detached" else x

    def get_extra_state(self):
        return {"seen": 3}

    def set_extra_state(self, state):
        pass


def expect_trainable(network: nn.Module, names="all", loss=cross_entropy.loss) -> None:
    own.expect_trainable(network, images(6), torch.arange(6) % CLASSES, CLASSES, loss, names)


def test_a_network_that_can_be_trained_is_taken(made):
    for loss in (mse.loss, cross_entropy.loss):
        expect_trainable(made(), ["0", "4"], loss)
        expect_trainable(made())


UNTRAINABLE = {
    "frozen": "the network has no parameters to train",
    "two outputs": "the network makes a tuple of a batch of 6 images in training mode; it must be "
    "(6, 3), in one tensor",
    "fewer rows": "the network makes (5, 3) of a batch of 6 images in training mode; it must be",
    "fails": "the network cannot map a batch of 6 images in training mode: KeyError: 'what'",
    "not finite": "before training the network's loss is nan",
    "detached": "the network's loss cannot be differentiated: RuntimeError: element 0 of tensors",
    "": "the network's state_dict() holds more than tensors, _extra_state, and cannot be kept",
}


@pytest.mark.parametrize(("wrong", "message"), UNTRAINABLE.items())
def test_what_cannot_be_trained_is_said_before(wrong, message):
    with pytest.raises(UserError) as caught:
        expect_trainable(Wrong(wrong))
    assert str(caught.value).startswith(message)


def test_what_cannot_be_measured_afterwards_is_said_before(made):
    with pytest.raises(UserError, match="the network has no layer '5'; there is '0', '4'"):
        expect_trainable(made(), ["5"])
    with pytest.raises(UserError, match="has no parameters to train"):
        expect_trainable(nn.Flatten())


# Its weights


def saved(network: nn.Module, path: str) -> Path:
    if path.endswith(".safetensors"):
        safetensors.torch.save_file(network.state_dict(), path)
    else:
        torch.save(network.state_dict(), path)
    return Path(path)


@pytest.mark.parametrize("path", ["weights.pt", "weights.pth", "weights.safetensors"])
def test_weights_become_the_networks(made, path):
    trained, network = made(seed=1).train(), made(seed=0)
    trained(images())  # statistics of its own
    own.load_weights(network, saved(trained, path))
    assert torch.equal(network(images()), trained.eval()(images()))


def test_weights_of_another_precision_are_turned_into_float32(made):
    network = made()
    own.load_weights(network, saved(made(seed=1).double(), "weights.pt"))
    assert torch.equal(network(images()), made(seed=1)(images()))


def test_weights_of_older_layers_are_taken(made):
    """Before version 2, batch normalisations counted no batches."""
    weights = dict(made(seed=1).state_dict())
    del weights["1.num_batches_tracked"]
    torch.save(weights, "old.pt")
    network = made()
    own.load_weights(network, Path("old.pt"))
    assert torch.equal(network[0].weight, weights["0.weight"])


def refusal(network: nn.Module, path: str) -> str:
    with pytest.raises(UserError) as caught:
        own.load_weights(network, Path(path))
    return str(caught.value)


@pytest.mark.parametrize("path", ["weights.pt", "weights.safetensors"])
def test_weights_that_do_not_fit_are_named(made, path):
    network, weights = made(), dict(made().state_dict())
    renamed = {f"module.{name}": value for name, value in weights.items()}

    def message(given: dict) -> str:
        if path.endswith("pt"):
            torch.save(given, path)
        else:
            safetensors.torch.save_file(given, path)
        found = refusal(network, path)
        assert found.startswith(f"{path} is of another network: ")
        return found.partition(": ")[2]

    found = message(renamed)
    assert found.startswith("it lacks 0.weight, 0.bias, 1.weight and 5 more; the network has no ")
    assert re.search(r"no module\.\S+, module\.\S+, module\.\S+ and 6 more$", found)
    assert message(weights | {"extra": torch.ones(1)}) == "the network has no extra"
    assert message({name: weights[name] for name in weights if name != "4.bias"}) == (
        "it lacks 4.bias"
    )
    wider = weights | {"4.weight": torch.zeros(9, 80), "4.bias": torch.zeros(9)}
    found = message(wider)
    assert "4.weight is 9 x 80, not 3 x 80" in found
    assert "4.bias is 9, not 3" in found


class Bomb:
    """What makes a file as it is unpickled."""

    def __reduce__(self) -> tuple:
        return Path.touch, (Path("exploded"),)


def test_nothing_is_unpickled(made):
    torch.save({"0.weight": Bomb()}, "bomb.pt")
    assert "Python objects are refused" in refusal(made(), "bomb.pt")
    assert not Path("exploded").exists()
    torch.load("bomb.pt", weights_only=False)
    assert Path("exploded").exists()  # which was no dud
    torch.save(nn.Linear(2, 2), "network.pt")
    assert "Python objects are refused" in refusal(made(), "network.pt")


def test_what_is_no_state_dict_is_refused(made):
    torch.save({"epoch": 3, "optimizer": {}, "model": made().state_dict()}, "all.pt")
    assert "epoch, optimizer, model in it are no tensors" in refusal(made(), "all.pt")
    torch.save({"state_dict": made().state_dict()}, "one.pt")
    assert "is no state dict: state_dict in it is no tensor; save" in refusal(made(), "one.pt")
    torch.save(torch.ones(3), "tensor.pt")
    assert "tensor.pt holds a Tensor; it must be a state dict" in refusal(made(), "tensor.pt")


@pytest.mark.parametrize("path", ["weights.pt", "weights.safetensors"])
def test_a_file_that_cannot_be_read_is_refused(made, path):
    assert f"{path} cannot be read: " in refusal(made(), path)
    whole = saved(made(), path).read_bytes()
    for content in (b"", b"no weights", whole[: len(whole) // 2]):
        Path(path).write_bytes(content)
        assert refusal(made(), path).startswith(path)


# What it does with the data


@pytest.mark.parametrize("loss", [mse.loss, cross_entropy.loss], ids=["mse", "cross_entropy"])
def test_losses_and_accuracies(made, loss):
    network = made()
    x, labels = images(6), torch.tensor([0, 0, 1, 1, 2, 2])
    found = own.evaluate(network, loss, 3, train=(x, labels), test=(x[:0], labels[:0]))
    outputs = network(x).detach().double()
    if loss is mse.loss:
        one_hot = torch.eye(3, dtype=torch.float64)[labels]
        expected = float((outputs - (2 * one_hot - 1)).square().mean())
    else:
        expected = float(-outputs.log_softmax(1)[torch.arange(6), labels].mean())
    assert found["train_loss"] == pytest.approx(expected, rel=1e-6)
    assert found["train_accuracy"] == float((outputs.argmax(1) == labels).double().mean())
    assert found["test_loss"] is found["test_accuracy"] is None
    assert found["fitted"] is False
    both = own.evaluate(network, loss, 3, train=(x, labels), test=(x[:2], labels[:2]))
    assert math.isfinite(both["test_loss"])
    assert both["test_accuracy"] in (0, 0.5, 1)


def test_weights_that_are_no_numbers_are_refused(made):
    network = made()
    network[0].weight.data.fill_(math.nan)
    with pytest.raises(UserError, match="with these weights the training loss is nan"):
        own.evaluate(network, mse.loss, 3, train=(images(3), torch.arange(3)))
