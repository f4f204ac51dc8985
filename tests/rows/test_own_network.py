"""Rows of network_layers against patches and Jacobians, image by image."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from agop_collapse.files import tables
from agop_collapse.metrics.any_network import measure_layers
from agop_collapse.networks.losses import mse
from agop_collapse.rows import own_network
from chains import normal
from torch import Tensor, nn
from torch.func import jacrev
from torch.nn import functional as F

COUNTS = [4, 3, 5]
CLASSES = len(COUNTS)
PROGRESS = {"train_loss": 0.5, "test_loss": None, "train_accuracy": 0.75, "test_accuracy": None}
PROGRESS |= {"fitted": False}
IDENTITY = "a1" * 32


def network_of(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, stride=2, groups=2, padding=1),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(36, 5),
        nn.ReLU(),
        nn.Linear(5, CLASSES),
    ).double()


@pytest.fixture(scope="module")
def networks() -> tuple[nn.Sequential, nn.Sequential, Tensor]:
    """Two networks and their images."""
    x = normal(0, sum(COUNTS), 2, 6, 5)
    both = network_of(0), network_of(1)
    for network in both:
        network(x)  # statistics that are not 0 and 1
    return *(network.eval() for network in both), x


@pytest.fixture(scope="module")
def table(networks) -> pd.DataFrame:
    *both, x = networks
    layers, others = (measure_layers(each, x, COUNTS, loss=mse.loss) for each in both)
    return own_network.measure([(PROGRESS, layers)], others, CLASSES)


def in_parts(network: nn.Sequential, at: int) -> tuple[Callable, Callable]:
    """Patches that a layer is given, (groups, positions, inputs); the rest by its outputs."""
    module = network[at]

    def before(image: Tensor) -> Tensor:
        h = network[:at](image[None])
        if isinstance(module, nn.Linear):
            return h[None]
        patches = F.unfold(h, module.kernel_size, padding=module.padding, stride=module.stride)[0]
        return patches.reshape(module.groups, -1, patches.shape[1]).transpose(1, 2)

    def after(patches: Tensor, shape: tuple[int, ...]) -> Tensor:
        weight = module.weight.flatten(1).reshape(len(patches), -1, patches.shape[2])
        z = torch.einsum("goi,gpi->gop", weight, patches).flatten(0, 1)
        z = z + module.bias[:, None]
        return network[at + 1 :](z.reshape(shape))[0]

    return before, after


def literal_agops(network: nn.Sequential, at: int, x: Tensor) -> list[np.ndarray]:
    """The AGOP by patches of each group: the mean over images of the sum over their positions."""
    before, after = in_parts(network, at)
    shape = network[: at + 1](x[:1]).shape
    total = 0
    for image in x:
        jacobian = jacrev(lambda patches: after(patches, shape))(before(image).detach())
        total = total + torch.einsum("kgpi,kgpj->gij", jacobian, jacobian)
    return [agop.detach().numpy() for agop in total / len(x)]


def squares(network: nn.Sequential, at: int) -> list[np.ndarray]:
    """W^T W of each group."""
    module = network[at]
    groups = module.groups if isinstance(module, nn.Conv2d) else 1
    weights = module.weight.detach().flatten(1).reshape(groups, -1, module.weight[0].numel())
    return [(weight.T @ weight).numpy() for weight in weights]


def root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def pearson(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.mark.parametrize(("layer", "at"), [(1, 0), (2, 3), (3, 6), (4, 8)])
def test_ansatz_is_that_of_patches_and_jacobians(table, networks, layer, at):
    network, untrained, x = networks
    own, others = literal_agops(network, at, x), literal_agops(untrained, at, x)
    matrices = squares(network, at)
    expected = {
        "nfa": [pearson(n, root(agop)) for n, agop in zip(matrices, own, strict=True)],
        "nfa_agop": [pearson(n, agop) for n, agop in zip(matrices, own, strict=True)],
        "nfa_independent": [
            pearson(n, root(agop)) for n, agop in zip(matrices, others, strict=True)
        ],
    }
    rows = table[table["layer"] == layer]
    for name, of_groups in expected.items():
        np.testing.assert_allclose(rows[name], np.mean(of_groups), atol=1e-6)


def collapse_of(points: Tensor) -> tuple[float, float]:
    """NC1 and NC2 by loops over points and classes."""
    classes = [part.flatten(1).numpy() for part in points.detach().split(COUNTS)]
    means = np.array([part.mean(axis=0) for part in classes])
    offsets = means - means.mean(axis=0)
    within = sum(((x - m) ** 2).sum() for part, m in zip(classes, means, strict=True) for x in part)
    unit = offsets / np.linalg.norm(offsets, axis=1, keepdims=True)
    etf = (np.eye(CLASSES) - 1 / CLASSES) * CLASSES / (CLASSES - 1)
    nc1 = within / sum(COUNTS) / ((offsets**2).sum() / CLASSES)
    return nc1, float(np.linalg.norm(unit @ unit.T - etf))


def test_collapse_is_that_of_each_stage(table, networks):
    network, _, x = networks
    stages = {
        (1, "input"): 0,
        (1, "right"): 1,
        (2, "input"): 3,
        (2, "right"): 4,
        (2, "full"): 5,
        (3, "input"): 6,
        (3, "right"): 7,
        (3, "full"): 8,
        (4, "input"): 8,
        (4, "right"): 9,
    }
    found = table.set_index(["layer", "stage"])
    assert list(found.index) == list(stages)
    for key, parts in stages.items():
        nc1, nc2 = collapse_of(network[:parts](x) if parts else x)
        assert found.loc[key, "nc1"] == pytest.approx(nc1, rel=1e-9)
        assert found.loc[key, "nc2"] == pytest.approx(nc2, rel=1e-9)


def test_layers_are_told_by_order_name_kind_and_shape(table, tmp_path):
    columns = ["layer", "layer_name", "layer_kind", "groups", "outputs", "inputs"]
    assert table[columns].drop_duplicates().to_numpy().tolist() == [
        [1, "0", "conv2d", 1, 4, 18],
        [2, "3", "conv2d", 2, 2, 18],
        [3, "6", "linear", 1, 5, 36],
        [4, "8", "linear", 1, 3, 5],
    ]
    for name, value in PROGRESS.items():
        assert all(each == value or (value is None and pd.isna(each)) for each in table[name])
    np.testing.assert_allclose(table["nfa_chance"], table["inputs"] ** -0.5)
    tables.save(tmp_path / "table", "network_layers", table, IDENTITY)
    read = tables.load(tmp_path / "table", "network_layers", IDENTITY)
    pd.testing.assert_frame_equal(read, table.astype(read.dtypes))
    assert read[["test_loss", "epoch"]].isna().all(axis=None)


def test_each_epoch_has_rows_of_its_own(networks, tmp_path):
    network, other, x = networks
    at = {
        epoch: measure_layers(each, x, COUNTS, loss=mse.loss)
        for epoch, each in ((0, other), (3, network))
    }
    found = [(PROGRESS | {"epoch": epoch}, layers) for epoch, layers in at.items()]
    table = own_network.measure(found, at[0], CLASSES)
    for epoch, layers in at.items():
        rows = table[table["epoch"] == epoch].drop(columns="epoch").reset_index(drop=True)
        alone = own_network.measure([(PROGRESS, layers)], at[0], CLASSES)
        pd.testing.assert_frame_equal(rows, alone.drop(columns="epoch"))
    tables.save(tmp_path / "table", "network_layers", table, IDENTITY)
    read = tables.load(tmp_path / "table", "network_layers", IDENTITY)
    assert read["epoch"].dtype == "int64"
    assert read["epoch"].tolist() == [0] * 10 + [3] * 10
