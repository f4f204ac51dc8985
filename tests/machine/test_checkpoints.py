"""The files of a run's layers and epochs: read as written, and resumed from where they end."""

import copy
import dataclasses
import math
import shutil
from pathlib import Path

import papers
import pytest
import torch
from agop_collapse.data.dataset import Dataset
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.tensors import load_tensors, save_tensors
from agop_collapse.machine import checkpoints as layer_files
from agop_collapse.machine.checkpoints import load_layer, load_layers_so_far, save_layer
from agop_collapse.machine.deep_rfm import Fit, Layer, build
from agop_collapse.networks.architecture import Architecture
from agop_collapse.networks.architecture import build as build_network
from agop_collapse.networks.checkpoints import finish, load_epoch, load_weights, resume, save_epoch
from agop_collapse.networks.training import Progress, Trainer, train
from agop_collapse.networks.training import Settings as Training

CPU = torch.device("cpu")
PROVENANCE = {"study": "tiny", "seed": 0, "fingerprint": "0123"}


@pytest.fixture
def data(few_digits) -> Dataset:
    return few_digits


def layers_of(data: Dataset, feature_map: str) -> list[Layer]:
    settings = papers.settings(feature_map=feature_map, depth=3, width=16, n_features=12)
    return list(build(data, settings, 0, CPU))


def assert_same(found: Layer, expected: Layer) -> None:
    for name in ("x", "root", "alpha", "eigenvalues"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
    assert torch.equal(found.features.weight, expected.features.weight)
    assert (found.features.bias is None) == (expected.features.bias is None)
    if expected.features.bias is not None:
        assert torch.equal(found.features.bias, expected.features.bias)
    assert found.fit == expected.fit


@pytest.mark.parametrize("feature_map", ["relu", "cos"])
def test_layers_are_read_as_they_were_written(data, tmp_path, feature_map):
    layers = layers_of(data, feature_map)
    for number, layer in enumerate(layers, start=1):
        save_layer(tmp_path, number, layer, PROVENANCE)
    for number, layer in enumerate(layers, start=1):
        assert_same(load_layer(tmp_path, number), layer)
    _, header = load_tensors(tmp_path / "layer_02.safetensors")
    assert PROVENANCE.items() <= header.items()
    assert header["layer"] == 2
    assert header["versions"]["torch"] == torch.__version__


@pytest.mark.parametrize(
    "change",
    [{"test_accuracy": None}, {"within_distance": math.inf}, {"valid": False}],
    ids=["no test points", "one point a class", "not valid"],
)
def test_every_fit_can_be_written(data, tmp_path, change):
    layer = layers_of(data, "relu")[0]
    layer = dataclasses.replace(layer, fit=dataclasses.replace(layer.fit, **change))
    save_layer(tmp_path, 1, layer, PROVENANCE)
    assert isinstance(load_layer(tmp_path, 1).fit, Fit)
    assert_same(load_layer(tmp_path, 1), layer)


def test_layers_so_far_end_at_the_first_that_is_missing(data, tmp_path):
    layers = layers_of(data, "relu")
    assert load_layers_so_far(tmp_path, CPU) == []
    for number in (1, 3):
        save_layer(tmp_path, number, layers[number - 1], PROVENANCE)
    (found,) = load_layers_so_far(tmp_path, CPU)
    assert_same(found, layers[0])
    save_layer(tmp_path, 2, layers[1], PROVENANCE)
    for found, layer in zip(load_layers_so_far(tmp_path, CPU), layers, strict=True):
        assert_same(found, layer)


@pytest.mark.parametrize(
    ("name", "shape"), [("root", (64, 63)), ("alpha", (299, 10)), ("weight", (16, 63))]
)
def test_tensors_that_do_not_belong_together_are_refused(data, tmp_path, name, shape):
    save_layer(tmp_path, 1, layers_of(data, "relu")[0], PROVENANCE)
    path = tmp_path / layer_files.LAYER_FILE.format(1)
    tensors, header = load_tensors(path)
    save_tensors(path, tensors | {name: torch.zeros(shape, dtype=torch.float64)}, header)
    with pytest.raises(StorageError, match=rf"{path}: {name} has shape \({shape[0]}, {shape[1]}\)"):
        load_layer(tmp_path, 1)


# Networks

ARCHITECTURE = Architecture("mlp", 16, 0.3)


def new_trainer(data: Dataset, recreate: bool = False) -> Trainer:
    settings = Training("sgd", 0.1, 0.9, recreate, 64, 6, 2, "float32")
    network = build_network(ARCHITECTURE, data.image_shape, data.classes, seed=0)
    return Trainer(network, data, settings, 0, CPU)


def train_into(folder: Path, trainer: Trainer, copies: Path | None = None) -> None:
    """Train to the end; keep copies of the folder as it is after each of an epoch's two files."""
    for _, progress in train(trainer):
        if progress is None:
            continue
        state = folder / "optimizer.safetensors"
        old_state = state.read_bytes() if state.exists() else None
        save_epoch(folder, trainer, progress, PROVENANCE)
        if copies:
            shutil.copytree(folder, copies / f"after {progress.epoch}")
            between = copies / f"between the files of {progress.epoch}"
            shutil.copytree(folder, between)
            (between / state.name).unlink()
            if old_state is not None:
                (between / state.name).write_bytes(old_state)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_epoch(folder, 6)[0]


@pytest.fixture
def unbroken(data, tmp_path) -> Path:
    folder = tmp_path / "unbroken"
    folder.mkdir()
    train_into(folder, new_trainer(data), tmp_path / "killed")
    return folder


def test_training_killed_after_any_file_ends_alike(data, unbroken, tmp_path):
    """Also between an epoch's two files: the weights are new, the optimizer's state is not."""
    expected = weights(unbroken)
    begun = {}
    for folder in (tmp_path / "killed").iterdir():
        trainer = new_trainer(data)
        resume(trainer, folder)
        begun[folder.name] = trainer.epoch
        train_into(folder, trainer)
        found = weights(folder)
        assert all(torch.equal(found[name], expected[name]) for name in expected), folder
    assert begun == {
        "between the files of 0": 0,
        "after 0": 0,
        "between the files of 2": 0,
        "after 2": 2,
        "between the files of 4": 2,
        "after 4": 4,
        "between the files of 6": 4,
        "after 6": 6,
    }


def test_optimizers_state_is_needed_to_end_alike(data, unbroken, tmp_path):
    """The test above could otherwise not fail."""
    folder = tmp_path / "killed" / "after 2"
    trainer = new_trainer(data)
    resume(trainer, folder)
    stateless = new_trainer(data)
    stateless.resume(2, copy.deepcopy(trainer.network.state_dict()), {})
    train_into(folder, stateless)
    assert any(
        not torch.equal(weights(folder)[name], value) for name, value in weights(unbroken).items()
    )


def test_epochs_are_read_as_they_were_written(data, unbroken):
    trainer = new_trainer(data)
    assert load_weights(trainer.network, unbroken, 0) == trainer.evaluate()
    expected = [progress for _, progress in train(new_trainer(data)) if progress]
    assert [progress.epoch for progress in expected] == [0, 2, 4, 6]
    for progress in expected:
        assert load_weights(trainer.network, unbroken, progress.epoch) == progress


def test_finished_run_keeps_its_weights_only(unbroken):
    finish(unbroken)
    names = {path.name for path in unbroken.iterdir()}
    assert names == {f"epoch_0000{epoch}.safetensors" for epoch in (0, 2, 4, 6)}


def test_files_do_not_show_the_order_of_weights_in_memory(data, tmp_path):
    """A GPU has its convolutions channels last."""
    architecture = Architecture("vgg11", 16, 0.3)
    settings = new_trainer(data).settings
    files = []
    for layout in (torch.contiguous_format, torch.channels_last):
        network = build_network(architecture, data.image_shape, data.classes, seed=0)
        trainer = Trainer(network.to(memory_format=layout), data, settings, 0, CPU)
        folder = tmp_path / str(layout)
        folder.mkdir()
        save_epoch(folder, trainer, Progress(0, 1.0, None, 0.5, None), PROVENANCE)
        files.append(folder / "epoch_00000.safetensors")
    assert not network.backbone[1][3].weight.is_contiguous()
    assert files[0].read_bytes() == files[1].read_bytes()


def test_weights_of_another_architecture_are_refused(data, unbroken):
    other = build_network(Architecture("mlp", 17, 0.3), data.image_shape, data.classes, seed=0)
    with pytest.raises(StorageError, match=f"{unbroken}/epoch_00002.safetensors: "):
        load_weights(other, unbroken, 2)


def test_missing_epoch_is_refused(data, unbroken):
    with pytest.raises(StorageError, match=r"epoch_00003.safetensors is missing"):
        load_weights(new_trainer(data).network, unbroken, 3)
