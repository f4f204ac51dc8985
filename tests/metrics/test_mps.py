"""Networks on Apple's mps: passes there, all that is in float64 on the CPU.

By a stand-in, which computes as the CPU does, everywhere; by a real one where there is one.
"""

import dataclasses
from contextlib import nullcontext

import oracle
import papers
import pytest
import torch
from agop_collapse.common.device import off_mps
from agop_collapse.data.dataset import Dataset
from agop_collapse.metrics import head_collapse
from agop_collapse.metrics.any_network import measure_layers
from agop_collapse.metrics.head import measure_head
from agop_collapse.metrics.layer import Layer
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.batch_statistics import of_the_data
from agop_collapse.networks.losses import cross_entropy, mse
from agop_collapse.networks.training import Settings, Trainer
from apples_gpu import MPS, apples_gpu
from clouds import cloud
from torch import nn

COUNTS, TEST_COUNTS, IMAGE = [9, 6, 8], [3, 2, 4], (1, 2, 3)
SETTINGS = Settings(
    optimizer="sgd",
    learning_rate=0.1,
    momentum=0.9,
    recreate_optimizer=False,
    batch_size=5,
    epochs=4,
    measure_every=2,
    arithmetic="float32",
    loss=mse.loss,
)
# How far a real one may be from the CPU: its sums are in another order.
TOLERANCES = {"stand-in": 0.0, "mps": 1e-3}


@pytest.fixture(params=TOLERANCES)
def there(request):
    """The device, meanwhile, and how near it has to come."""
    real = request.param == "mps"
    if real and not torch.backends.mps.is_available():
        pytest.skip("no Apple GPU here")
    with nullcontext(MPS) if real else apples_gpu() as device:
        yield device, TOLERANCES[request.param]


@pytest.fixture(scope="module")
def data() -> Dataset:
    train, test = cloud(0, COUNTS, 6), cloud(1, TEST_COUNTS, 6)
    labels, test_labels = (torch.tensor(oracle.classes_of(c)) for c in (COUNTS, TEST_COUNTS))
    return Dataset(train.x, labels, test.x, test_labels, IMAGE, 3)


def near(found: object, expected: object, tolerance: float) -> None:
    """Equal, or nearly; values, tensors, and what holds them. Tensors are on the CPU."""
    if dataclasses.is_dataclass(expected):
        names = [field.name for field in dataclasses.fields(expected)]
        found, expected = (
            {name: getattr(each, name) for name in names} for each in (found, expected)
        )
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            near(found[name], value, tolerance)
    elif isinstance(expected, list):
        for one, other in zip(found, expected, strict=True):
            near(one, other, tolerance)
    elif isinstance(expected, torch.Tensor):
        assert found.device.type == "cpu"
        atol = tolerance * float(expected.abs().max())
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=atol)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance, nan_ok=True)
    else:
        assert found == expected


def test_the_stand_in_refuses_what_apples_does():
    with apples_gpu() as mps:
        x = torch.ones(3, 2).to(mps)
        assert (x @ x.T).device == mps
        with pytest.raises(TypeError, match="no float64"):
            x.double()
        with pytest.raises(TypeError, match="no float64"):
            x.new_zeros(2, dtype=torch.float64)
        with pytest.raises(TypeError, match="no float64"):
            torch.ones(2, dtype=torch.float64).to(mps)
        with pytest.raises(RuntimeError, match="tensors on mps and on the CPU"):
            x + torch.ones(3, 2)
        assert off_mps(x).double().device.type == "cpu"


@pytest.mark.parametrize("loss", [mse.loss, cross_entropy.loss], ids=["mse", "cross_entropy"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_network_is_trained_as_on_the_cpu(there, data, optimizer, loss):
    device, tolerance = there
    rate = 0.1 if optimizer == "sgd" else 0.01
    settings = dataclasses.replace(SETTINGS, optimizer=optimizer, learning_rate=rate, loss=loss)

    def train(where: torch.device) -> tuple[list, dict]:
        network = networks.build(papers.mlp(12, 1.0), IMAGE, 3, 3)
        trainer = Trainer(network, data, settings, 0, where)
        found = [trainer.evaluate()]
        for _ in range(settings.epochs):
            trainer.run_epoch()
            found.append(trainer.evaluate())
        weights = {name: value.cpu() for name, value in trainer.network.state_dict().items()}
        return found, weights

    expected = train(torch.device("cpu"))
    assert expected[0][-1].train_loss < 0.9 * expected[0][0].train_loss
    for one, other in zip(train(device), expected, strict=True):
        near(one, other, tolerance)


def test_a_network_is_measured_as_on_the_cpu(there, data):
    device, tolerance = there

    def measure(where: torch.device) -> tuple[list, object]:
        wanted = dataclasses.replace(papers.mlp(12, 1.0), hidden_layers=3, biases=True)
        network = networks.build(wanted, IMAGE, 3, 3).to(where)
        x, test_x = (points.float().to(where) for points in (data.x, data.test_x))
        with of_the_data(network, x):
            head = measure_head(network, x, COUNTS, at_a_time=5, loss=mse.loss, spectra=True)
            return head, head_collapse.measure(network, x, test_x, data)

    expected, found = measure(torch.device("cpu")), measure(device)
    for one, other in zip(found[0], expected[0], strict=True):
        assert one.agop_factor.dtype == torch.float64
        near(one, other, tolerance)
    near(found[1], expected[1], tolerance)


def test_layers_of_any_network_are_measured_as_on_the_cpu(there):
    device, tolerance = there

    def measure(where: torch.device) -> list[tuple[list[Layer], dict]]:
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1, groups=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64, 7),
            nn.Tanh(),
            nn.Linear(7, 3),
        )
        x = torch.randn(sum(COUNTS), 1, 4, 4).to(where)
        measured = measure_layers(network.to(where), x, COUNTS, at_a_time=5, loss=mse.loss)
        return [(layer.groups, layer.stages) for layer in measured]

    expected, found = measure(torch.device("cpu")), measure(device)
    assert len(expected) == 3
    for one, other in zip(found, expected, strict=True):
        near(list(one), list(other), tolerance)
