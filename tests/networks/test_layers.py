"""Which layers can be measured, known before anything is."""

import pytest
import torch
from agop_collapse.common.errors import UserError
from agop_collapse.networks import layers
from torch import nn


class Net(nn.Module):
    """Layers of each kind, in another order than that of their names; some are of no use."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(6, 3)
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.twice = nn.Linear(6, 6)
        self.idle = nn.Linear(6, 6)
        self.same = self.last
        self.wide = nn.Conv1d(2, 1, 1)
        self.rows = nn.Linear(2, 1)

    def forward(self, x):
        x = self.norm(self.conv(x)).flatten(2)
        across = self.rows(x.transpose(0, 1).mean(2).T.reshape(-1, 2)[:1])
        x = self.wide(x).flatten(1)
        return self.last(self.twice(self.twice(x))) + across


X = torch.randn(3, 1, 4, 5, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network() -> Net:
    return Net().eval()


def test_they_are_found_by_name_or_in_the_order_of_a_pass(network):
    assert list(layers.find(network, ["last", "conv"], X)) == ["last", "conv"]
    found = layers.find(network, "all", X)
    assert list(found) == ["conv", "rows", "twice", "last"]
    assert found["conv"] is network.conv
    assert [layers.kind(module) for module in found.values()] == ["conv2d", *["linear"] * 3]


def test_what_can_be_measured_is_expected_to(network):
    layers.expect_measurable(network, ["last", "conv"], X)
    layers.expect_measurable(nn.Sequential(nn.Flatten(), nn.Linear(20, 3)), "all", X)
    assert not network.conv._forward_hooks


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["conv", "lost"], "the network has no layer 'lost'; did you mean 'last'"),
        (["wide"], "layer 'wide' is a Conv1d; only linear layers"),
        (["last", "same"], "layers 'last' and 'same' are one and the same: name it once"),
        (["idle"], "the points do not come to layer 'idle' on their way"),
        (["twice"], "layer 'twice' is used more than once in a pass"),
        ("all", "layer 'rows' is given (1, 2) for 3 points: it can be measured only where the"),
        (["rows"], "layer 'rows' is given (1, 2) for 3 points"),
    ],
    ids=str,
)
def test_what_cannot_be_measured_is_said(network, names, message):
    with pytest.raises(UserError) as caught:
        layers.expect_measurable(network, names, X)
    assert str(caught.value).startswith(message)


def test_a_network_of_no_such_layer_is_refused():
    with pytest.raises(UserError, match="has no linear layer or 2-d convolution that its input"):
        layers.expect_measurable(nn.Flatten(), "all", X)
