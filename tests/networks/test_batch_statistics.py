"""Batch normalisation of an untrained network: the statistics of the data, and back."""

import pytest
import torch
from agop_collapse.networks import batch_statistics
from agop_collapse.networks.batch_statistics import of_the_data
from clouds import cloud
from torch import nn


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, 5),
        nn.BatchNorm1d(5),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(5, 3),
        nn.BatchNorm1d(3),
    )


def state(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_statistics_are_those_of_the_points_and_then_what_they_were():
    tested, x = network(), cloud(0, [20, 17], 6).x.float()
    before = state(tested)
    with of_the_data(tested, x):
        assert not any(module.training for module in tested.modules())
        first = tested[0](x)
        torch.testing.assert_close(tested[1].running_mean, first.mean(dim=0))
        torch.testing.assert_close(tested[1].running_var, first.var(dim=0))
        # Each point on its own, as the second layer's statistics were taken behind the first's.
        normed = (first - first.mean(dim=0)) / (first.var(dim=0, correction=0) + 1e-5).sqrt()
        second = tested[4](normed.relu())
        torch.testing.assert_close(tested[5].running_mean, second.mean(dim=0))
        outputs = tested(x).detach()
        assert outputs.mean(dim=0).abs().max() < 0.1
        assert 0.8 < float(outputs.std(dim=0).min()) <= float(outputs.std(dim=0).max()) < 1.2
    for name, value in state(tested).items():
        assert torch.equal(value, before[name])
    assert tested[1].momentum == 0.1


def test_many_points_go_in_batches_of_nearly_one_size(monkeypatch):
    """37 points, 12 at a time: three of 10 or 9, and not one of a single point."""
    monkeypatch.setattr(batch_statistics, "AT_A_TIME", 12)
    tested, x = network(), cloud(0, [20, 17], 6).x.float()
    with of_the_data(tested, x):
        parts = [tested[0](part).mean(dim=0) for part in torch.tensor_split(x, 4)]
        torch.testing.assert_close(tested[1].running_mean, torch.stack(parts).mean(dim=0))
        assert int(tested[1].num_batches_tracked) == 4


def test_an_error_leaves_them_as_they_were_too():
    tested, x = network(), cloud(0, [5, 5], 6).x.float()
    before = state(tested)
    with pytest.raises(ZeroDivisionError), of_the_data(tested, x):
        raise ZeroDivisionError
    assert all(torch.equal(value, before[name]) for name, value in state(tested).items())


def test_without_any_nothing_happens_but_evaluation():
    tested, x = nn.Sequential(nn.Linear(6, 2), nn.Dropout()), cloud(0, [5], 6).x.float()
    with of_the_data(tested, x):
        assert torch.equal(tested(x), tested[0](x))
