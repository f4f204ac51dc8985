"""A network of the user's own, from its state dict to the table and the figure."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import papers
import pytest
import torch
from agop_collapse.data.dataset import Dataset, load_dataset
from agop_collapse.files.stamp import read_identity
from agop_collapse.metrics import ansatz, collapse
from agop_collapse.metrics.any_network import measure_layers
from agop_collapse.metrics.head import measure_head
from agop_collapse.networks import own
from agop_collapse.networks.architecture import build
from agop_collapse.networks.checkpoints import load_weights
from agop_collapse.networks.features import layer_points
from agop_collapse.networks.losses import mse
from agop_collapse.networks.training import Settings, Trainer, train
from agop_collapse.plan.paths import STORE
from torch import nn
from workflow_helpers import Workplace, contents, jobs_run

pytestmark = pytest.mark.slow

NETS = """
import os
import signal

from torch import nn


def small(image_shape, classes):
    channels, height, width = image_shape
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * height * width, 6),
        nn.Tanh(),
        nn.Linear(6, classes),
    )


class Killed(nn.Module):
    # Ends the job in its 14th step, as long as there is a file "kill".
    steps = 0

    def forward(self, x):
        self.steps += self.training
        if self.steps == 14 and os.path.exists("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        return x


def mlp(image_shape, classes):
    # What the project's own draws, in its order.
    first, second = nn.Linear(64, 16, bias=False), nn.Linear(16, 16, bias=False)
    readout = nn.Linear(16, classes, bias=False)
    for layer in (first, second):
        nn.init.xavier_uniform_(layer.weight, gain=0.5)
    return nn.Sequential(Killed(), nn.Flatten(), first, nn.ReLU(), second, nn.ReLU(), readout)


class Both(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layer = nn.LazyLinear(classes)

    def forward(self, x):
        x = self.layer(x.flatten(1))
        return (x, x) if self.training else x


def both(image_shape, classes):
    return Both(classes)
"""
STUDY = {
    "seeds": [0],
    "device": "cpu",
    "datasets": {
        "digits": {"kind": "digits", "n": 60, "n_test": 20},
        "few": {"kind": "digits", "n": 40},
    },
    "networks": [{"model": "mlp", "width": 8, "epochs": 1, "datasets": ["few"]}],
    "own_networks": [{"network": "nets:small", "checkpoint": "weights.pt", "layers": ["0", "4"]}],
    "figures": {"layers": {"plot": "network_layers"}},
}
TABLE = "results/own/tables/network_layers.parquet"
RUN = "results/own/own_networks/digits/small/seed0"


def network(seed: int) -> nn.Module:
    found: dict = {}
    exec(NETS, found)
    torch.manual_seed(seed)
    made = found["small"]((1, 8, 8), 10)
    made(torch.randn(50, 1, 8, 8))  # statistics that are not 0 and 1
    return made.eval()


def with_networks(study: dict, *blocks: dict) -> dict:
    (own,) = STUDY["own_networks"]
    return {"own": study | {"own_networks": [own | block for block in blocks]}}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Workplace:
    """The study, whole."""
    place = Workplace.make(tmp_path_factory.mktemp("own"), {"own": STUDY})
    (place.work / "nets.py").write_text(NETS)
    torch.save(network(3).state_dict(), place.work / "weights.pt")
    place.run(study="own")
    return place


def test_the_table_is_what_the_network_gives(built):
    table = pd.read_parquet(built.work / TABLE)
    assert set(table["dataset"]) == {"digits", "few"}
    table = table[table["dataset"] == "digits"]
    assert table["layer_name"].tolist() == ["0", "0", "4", "4", "4"]
    assert table["stage"].tolist() == ["input", "right", "input", "right", "full"]
    assert set(table["network"]) == {"nets:small"}
    path = built.work / "results/own/data/digits.safetensors"
    data = load_dataset(path, read_identity(path))
    images = data.x.float().unflatten(1, data.image_shape)
    found = measure_layers(network(3), images, data.class_counts, ["0", "4"])
    for layer, expected in enumerate(found, start=1):
        rows = table[table["layer"] == layer].set_index("stage")
        for stage, of_stage in expected.stages.items():
            assert rows.loc[stage, "nc1"] == pytest.approx(of_stage.nc1, rel=1e-6)
        assert (rows["nfa"] - ansatz.nfa(expected.groups[0])).abs().max() < 1e-5
    with torch.no_grad():
        right = network(3)(images).argmax(1) == data.labels
    assert set(table["train_accuracy"]) == {float(right.double().mean())}
    assert table["test_loss"].notna().all()


def test_without_test_points_there_is_no_test_loss(built):
    table = pd.read_parquet(built.work / TABLE).query("dataset == 'few'")
    assert table["train_loss"].notna().all()
    assert table[["test_loss", "test_accuracy"]].isna().all(axis=None)


def test_what_a_run_is_stands_beside_it(built):
    record = json.loads((built.work / RUN / "run.json").read_text())
    assert (record["kind"], record["run"], record["dataset"]) == ("own_networks", "small", "digits")
    assert record["settings"]["layers"] == "0 4"
    assert record["identity"] == read_identity(built.work / RUN / "network_layers.parquet")
    runs = pd.read_parquet(built.work / "results/own/tables/runs.parquet").set_index("kind")
    assert runs.loc["own_networks", "identity"].tolist()[0] == record["identity"]
    assert set(runs.loc["own_networks", "network"]) == {"nets:small"}
    joined = pd.read_parquet(built.work / TABLE).merge(runs.reset_index())
    assert len(joined) == 2 * 5
    assert set(joined["loss"]) == {"cross_entropy"}
    assert (built.work / "figures/own/layers.pdf").read_bytes()[:5] == b"%PDF-"


def test_other_weights_are_measured_again_and_nothing_else(built, tmp_path):
    place = built.copy(tmp_path)
    assert place.plan(study="own") == {}
    torch.save(network(4).state_dict(), place.work / "weights.pt")
    found = jobs_run(place.run(study="own"))
    assert found == {
        **{"measure_own_network": 2, "combine_own_networks": 1, "list_runs": 1, "plot_figure": 1},
        "check_claims": 1,
    }
    torch.save(network(3).state_dict(), place.work / "weights.pt")
    place.run(study="own")
    assert (place.work / TABLE).read_bytes() == (built.work / TABLE).read_bytes()


@pytest.fixture(scope="module")
def refusals(built, tmp_path_factory) -> dict[str, str]:
    """What is printed of each network that cannot be measured."""
    place = built.copy(tmp_path_factory.mktemp("refused"))
    weights = network(3).state_dict()
    torch.save({f"module.{name}": value for name, value in weights.items()}, place.work / "dp.pt")
    torch.save(network(3), place.work / "pickled.pt")
    blocks = {
        "layer": {"layers": ["0", "5"]},
        "near": {"layers": "44"},
        "keys": {"checkpoint": "dp.pt"},
        "pickled": {"checkpoint": "pickled.pt"},
        "function": {"network": "nets:smal"},
        # To be trained, and refused before.
        "unnamed": {"checkpoint": None, "epochs": 2, "layers": ["3"]},
        "both": {"checkpoint": None, "epochs": 2, "layers": "all", "network": "nets:both"},
    }
    blocks = [block | {"name": name, "datasets": ["few"]} for name, block in blocks.items()]
    place.configure(with_networks(STUDY | {"figures": {}}, *blocks))
    place.run("tables", "--keep-going", study="own", succeed=False)
    logs = "results/own/own_networks/few/{}/seed0/logs/{}_own_network.log"
    return {
        block["name"]: Path(
            place.work, logs.format(block["name"], "train" if "epochs" in block else "measure")
        ).read_text()
        for block in blocks
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("layer", "layer '5' is a Tanh; only linear layers (Linear) and convolutions"),
        ("near", "the network has no layer '44'; did you mean '4'?"),
        ("keys", "dp.pt is of another network: it lacks 0.weight, 0.bias, 1.weight and "),
        ("pickled", "pickled.pt is damaged, or holds more than tensors: Python objects are"),
        ("function", "'nets:smal' cannot be found"),
        ("unnamed", "layer '3' is a Flatten; only linear layers (Linear) and convolutions"),
        ("both", "the network makes a tuple of a batch of 40 images in training mode"),
    ],
)
def test_what_cannot_be_measured_is_told_in_the_last_line_of_the_log(refusals, name, message):
    (last,) = refusals[name].strip().splitlines()[-1:]
    assert re.fullmatch(rf"(measure|train)_own_network: {re.escape(message)}.*", last)
    assert "Traceback" not in refusals[name]
    assert "epoch" not in refusals[name]


# Trained here

HOW = {"loss": "mse", "learning_rate": 0.1, "momentum": 0.9, "recreate_optimizer": False}
HOW |= {"batch_size": 16, "epochs": 6, "measure_every": 2}
TRAINED = STUDY | {
    "seeds": [0, 1],
    "datasets": {"digits": STUDY["datasets"]["digits"]},
    "networks": [],
    "own_networks": [HOW | {"network": "nets:mlp"}],
    "figures": {
        "layers": {"plot": "network_layers"},
        "nfa": {"plot": "overlay", "y": "nfa", "x": "epoch"},
    },
}
MLP = "results/own/own_networks/digits/mlp/seed0"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Workplace:
    """A study of a network that is trained here, whole."""
    place = Workplace.make(tmp_path_factory.mktemp("trained"), {"own": TRAINED})
    (place.work / "nets.py").write_text(NETS)
    place.run(study="own")
    return place


def digits_of(place: Workplace) -> Dataset:
    path = place.work / "results/own/data/digits.safetensors"
    return load_dataset(path, read_identity(path))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_network_like_the_projects_own_is_trained_and_measured_as_that(trained, seed):
    """The same losses to the last bit, and the same layers; seed by seed, epoch by epoch."""
    table = pd.read_parquet(trained.work / TABLE).query(f"seed == {seed}")
    data, layers = digits_of(trained), {1: "2", 2: "4", 3: "6"}
    assert dict(zip(table["layer"], table["layer_name"], strict=True)) == layers
    architecture = dataclasses.replace(papers.mlp(16, 0.5), hidden_layers=2)
    network = build(architecture, data.image_shape, data.classes, seed)
    settings = Settings("sgd", 0.1, 0.9, False, 16, 6, 2, "float32", mse.loss)
    x, measured = data.x.float(), []
    for _, progress in train(Trainer(network, data, settings, seed, torch.device("cpu"))):
        if progress is None:
            continue
        measured.append(progress.epoch)
        rows = table[table["epoch"] == progress.epoch]
        assert len(rows) == 3 + 3 + 2
        for name, value in dataclasses.asdict(progress).items():
            assert rows[name].tolist() == [value] * 8
        assert set(rows["fitted"]) == {progress.train_loss <= 0.05}
        head = measure_head(network, x, data.class_counts)
        points = list(layer_points(network, x))
        for layer, found in enumerate(head, start=1):
            of_layer = rows[rows["layer"] == layer].set_index("stage")
            assert of_layer["nfa"].tolist() == pytest.approx([ansatz.nfa(found)] * 3, abs=1e-5)
            for stage, name in (("right", "preactivation"), ("full", "activation")):
                nc1 = collapse.measure(points[layer][name].double(), data.class_counts).nc1
                assert of_layer.loc[stage, "nc1"] == pytest.approx(nc1, rel=1e-6)
    assert measured == [0, 2, 4, 6]


def test_seeds_differ(trained):
    table = pd.read_parquet(trained.work / TABLE).query("layer == 1 and stage == 'right'")
    assert (table.groupby("epoch")["nc1"].nunique() == 2).all()
    assert (table.groupby("epoch")["nfa_independent"].nunique() == 2).all()
    # Whose AGOP is another network's, not that of its own initialisation.
    begin = table[table["epoch"] == 0]
    assert (begin["nfa"] - begin["nfa_independent"]).abs().min() > 0.01


def test_its_weights_are_those_of_the_function(trained):
    """An epoch's file can be read into it, and is a checkpoint of another block as it stands."""
    place = trained.work / MLP
    training, record = (
        json.loads((place / name).read_text()) for name in ("training.json", "run.json")
    )
    assert training["identity"] == read_identity(place / "checkpoints")
    assert "layers" not in training["settings"]
    assert record["identity"] == read_identity(place / "network_layers.parquet")
    assert record["settings"]["layers"] == "all"
    found: dict = {}
    exec(NETS, found)
    one, other = (found["mlp"]((1, 8, 8), 10).eval() for _ in range(2))
    stem = read_identity(place / "checkpoints" / "epoch_00006.safetensors")
    progress = load_weights(one, place / "checkpoints", 6, stem)
    own.load_weights(other, place / "checkpoints" / "epoch_00006.safetensors")
    x = digits_of(trained).x.float().unflatten(1, (1, 8, 8))
    assert torch.equal(one(x), other(x))
    assert progress.epoch == 6
    runs = pd.read_parquet(trained.work / "results/own/tables/runs.parquet")
    assert set(runs["identity"]) > {training["identity"]}
    assert runs[["epochs", "momentum"]].to_numpy().tolist() == [[6, 0.9]] * 2
    for name in ("layers", "nfa"):
        assert (trained.work / f"figures/own/{name}.pdf").read_bytes()[:5] == b"%PDF-"


def test_other_layers_are_measured_without_training_again(trained, tmp_path):
    place = trained.copy(tmp_path)
    assert place.plan(study="own") == {}
    place.configure(
        {"own": TRAINED | {"own_networks": [HOW | {"network": "nets:mlp", "layers": ["6"]}]}}
    )
    planned = set(place.plan(study="own").values())
    assert planned == {
        *("measure_own_network", "combine_own_networks", "plot_figure", "check_claims"),
    }


def test_killed_in_its_training_it_ends_in_the_bytes_of_an_unbroken_one(trained, tmp_path):
    place, target = trained.copy(tmp_path), f"{MLP}/network_layers.parquet"
    for folder in (MLP, STORE):
        shutil.rmtree(place.work / folder)
    (place.work / "kill").touch()
    place.run(target, study="own", succeed=False)
    left = place.work / MLP / "checkpoints.partial"
    assert {path.stem for path in left.glob("epoch*")} == {"epoch_00000", "epoch_00002"}
    (place.work / "kill").unlink()
    place.run(target, study="own")
    assert "computing on cpu from epoch 2" in place.log(f"{MLP}/logs/train_own_network.log")
    assert contents(place.work / "results") == contents(trained.work / "results")
