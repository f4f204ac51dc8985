"""A network of the user's own, from its state dict to the table and the figure."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files.stamp import read_identity
from agop_collapse.metrics import ansatz
from agop_collapse.metrics.any_network import measure_layers
from torch import nn
from workflow_helpers import Workplace, jobs_run

pytestmark = pytest.mark.slow

NETS = """
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
        for stage, collapse in expected.stages.items():
            assert rows.loc[stage, "nc1"] == pytest.approx(collapse.nc1, rel=1e-6)
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
    }
    blocks = [block | {"name": name, "datasets": ["few"]} for name, block in blocks.items()]
    place.configure(with_networks(STUDY | {"figures": {}}, *blocks))
    place.run("tables", "--keep-going", study="own", succeed=False)
    logs = "results/own/own_networks/few/{}/seed0/logs/measure_own_network.log"
    return {
        block["name"]: Path(place.work, logs.format(block["name"])).read_text() for block in blocks
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("layer", "layer '5' is a Tanh; only linear layers (Linear) and convolutions"),
        ("near", "the network has no layer '44'; did you mean '4'?"),
        ("keys", "dp.pt is of another network: it lacks 0.weight, 0.bias, 1.weight and "),
        ("pickled", "pickled.pt is damaged, or holds more than tensors: Python objects are"),
        ("function", "'nets:smal' cannot be found"),
    ],
)
def test_what_cannot_be_measured_is_told_in_the_last_line_of_the_log(refusals, name, message):
    last = refusals[name].strip().splitlines()[-1]
    assert last.startswith(f"measure_own_network: {message}")
    assert "Traceback" not in refusals[name]
