"""The paper's figures of its real data sets, small: from files through Snakemake to the figures.

What is expected is read from the files once more, past the library, and computed by the oracle.
"""

import math
import re
import zlib
from itertools import product
from pathlib import Path

import numpy as np
import oracle
import pandas as pd
import pytest
import torch
import yaml
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files import tables
from agop_collapse.files.stamp import read_identity
from agop_collapse.plan.figure_kinds import FIGURE_KINDS, PAPER_FIGURES
from agop_collapse.plan.registry import DATASET_LABELS
from agop_collapse.plots import trust
from PIL import Image
from safetensors.torch import load_file
from torchvision import datasets
from workflow_helpers import ROOT, Workplace, jobs_run

pytestmark = pytest.mark.slow

N = 300
CLASSES = range(10)
SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32), "svhn": (3, 32, 32)}
SETS = list(SHAPES)
MODELS = ["mlp", "resnet18", "vgg11"]
MAPS = ["relu", "cos"]
DEPTH, WIDTH = 3, 128
LAYERS = range(1, DEPTH + 1)
EPOCHS = [0, 2]
DEEP_RFM = [
    {"feature_map": "relu", "depth": DEPTH, "width": WIDTH},
    {"feature_map": "cos", "depth": DEPTH, "n_features": WIDTH, "gamma": 0.1},
]
NETWORK = {"width": 64, "gain": 1.0, "epochs": 2, "measure_every": 2}
NETWORK |= {"batch_size": 32, "learning_rate": 0.02, "momentum": 0.9}


# The figures that config.yaml has for the paper's study, and two of v1.
STUDIES = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]
FIGURES = {
    name: block for name, block in STUDIES["paper"]["figures"].items() if name in PAPER_FIGURES
}
FIGURES |= {"v1_fig02": None, "v1_fig03": None}
FITS_NEEDED = [
    name for name in FIGURES if "network_training" in FIGURE_KINDS[PAPER_FIGURES[name].kind].tables
]


@pytest.fixture(scope="module")
def roots(real_root) -> dict[str, Path]:
    """Where each set lies."""
    return {name: real_root(name) / name for name in SETS}


@pytest.fixture(scope="module")
def place(roots, tmp_path_factory) -> Workplace:
    """The study, built once. Not to be changed by a test."""
    folders = {
        name: {"kind": "image_folder", "n": N, "path": str(roots[name] / "train")}
        for name in ("cifar10", "svhn")
    }
    study = {
        "seeds": [0],
        "device": "cpu",
        "datasets": {"mnist": {"kind": "mnist", "n": N}} | folders,
        "deep_rfm": DEEP_RFM,
        "networks": [NETWORK | {"model": model} for model in MODELS],
        "figures": FIGURES,
    }
    place = Workplace.make(tmp_path_factory.mktemp("real"), {"tiny": study})
    place.built = place.run("all", environment={"AGOP_COLLAPSE_DATA": str(roots["mnist"].parent)})
    return place


def table(place: Workplace, name: str) -> pd.DataFrame:
    path = place.work / f"results/tiny/tables/{name}.parquet"
    return tables.load(path, name, read_identity(path))


def weights_at(place: Workplace, name: str, model: str, epoch: int) -> dict[str, torch.Tensor]:
    folder = place.work / f"results/tiny/networks/{name}/{model}/seed0/checkpoints"
    return load_file(folder / f"epoch_{epoch:05d}.safetensors")


# What is expected


def first_images(name: str, root: Path) -> tuple[np.ndarray, list[int]]:
    """Bytes (n, pixels) and labels of the first images of a set."""
    if name == "mnist":
        labels = (root / "MNIST" / "raw" / "train-labels-idx1-ubyte").read_bytes()[8 : 8 + N]
        return datasets.MNIST(root, train=True).data[:N].flatten(1).numpy(), list(labels)
    files = sorted((root / "train").glob("*/*.png"), key=lambda file: file.name)[:N]
    names = sorted(folder.name for folder in (root / "train").iterdir())
    pictures = [np.asarray(Image.open(file)).transpose(2, 0, 1).flatten() for file in files]
    return np.array(pictures), [names.index(file.parent.name) for file in files]


@pytest.fixture(scope="module")
def expected(roots) -> dict[str, tuple[np.ndarray, list[int]]]:
    """Standardised points sorted by class, and their labels, of each set."""
    sets = {}
    for name in SETS:
        pixels, labels = first_images(name, roots[name])
        by_class = [i for k in CLASSES for i, label in enumerate(labels) if label == k]
        points = oracle.standardised(pixels / 255, pixels / 255)[by_class]
        sets[name] = points, sorted(labels)
    return sets


def nc1(points: np.ndarray, labels: list[int]) -> float:
    """The oracle's, in the coordinates of the points' span: 300 of them for 3,072 pixels."""
    coordinates = torch.linalg.qr(torch.tensor(points.T)).R.T.numpy()
    return oracle.nc1(coordinates, [labels.count(k) for k in CLASSES])


# Data sets


@pytest.mark.parametrize("name", SETS)
def test_prepared_points_are_the_first_images(place, expected, name):
    points, labels = expected[name]
    path = place.work / f"results/tiny/data/{name}.safetensors"
    data = load_dataset(path, read_identity(path))
    assert set(labels) == set(CLASSES)
    assert data.labels.tolist() == labels
    assert (data.image_shape, data.classes) == (SHAPES[name], 10)
    np.testing.assert_allclose(data.x, points, rtol=1e-5, atol=1e-6)  # stored in float32


def test_nothing_is_downloaded_and_every_run_is_made_once(place):
    assert jobs_run(place.built) == {
        "prepare_data": 3,
        "build_deep_rfm": 6,
        "measure_deep_rfm": 6,
        "train_network": 9,
        "measure_network": 9,
        "combine_deep_rfm": 1,
        "combine_networks": 1,
        "summarise_nfa": 1,
        "list_runs": 1,
        "check_claims": 1,
        "plot_figure": 15,
    }


# Tables

DEEP_RFM_RUNS = list(product(SETS, ["laplace"], MAPS, ["agop"], [0]))
DEEP_RFM_COLUMNS = ["dataset", "kernel", "feature_map", "projection", "seed"]
NETWORKS = list(product(SETS, MODELS, [0]))
NETWORK_COLUMNS = ["dataset", "model", "seed"]
HEAD = range(1, 6)


def keys_of(frame: pd.DataFrame, columns: list[str]) -> list[tuple]:
    return sorted(frame[columns].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("name", "columns", "keys"),
    [
        ("deep_rfm", ["layer", "stage"], [*product(LAYERS, ["X", "MX", "PhiMX"])]),
        ("gram", ["layer", "applied_layer"], [(1, 0), (2, 1), (3, 2), (4, 3)]),
        (
            "network_nc",
            ["epoch", "layer", "stage"],
            [*product(EPOCHS, HEAD, ["input", "right", "full"])],
        ),
        ("network_nfa", ["epoch", "layer"], [*product(EPOCHS, HEAD)]),
        ("network_training", ["epoch"], [*product(EPOCHS)]),
    ],
)
def test_a_table_has_its_rows_of_every_run_and_no_others(place, name, columns, keys):
    networks = name.startswith("network")
    runs = NETWORKS if networks else DEEP_RFM_RUNS
    named_by = NETWORK_COLUMNS if networks else DEEP_RFM_COLUMNS
    expected = sorted((*run, *key) for run in runs for key in keys)
    assert keys_of(table(place, name), [*named_by, *columns]) == expected


def test_a_spectrum_has_an_eigenvalue_for_each_dimension(place):
    counts = table(place, "agop_spectrum").groupby([*DEEP_RFM_COLUMNS, "layer"])["index"].count()
    pixels = {name: math.prod(shape) for name, shape in SHAPES.items()}
    assert counts.to_dict() == {
        (*run, layer): pixels[run[0]] if layer == 1 else WIDTH
        for run in DEEP_RFM_RUNS
        for layer in LAYERS
    }


def test_the_summary_has_the_papers_numbers_where_it_states_some(place):
    summary = table(place, "nfa_summary").set_index(["dataset", "model"])
    assert sorted(summary.index) == sorted(product(SETS, MODELS))
    assert (summary["values"] == len(HEAD)).all()
    assert summary["paper_mean"].dropna().to_dict() == {
        ("mnist", "mlp"): 0.74,
        ("cifar10", "resnet18"): 0.74,
    }


# Deep RFM


@pytest.mark.parametrize("name", SETS)
def test_nc1_of_the_input_is_the_oracles(place, expected, name):
    points, labels = expected[name]
    found = table(place, "deep_rfm").query("dataset == @name and layer == 1 and stage == 'X'")
    assert sorted(found["feature_map"]) == sorted(MAPS)
    np.testing.assert_allclose(found["nc1"], nc1(oracle.unit(points), labels), rtol=1e-5)
    # Networks take the points as they are, not of unit norm.
    head = table(place, "network_nc").query(
        "dataset == @name and model == 'mlp' and layer == 1 and stage == 'input'"
    )
    assert sorted(head["epoch"]) == EPOCHS
    np.testing.assert_allclose(head["nc1"], nc1(points, labels), rtol=1e-5)


@pytest.mark.parametrize("run", [*product(SETS, MAPS)], ids="-".join)
def test_projection_collapses_in_every_layer(place, run):
    found = table(place, "deep_rfm").set_index(["dataset", "feature_map"]).loc[run]
    by_stage = found.pivot(index="layer", columns="stage", values="nc1")
    assert (by_stage["MX"] < by_stage["X"]).all()
    assert by_stage.loc[DEPTH, "MX"] < 0.2 * by_stage.loc[1, "X"]


def test_every_layer_fits_its_labels_and_can_be_trusted(place):
    found = table(place, "deep_rfm")
    assert found["valid"].all()
    assert (found["train_accuracy"] == 1).all()
    assert (found["train_mse"] < 1e-15).all()


# Networks


@pytest.mark.parametrize("name", SETS)
def test_images_reach_the_networks_in_their_shape(place, name):
    pixels, channels = math.prod(SHAPES[name]), SHAPES[name][0]
    shapes = {
        "mlp": {"hidden.0.weight": (64, pixels)},
        "resnet18": {
            "backbone.1.conv1.weight": (64, channels, 7, 7),
            "hidden.0.weight": (64, 512),
        },
        "vgg11": {"backbone.1.0.weight": (64, channels, 3, 3), "hidden.0.weight": (64, 8192)},
    }
    for model, expected in shapes.items():
        weights = weights_at(place, name, model, 0)
        assert {key: tuple(weights[key].shape) for key in expected} == expected
        assert tuple(weights["readout.weight"].shape) == (10, 64)


def test_networks_begin_near_zero_and_learn(place):
    """Targets are +-1, so the loss of no output at all is 1."""
    losses = table(place, "network_training").pivot(
        index=NETWORK_COLUMNS, columns="epoch", values="train_loss"
    )
    np.testing.assert_allclose(losses[0], 1, atol=0.1)
    assert (losses[2] < 0.8 * losses[0]).all()


@pytest.mark.parametrize("name", SETS)
def test_losses_of_the_mlp_are_those_of_its_weights(place, expected, name):
    points, labels = expected[name]
    training = table(place, "network_training").query("dataset == @name and model == 'mlp'")
    for epoch, loss in zip(training["epoch"], training["train_loss"], strict=True):
        weights = weights_at(place, name, "mlp", epoch)
        layers = [weights[f"hidden.{layer}.weight"] for layer in range(5)]
        outputs = oracle.forward([*layers, weights["readout.weight"]], torch.tensor(points).float())
        error = outputs.numpy() - oracle.plus_minus_one(labels, 10)
        assert loss == pytest.approx((error**2).mean(), rel=1e-5)


# Figures


def text_of(pdf: bytes) -> str:
    """The strings that a PDF shows, joined."""
    strings: list[bytes] = []
    for stream in re.findall(rb"stream\n(.*?)\nendstream", pdf, flags=re.DOTALL):
        if stream.startswith(b"x"):  # compressed
            strings += re.findall(rb"\(((?:\\.|[^()\\])*)\)", zlib.decompress(stream), re.DOTALL)
    return re.sub(rb"[\0\\]", b"", b"".join(strings)).decode("latin-1")


def test_every_figure_is_there_twice_and_no_other(place):
    found = {path.name for path in (place.work / "figures" / "tiny").iterdir()}
    assert found == {f"{name}.{end}" for name in FIGURES for end in ("pdf", "png")}
    assert {f"fig{number:02d}" for number in range(1, 13)} < set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_each_of_its_data_sets(place, name):
    rows = (FIGURES[name] or {}).get("rows", [{"dataset": each} for each in SETS])
    text = text_of((place.work / f"figures/tiny/{name}.pdf").read_bytes())
    for row in rows:
        in_footer = f"{DATASET_LABELS[row['dataset']]} (n = 300)"
        assert in_footer in text
        assert DATASET_LABELS[row["dataset"]] in text.replace(in_footer, "")
    image = np.asarray(Image.open(place.work / f"figures/tiny/{name}.png").convert("RGB"), int)
    coloured = image.max(axis=2) - image.min(axis=2) > 30
    for part in np.array_split(coloured, len(rows)):
        assert part.mean() > 0.002


def test_unfitted_networks_are_known(place):
    rows = [
        {
            "label": f"{name}, {model}",
            "runs": [{"study": "tiny", "dataset": name, "run": model}],
        }
        for name, model in product(SETS, MODELS)
    ]
    said = trust.note({"network_training": table(place, "network_training")}, rows)
    assert said == f". Not fitted: {'; '.join(row['label'] for row in rows)}"
    assert not table(place, "nfa_summary")["fitted"].any()


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_unfitted_networks_say_so(place, name):
    text = text_of((place.work / f"figures/tiny/{name}.pdf").read_bytes())
    # "fi" is one glyph, which is not among the strings.
    assert ("tted: " in text) == (name in FITS_NEEDED)
