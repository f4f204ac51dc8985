"""The files of a run's layers: read as written, and nothing else read in their place."""

import dataclasses
import math
import shutil
from pathlib import Path

import papers
import pytest
import torch
from agop_collapse.data.dataset import Dataset
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.stamp import read_identity
from agop_collapse.files.store import Store
from agop_collapse.files.tensors import load_tensors, save_tensors
from agop_collapse.machine.checkpoints import (
    LAYER_FILE,
    PREDICTOR_FILE,
    count_layers,
    fetch_layers,
    keep_layer,
    keep_predictor,
    load_layer,
    load_predictor,
    save_layer,
    save_predictor,
)
from agop_collapse.machine.deep_rfm import Fit, Layer, Predictor, build
from processes import written_twice

CPU = torch.device("cpu")
A, B, C = "a1" * 32, "b2" * 32, "c3" * 32


@pytest.fixture
def data(few_digits) -> Dataset:
    return few_digits


def layers_of(data: Dataset, feature_map: str, iterations: int = 1) -> list[Layer]:
    settings = papers.settings(
        feature_map=feature_map, depth=3, width=16, n_features=12, iterations=iterations
    )
    return list(build(data, settings, 0, CPU))


def test_a_bias_of_relu_features_is_kept(data, tmp_path):
    wanted = papers.settings(depth=1, width=16, feature_bias=0.5)
    (layer,) = build(data, wanted, 0, CPU)
    assert layer.features.bias.shape == (16,)
    save_layer(tmp_path, 1, layer, A)
    assert_same(load_layer(tmp_path, 1, A), layer)


def assert_same(found: Layer, expected: Layer) -> None:
    for name in ("x", "root", "alpha", "eigenvalues"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
    assert found.features.kind == expected.features.kind
    assert torch.equal(found.features.weight, expected.features.weight)
    assert (found.metric is None) == (expected.metric is None)
    if expected.metric is not None:
        assert torch.equal(found.metric, expected.metric)
    assert (found.features.bias is None) == (expected.features.bias is None)
    if expected.features.bias is not None:
        assert torch.equal(found.features.bias, expected.features.bias)
    assert found.fit == expected.fit


@pytest.mark.parametrize(
    ("feature_map", "iterations"), [("relu", 1), ("cos", 1), ("linear", 1), ("relu", 2)]
)
def test_layers_are_read_as_they_were_written(data, tmp_path, feature_map, iterations):
    layers = layers_of(data, feature_map, iterations)
    for number, layer in enumerate(layers, start=1):
        save_layer(tmp_path, number, layer, A)
    for number, layer in enumerate(layers, start=1):
        assert_same(load_layer(tmp_path, number, A), layer)
    path = tmp_path / "layer_02.safetensors"
    _, header = load_tensors(path, A)
    assert header == {
        "layer": 2,
        "fit": dataclasses.asdict(layers[1].fit),
        "features": feature_map,
        "versions": {"torch": torch.__version__},
    }
    assert read_identity(path) == A


@pytest.mark.parametrize("iterations", [1, 2])
def test_the_predictor_is_read_as_it_was_written(data, tmp_path, iterations):
    layer = layers_of(data, "relu", iterations)[2]
    fit = dataclasses.replace(layer.fit, within_distance=math.inf)
    save_predictor(tmp_path, 3, Predictor(layer.x, layer.alpha, fit, layer.metric), A)
    found = load_predictor(tmp_path, 3, A)
    assert torch.equal(found.x, layer.x)
    assert torch.equal(found.alpha, layer.alpha)
    assert found.fit == fit
    assert (found.metric is None) == (iterations == 1)
    if iterations > 1:
        assert torch.equal(found.metric, layer.metric)
    assert read_identity(tmp_path / "predictor.safetensors") == A


@pytest.mark.parametrize(
    "change",
    [
        {"test_accuracy": None},
        {"within_distance": math.inf},
        {"between_distance": math.inf},
        {"valid": False},
    ],
    ids=["no test points", "one point a class", "all points equal", "not valid"],
)
def test_every_fit_can_be_written(data, tmp_path, change):
    layer = layers_of(data, "relu")[0]
    layer = dataclasses.replace(layer, fit=dataclasses.replace(layer.fit, **change))
    save_layer(tmp_path, 1, layer, A)
    assert isinstance(load_layer(tmp_path, 1, A).fit, Fit)
    assert_same(load_layer(tmp_path, 1, A), layer)


def test_layers_count_up_to_the_first_that_is_missing(data, tmp_path):
    layers = layers_of(data, "relu")
    assert count_layers(tmp_path) == 0
    for number in (1, 3):
        save_layer(tmp_path, number, layers[number - 1], A)
    assert count_layers(tmp_path) == 1
    save_layer(tmp_path, 2, layers[1], A)
    assert count_layers(tmp_path) == 3


def test_a_deeper_run_begins_with_a_shallower_ones_layers(data, tmp_path):
    """And has a predictor of its own, which is that of the next run as deep."""
    store, folder, layers = Store(tmp_path / "store", A), tmp_path / "run", layers_of(data, "relu")
    for number, layer in enumerate(layers, start=1):
        save_layer(folder, number, layer, A)
        keep_layer(store, folder, number)
    last = layers[2]
    save_predictor(folder, 4, Predictor(last.x, last.alpha, last.fit), B)
    keep_predictor(store, folder, 3)
    for depth, identity, found in ((5, C, 3), (2, C, 2), (3, B, 3)):
        run = tmp_path / f"depth {depth}"
        fetch_layers(store, run, depth, identity)
        assert count_layers(run) == found
        assert (run / PREDICTOR_FILE).exists() == (depth == 3)
        for number in range(1, found + 1):
            assert_same(load_layer(run, number, A), layers[number - 1])
    assert torch.equal(load_predictor(tmp_path / "depth 3", 4, B).alpha, last.alpha)


@pytest.mark.parametrize(
    ("name", "shape"), [("root", (64, 63)), ("alpha", (299, 10)), ("weight", (16, 63))]
)
def test_tensors_that_do_not_belong_together_are_refused(data, tmp_path, name, shape):
    save_layer(tmp_path, 1, layers_of(data, "relu")[0], A)
    path = tmp_path / LAYER_FILE.format(1)
    tensors, header = load_tensors(path, A)
    save_tensors(path, tensors | {name: torch.zeros(shape, dtype=torch.float64)}, A, header)
    with pytest.raises(StorageError, match=rf"{path}: {name} has shape \({shape[0]}, {shape[1]}\)"):
        load_layer(tmp_path, 1, A)


@pytest.fixture
def folder(data, tmp_path) -> Path:
    """Layers of the identities A and B."""
    layers = layers_of(data, "relu")
    for identity, name in ((A, "layers"), (B, "other/layers")):
        for number, layer in enumerate(layers, start=1):
            save_layer(tmp_path / name, number, layer, identity)
    return tmp_path / "layers"


def assert_refused(folder: Path, number: int, reason: str, identity: str = A) -> None:
    """With advice that mends it."""
    with pytest.raises(StorageError) as refusal:
        load_layer(folder, number, identity)
    assert f"{folder}/layer_0{number}.safetensors {reason}" in str(refusal.value)
    assert f"delete {folder} and run again" in str(refusal.value)


def test_layers_of_another_identity_are_refused(folder):
    assert_refused(folder, 1, "holds results of other settings, data or code", B)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_layer_of_another_identity_is_refused_among_others(folder, number):
    name = LAYER_FILE.format(number)
    shutil.copy(folder.parent / "other" / "layers" / name, folder)
    assert_refused(folder, number, "holds results of other settings, data or code")


@pytest.mark.parametrize(("number", "swapped_for"), [(1, 2), (2, 1), (2, 3), (3, 1)])
def test_another_layer_of_the_same_run_is_refused(folder, number, swapped_for):
    """Layers 2 and 3 have the same shapes: nothing but the number tells them apart."""
    shutil.copy(folder / LAYER_FILE.format(swapped_for), folder / LAYER_FILE.format(number))
    assert_refused(folder, number, f"holds layer {swapped_for}, expected layer {number}")


def test_what_is_not_the_predictor_of_this_run_is_refused(folder):
    """Of another run, behind another depth, or one of its layers."""
    path, layer = folder / "predictor.safetensors", load_layer(folder, 2, A)
    other = Predictor(layer.x, layer.alpha, layer.fit)
    save_predictor(folder, 4, other, B)
    with pytest.raises(StorageError, match=f"{path} holds results of other settings"):
        load_predictor(folder, 4, A)
    save_predictor(folder, 3, other, A)
    with pytest.raises(StorageError, match=f"{path} holds layer 3, expected layer 4"):
        load_predictor(folder, 4, A)
    shutil.copy(folder / LAYER_FILE.format(3), path)
    with pytest.raises(StorageError, match=f"{path} holds layer 3, expected layer 4"):
        load_predictor(folder, 4, A)
    save_predictor(folder, 4, dataclasses.replace(other, alpha=layer.alpha[1:]), A)
    with pytest.raises(StorageError, match=rf"{path}: alpha has shape \(299, 10\)"):
        load_predictor(folder, 4, A)


def test_a_file_that_holds_no_layer_is_refused(folder):
    save_tensors(folder / LAYER_FILE.format(1), {"x": torch.ones(2, 2)}, A, {})
    assert_refused(folder, 1, "holds no layer, expected layer 1")


def test_a_layer_cut_short_is_refused(folder):
    path = folder / LAYER_FILE.format(2)
    path.write_bytes(path.read_bytes()[:-100])
    assert_refused(folder, 2, "is damaged")


def test_a_changed_digit_is_refused(folder):
    path = folder / LAYER_FILE.format(2)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert_refused(folder, 2, "is damaged (its checksum is another)")


def test_a_missing_layer_is_refused(folder):
    with pytest.raises(StorageError, match=r"layer_04.safetensors is missing; delete .*/layers "):
        load_layer(folder, 4, A)


def test_bytes_are_the_same_in_two_processes(tmp_path):
    first, second = written_twice(
        f"""
import torch
from agop_collapse.machine import checkpoints
from agop_collapse.machine.deep_rfm import Fit, Layer
from agop_collapse.machine.random_features import FeatureMap
checkpoints.LAYER_FILE = path.name
x, root, alpha, weight = (torch.ones(2, 2) for _ in range(4))
fit = Fit(0.5, 1e-9, 2.0, float("inf"), 0.1, 1.0, None, True)
layer = Layer(x, root, FeatureMap("relu", weight), alpha, torch.ones(2), fit)
checkpoints.save_layer(path.parent, 1, layer, "{A}")
""",
        tmp_path,
    )
    assert first == second
