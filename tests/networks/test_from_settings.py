"""Settings in words, and the objects that they name."""

import sys

import pytest
import torch
from agop_collapse.common.errors import UserError
from agop_collapse.networks.from_settings import architecture_of, training_of
from agop_collapse.plan.settings import Network

OWN = """
import torch
from agop_collapse.networks.activations.activation import Activation
from agop_collapse.networks.losses.loss import Loss

cube = Activation(lambda x: x**3, lambda x: 3 * x**2)
hinge = Loss(lambda outputs, targets: (1 - targets * outputs).relu().mean(), fitted_below=0.2)
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, ""])
    (tmp_path / "my_own_parts.py").write_text(OWN)
    yield "my_own_parts"
    sys.modules.pop("my_own_parts", None)


def settings(**given):
    backbone = "agop_collapse.networks.backbones.mlp:backbone"
    activation = "agop_collapse.networks.activations.tanh:activation"
    loss = "agop_collapse.networks.losses.mse:loss"
    places = {"backbone": backbone, "activation": activation, "loss": loss}
    return dict(Network(model="mlp", weight_decay=0.1, hidden_layers=2)) | places | given


def test_settings_become_what_they_name():
    architecture, training = architecture_of(settings()), training_of(settings())
    assert (architecture.hidden_layers, architecture.biases, architecture.width) == (2, False, 512)
    assert architecture.activation.function(torch.ones(1)) == torch.ones(1).tanh()
    assert (training.weight_decay, training.optimizer) == (0.1, "sgd")
    assert float(training.loss.value(torch.zeros(2, 2), torch.ones(2, 2))) == 1


def test_ones_own_activation_and_loss(own_module):
    given = settings(activation=f"{own_module}:cube", loss=f"{own_module}:hinge")
    assert architecture_of(given).activation.derivative(torch.tensor(2.0)) == 12
    assert training_of(given).loss.fitted_below == 0.2


@pytest.mark.parametrize(("key", "read"), [("activation", architecture_of), ("loss", training_of)])
def test_what_is_none_is_refused(own_module, key, read):
    with pytest.raises(
        UserError, match="'my_own_parts:torch' is a module; it must be an object of agop_"
    ):
        read(settings(**{key: f"{own_module}:torch"}))
    with pytest.raises(UserError, match="'my_own_parts:nothing' cannot be found"):
        read(settings(**{key: f"{own_module}:nothing"}))
