"""The files of a run's epochs: read as written, resumed from where they end, never exchanged."""

import copy
import dataclasses
import shutil
from contextlib import nullcontext
from pathlib import Path

import papers
import pytest
import torch
from agop_collapse.common.errors import UserError
from agop_collapse.data.dataset import Dataset
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.stamp import read_identity
from agop_collapse.files.store import Store
from agop_collapse.files.tensors import load_tensors
from agop_collapse.networks import checkpoints
from agop_collapse.networks.activations import relu
from agop_collapse.networks.architecture import Architecture, build
from agop_collapse.networks.backbones import vgg11
from agop_collapse.networks.checkpoints import (
    EPOCH_FILE,
    OPTIMIZER_FILE,
    complete,
    expect_trained,
    fetch_epochs,
    finish,
    keep_epoch,
    load_epoch,
    load_weights,
    resume,
    save_epoch,
    trained,
)
from agop_collapse.networks.losses import mse
from agop_collapse.networks.training import Progress, Settings, Trainer, train

CPU = torch.device("cpu")
A, B = "a1" * 32, "b2" * 32


@pytest.fixture
def data(few_digits) -> Dataset:
    return few_digits


def new_trainer(data: Dataset, epochs: int = 6) -> Trainer:
    settings = Settings("sgd", 0.1, 0.9, False, 64, epochs, 2, "float32", mse.loss)
    network = build(papers.mlp(16, 0.3), data.image_shape, data.classes, seed=0)
    return Trainer(network, data, settings, 0, CPU)


def train_into(
    folder: Path, trainer: Trainer, copies: Path | None = None, identity: str = A
) -> None:
    """Train to the end; keep copies of the folder as it is after each of an epoch's two files."""
    for _, progress in train(trainer):
        if progress is None:
            continue
        state = folder / "optimizer.safetensors"
        old_state = state.read_bytes() if state.exists() else None
        save_epoch(folder, trainer, progress, identity)
        if copies:
            shutil.copytree(folder, copies / f"after {progress.epoch}")
            between = copies / f"between the files of {progress.epoch}"
            shutil.copytree(folder, between)
            (between / state.name).unlink()
            if old_state is not None:
                (between / state.name).write_bytes(old_state)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_epoch(folder, 6, A)[0]


@pytest.fixture
def unbroken(data, tmp_path) -> Path:
    folder = tmp_path / "unbroken" / "checkpoints"
    folder.mkdir(parents=True)
    train_into(folder, new_trainer(data), tmp_path / "killed")
    return folder


def test_training_killed_after_any_file_ends_alike(data, unbroken, tmp_path):
    """Also between an epoch's two files: the weights are new, the optimizer's state is not."""
    expected = weights(unbroken)
    begun = {}
    for folder in (tmp_path / "killed").iterdir():
        trainer = new_trainer(data)
        resume(trainer, folder, A)
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


class Failing(torch.nn.Module):
    """A layer that fails in the training pass after so many."""

    def __init__(self, after: float):
        super().__init__()
        self.left = after

    def forward(self, x):
        self.left -= self.training
        if self.left < 0:
            raise InterruptedError("as if it were killed")
        return x


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(("steps", "epoch"), [(0, 0), (7, 0), (17, 2)])
def test_a_folder_that_was_left_behind_is_gone_on_with(data, tmp_path, caplog, steps, epoch):
    """As of a network of one's own, of images; an epoch has 5 steps."""

    def train_a_network(folder: Path, after: float, made_on: str = "cpu") -> None:
        torch.manual_seed(0)
        layers = torch.nn.Flatten(), torch.nn.Linear(64, 9), torch.nn.ReLU(), torch.nn.Linear(9, 10)
        network, settings = torch.nn.Sequential(*layers, Failing(after)), new_trainer(data).settings
        trainer = Trainer(network, data, settings, 0, CPU, as_images=True, at_a_time=64)
        facts = {"device": made_on}
        store = Store(folder.with_name(f"store of {folder.name}"), A, **facts)
        checkpoints.train_into(folder, trainer, A, store, facts)

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train_a_network(whole, float("inf"))
    with pytest.raises(InterruptedError):
        train_a_network(broken, steps)
    assert not broken.exists()
    with caplog.at_level("INFO"):
        caplog.clear()
        train_a_network(broken, float("inf"))
    assert caplog.messages[0] == f"computing on cpu from epoch {epoch}"
    assert caplog.messages[-1].startswith("6 of 6 epochs in")
    assert files(broken) == files(whole)
    assert set(files(whole)) == {"identity", *(EPOCH_FILE.format(epoch) for epoch in (0, 2, 4, 6))}
    # Nor is anything gone on with that another device has made.
    with pytest.raises(InterruptedError):
        train_a_network(tmp_path / "other", 27, "a GPU")
    with caplog.at_level("INFO"):
        caplog.clear()
        train_a_network(tmp_path / "other", float("inf"))
    assert caplog.messages[0] == "computing on cpu from epoch 0"


def test_optimizers_state_is_needed_to_end_alike(data, unbroken, tmp_path):
    """The test above could otherwise not fail."""
    folder = tmp_path / "killed" / "after 2"
    trainer = new_trainer(data)
    resume(trainer, folder, A)
    stateless = new_trainer(data)
    stateless.resume(2, copy.deepcopy(trainer.network.state_dict()), {})
    train_into(folder, stateless)
    assert any(
        not torch.equal(weights(folder)[name], value) for name, value in weights(unbroken).items()
    )


def test_epochs_are_read_as_they_were_written(data, unbroken):
    trainer = new_trainer(data)
    assert load_weights(trainer.network, unbroken, 0, A) == trainer.evaluate()
    expected = [progress for _, progress in train(new_trainer(data)) if progress]
    assert [progress.epoch for progress in expected] == [0, 2, 4, 6]
    for progress in expected:
        assert load_weights(trainer.network, unbroken, progress.epoch, A) == progress


def test_finished_run_keeps_its_weights_only(data, unbroken):
    finish(unbroken, new_trainer(data).settings)
    names = {path.name for path in unbroken.iterdir()}
    assert names == {f"epoch_0000{epoch}.safetensors" for epoch in (0, 2, 4, 6)}


def trained_with(store: Store, data: Dataset, folder: Path, epochs: int) -> list[int]:
    """Train as a job does, with what the store has; the measured epochs that were trained."""
    folder.mkdir()
    trainer, made = new_trainer(data, epochs), []
    fetch_epochs(store, folder, trainer.settings)
    if not complete(folder, trainer.settings):
        resume(trainer, folder, A)
        for _, progress in train(trainer):
            if progress is not None:
                save_epoch(folder, trainer, progress, A)
                keep_epoch(store, folder, progress.epoch)
                made.append(progress.epoch)
    finish(folder, trainer.settings)
    return made


@pytest.mark.parametrize(
    ("lengths", "made"),
    [
        ((6, 10), [8, 10]),  # longer
        ((6, 4), []),  # shorter
        ((6, 6), []),  # the same in another study
        ((5, 8), [6, 8]),  # from an epoch that the longer run does not measure
        ((6, 5), [0, 2, 4, 5]),  # no state there to go on from, as that of 6 is too late
        ((6, 5, 9), [8, 9]),
        ((5, 6, 5, 6), []),
    ],
)
def test_trainings_of_other_lengths_go_on_from_what_is_there(data, tmp_path, lengths, made):
    """And end in the bytes of a training from the start."""
    store = Store(tmp_path / "store", A)
    for number, epochs in enumerate(lengths):
        found = trained_with(store, data, tmp_path / str(number), epochs)
    assert found == made
    whole = tmp_path / "whole"
    trained_with(Store(tmp_path / "none", A), data, whole, lengths[-1])
    last = tmp_path / str(len(lengths) - 1)
    files = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert {path.name: path.read_bytes() for path in last.iterdir()} == files


def test_a_half_made_training_goes_on_by_itself(data, unbroken, tmp_path):
    store = Store(tmp_path / "store", A)
    trained_with(store, data, tmp_path / "other", 6)
    half = tmp_path / "killed" / "after 2"
    before = {path.name for path in half.iterdir()}
    fetch_epochs(store, half, new_trainer(data).settings)
    assert {path.name for path in half.iterdir()} == before


def test_a_store_has_the_states_of_the_last_epochs_alone(data, tmp_path):
    store = Store(tmp_path / "store", A)
    trained_with(store, data, tmp_path / "long", 6)
    trained_with(store, data, tmp_path / "short", 5)
    names = [f"optimizer_0000{epoch}.safetensors" for epoch in (5, 6)]
    assert store.names("optimizer_*") == names


def test_files_do_not_show_the_order_of_weights_in_memory(data, tmp_path):
    """A GPU has its convolutions channels last."""
    architecture = Architecture("vgg11", 16, 0.3, vgg11.backbone, relu.activation)
    settings = new_trainer(data).settings
    files = []
    for layout in (torch.contiguous_format, torch.channels_last):
        network = build(architecture, data.image_shape, data.classes, seed=0)
        trainer = Trainer(network.to(memory_format=layout), data, settings, 0, CPU)
        folder = tmp_path / str(layout)
        folder.mkdir()
        save_epoch(folder, trainer, Progress(0, 1.0, None, 0.5, None), A)
        files.append(folder / "epoch_00000.safetensors")
    assert not network.backbone[1][3].weight.is_contiguous()
    assert files[0].read_bytes() == files[1].read_bytes()


def test_weights_of_another_architecture_are_refused(data, unbroken):
    other = build(papers.mlp(17, 0.3), data.image_shape, data.classes, seed=0)
    with pytest.raises(StorageError, match=f"{unbroken}/epoch_00002.safetensors: "):
        load_weights(other, unbroken, 2, A)


def test_missing_epoch_is_refused(data, unbroken):
    with pytest.raises(StorageError, match=r"epoch_00003.safetensors is missing"):
        load_weights(new_trainer(data).network, unbroken, 3, A)


def test_headers_say_identity_epoch_and_versions(unbroken):
    versions = {"torch": torch.__version__}
    for epoch in (0, 2, 4, 6):
        path = unbroken / EPOCH_FILE.format(epoch)
        assert read_identity(path) == A
        _, header = load_tensors(path, A)
        assert set(header) == {"progress", "versions"}
        assert (header["progress"]["epoch"], header["versions"]) == (epoch, versions)
    _, header = load_tensors(unbroken / OPTIMIZER_FILE, A)
    assert header == {"optimizer_after_epoch": 6, "versions": versions}
    assert read_identity(unbroken / OPTIMIZER_FILE) == A


def test_bytes_are_the_same_whoever_trains(data, unbroken, tmp_path):
    again = tmp_path / "again"
    again.mkdir()
    train_into(again, new_trainer(data))
    names = {path.name for path in unbroken.iterdir()}
    assert {path.name for path in again.iterdir()} == names
    assert all((again / name).read_bytes() == (unbroken / name).read_bytes() for name in names)


def assert_refused(data: Dataset, folder: Path, epoch: int, reason: str, identity: str = A) -> None:
    """By the readers of one epoch, and when resuming from it; with advice that mends it."""
    trainer = new_trainer(data)
    for read in (
        lambda: load_epoch(folder, epoch, identity),
        lambda: load_weights(trainer.network, folder, epoch, identity),
    ):
        with pytest.raises(StorageError) as refusal:
            read()
        assert f"{folder}/{EPOCH_FILE.format(epoch)} {reason}" in str(refusal.value)
        assert f"delete {folder} and run again" in str(refusal.value)


def assert_not_resumed(data: Dataset, folder: Path, name: str, reason: str, identity=A) -> None:
    trainer = new_trainer(data)
    before = copy.deepcopy(trainer.network.state_dict())
    with pytest.raises(StorageError) as refusal:
        resume(trainer, folder, identity)
    assert f"{folder}/{name} {reason}" in str(refusal.value)
    assert f"delete {folder} and run again" in str(refusal.value)
    assert trainer.epoch == 0
    after = trainer.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


OTHER = "holds results of other settings, data or code"


@pytest.fixture
def of_another_identity(data, unbroken, tmp_path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    train_into(folder, new_trainer(data), identity=B)
    return folder


def test_epochs_of_another_identity_are_refused(data, unbroken):
    assert_refused(data, unbroken, 2, OTHER, B)
    assert_not_resumed(data, unbroken, OPTIMIZER_FILE, OTHER, B)


@pytest.mark.parametrize("name", [EPOCH_FILE.format(6), OPTIMIZER_FILE])
def test_a_file_of_another_identity_is_refused_among_others(
    data, unbroken, of_another_identity, name
):
    shutil.copy(of_another_identity / name, unbroken)
    assert_not_resumed(data, unbroken, name, OTHER)
    if name != OPTIMIZER_FILE:
        assert_refused(data, unbroken, 6, OTHER)


@pytest.mark.parametrize(("epoch", "swapped_for"), [(0, 2), (4, 2), (6, 0)])
def test_another_epoch_of_the_same_run_is_refused(data, unbroken, epoch, swapped_for):
    shutil.copy(unbroken / EPOCH_FILE.format(swapped_for), unbroken / EPOCH_FILE.format(epoch))
    reason = f"holds epoch {swapped_for}, expected epoch {epoch}"
    assert_refused(data, unbroken, epoch, reason)
    if epoch == 6:
        assert_not_resumed(data, unbroken, EPOCH_FILE.format(6), reason)


def test_weights_and_the_optimizers_state_are_not_exchanged(data, unbroken):
    shutil.copy(unbroken / OPTIMIZER_FILE, unbroken / EPOCH_FILE.format(2))
    assert_refused(data, unbroken, 2, "holds no epoch, expected epoch 2")
    shutil.copy(unbroken / EPOCH_FILE.format(6), unbroken / OPTIMIZER_FILE)
    assert_not_resumed(data, unbroken, OPTIMIZER_FILE, "holds no optimizer's state")


@pytest.mark.parametrize("name", [EPOCH_FILE.format(6), OPTIMIZER_FILE])
def test_damage_is_refused(data, unbroken, name):
    path = unbroken / name
    content = path.read_bytes()
    path.write_bytes(content[:-4])
    assert_not_resumed(data, unbroken, name, "is damaged")
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert_not_resumed(data, unbroken, name, "is damaged (its checksum is another)")
    if name != OPTIMIZER_FILE:
        assert_refused(data, unbroken, 6, "is damaged (its checksum is another)")


def test_an_epoch_that_the_optimizers_state_names_must_be_there(data, unbroken):
    (unbroken / EPOCH_FILE.format(6)).unlink()
    assert_not_resumed(data, unbroken, EPOCH_FILE.format(6), "is missing")


def test_without_an_optimizers_state_training_begins(data, tmp_path):
    trainer = new_trainer(data)
    resume(trainer, tmp_path, A)
    assert trainer.epoch == 0


# --- backbones of all kinds -------------------------------------------------------------------


class Tied(torch.nn.Module):
    """One layer under two names."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(64, 64)
        self.second = self.first

    def forward(self, x):
        return self.second(self.first(x.flatten(1)).relu())


class RunningMean(torch.nn.Module):
    """A running mean, kept as a buffer, which is saved, or as a plain number, which is not."""

    def __init__(self, saved: bool):
        super().__init__()
        self.mean = torch.zeros(())
        if saved:
            del self.mean
            self.register_buffer("mean", torch.zeros(()))

    def forward(self, x):
        x = x.flatten(1)
        if self.training:
            self.mean.copy_(0.9 * self.mean + 0.1 * x.abs().mean().detach())
        return x / (1 + self.mean)


def on(backbone, data: Dataset, rate: float = 0.1) -> Trainer:
    architecture = Architecture("mine", 16, 1.0, lambda *_: backbone(), relu.activation)
    network = build(architecture, data.image_shape, data.classes, seed=0)
    settings = Settings("sgd", rate, 0.9, False, 64, 6, 2, "float32", mse.loss)
    return Trainer(network, data, settings, 0, CPU)


def test_tied_weights_are_written_and_resumed_from(data, tmp_path):
    unbroken = tmp_path / "unbroken"
    train_into(unbroken, on(Tied, data), tmp_path / "killed")
    resumed = on(Tied, data)
    resume(resumed, tmp_path / "killed" / "after 2", A)
    assert resumed.epoch == 2
    train_into(tmp_path / "resumed", resumed)
    expected, found = weights(unbroken), weights(tmp_path / "resumed")
    assert {"backbone.1.first.weight", "backbone.1.second.weight"} < set(found)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def check(backbone, data: Dataset, folder: Path, epoch: int) -> None:
    """Read an epoch into a network made anew, and ask whether it is the one that was trained."""
    network, x = on(backbone, data).network, data.x.float()
    with trained(network, folder, epoch, A, x, data.labels, mse.loss, "model 'mine'") as progress:
        assert progress.epoch == epoch


@pytest.mark.parametrize(
    "backbone",
    [
        Tied,
        lambda: RunningMean(saved=True),
        lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(64)),
    ],
    ids=["tied weights", "a buffer", "batch normalisation"],
)
def test_a_network_of_its_weights_is_the_one_that_was_trained(data, tmp_path, backbone):
    train_into(tmp_path, on(backbone, data))
    for epoch in (0, 2, 4, 6):
        check(backbone, data, tmp_path, epoch)


def test_a_network_that_kept_more_than_its_weights_is_not(data, tmp_path):
    def backbone():
        return RunningMean(saved=False)

    train_into(tmp_path, on(backbone, data))
    check(backbone, data, tmp_path, 0)  # before it has kept anything
    with pytest.raises(UserError, match=r"model 'mine': with the weights of epoch 6 its training"):
        check(backbone, data, tmp_path, 6)


@pytest.mark.parametrize("relative", [0, 0.002, -0.002])
def test_rounding_is_forgiven_and_no_more(data, unbroken, relative):
    network = new_trainer(data).network
    progress = load_weights(network, unbroken, 6, A)
    progress = dataclasses.replace(progress, train_loss=progress.train_loss * (1 + relative))
    expected = pytest.raises(UserError, match="keeps something") if relative else nullcontext()
    x = data.x.float()
    with expected:
        expect_trained(network, x, data.labels, mse.loss, progress, "mlp")
    # As on another device.
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= 1 + 1e-5 * torch.randn(parameter.shape)
    with expected:
        expect_trained(network, x, data.labels, mse.loss, progress, "mlp")
