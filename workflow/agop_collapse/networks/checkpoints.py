"""Network checkpoints: a safetensors file for each measured epoch, and one to resume from."""

import dataclasses
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..common.epochs import measured_epochs
from ..common.errors import UserError
from ..common.progress import Steps
from ..common.versions import build_of_torch
from ..data.dataset import one_hot_targets
from ..files.atomic import StorageError
from ..files.resumable import resumable
from ..files.stamp import derive_again
from ..files.store import Store
from ..files.tensors import expect_number, load_tensors, save_tensors
from .batch_statistics import at_epoch
from .losses.loss import Loss
from .training import (
    EVALUATION_BATCH,
    Progress,
    Settings,
    Trainer,
    loss_and_accuracy,
    train,
)

log = logging.getLogger(__name__)

SILENCE = 60  # seconds between lines of the log, where no epoch is measured
EPOCH_FILE = "epoch_{:05d}.safetensors"
OPTIMIZER_FILE = "optimizer.safetensors"
# In a store, of trainings of several lengths.
KEPT_OPTIMIZER = "optimizer_{:05d}.safetensors"
# Of the training loss, computed anew from the weights: what rounding in float32 may do on another
# device, through batch normalisations that divide by nearly nothing.
RELATIVE_TOLERANCE, TOLERANCE = 1e-3, 1e-5


def train_into(
    folder: Path, trainer: Trainer, identity: str, store: Store, made_on: dict[str, Any]
) -> None:
    """Train to the last epoch, keeping the weights at the measured ones; a killed call continues.

    Parameters
    ----------
    folder : that has the weights in the end
    trainer : at its initialisation
    identity : of the whole; in each file stands the store's stem
    store : of trainings of any length, from which this one takes what it begins with
    made_on : the libraries' versions and the device, with others of which nothing is gone on with

    Raises
    ------
    StorageError : as `resumable` and `resume`.
    DivergenceError : as `train`.
    """
    settings = trainer.settings
    with resumable(Path(folder), identity, **made_on) as work:
        fetch_epochs(store, work, settings)
        keep_left(store, work)
        if complete(work, settings):
            log.info("all epochs have been trained before")
        else:
            resume(trainer, work, store.stem)
            log.info("computing on %s from epoch %d", trainer.device, trainer.epoch)
            _train_on(trainer, work, store)
        finish(work, settings)


def _train_on(trainer: Trainer, work: Path, store: Store) -> None:
    progress = Steps(trainer.settings.epochs, trainer.epoch, "epoch")
    said = time.monotonic()
    for batch_loss, measured in train(trainer):
        if batch_loss is not None:
            progress.update()
        if measured is not None:
            save_epoch(work, trainer, measured, store.stem)
            keep_epoch(store, work, measured.epoch)
            log.info("%s: %s", progress, measured)
        elif time.monotonic() - said > SILENCE:
            log.info("%s: mean loss of the batches %.3g", progress, batch_loss)
        else:
            continue
        said = time.monotonic()


def save_epoch(folder: Path, trainer: Trainer, progress: Progress, stem: str) -> None:
    """Write the weights after an epoch, and then the state that the next epoch continues from.

    stem : identity of what trainings of any length have alike
    """
    header = {"progress": dataclasses.asdict(progress), "versions": build_of_torch()}
    path = Path(folder) / EPOCH_FILE.format(progress.epoch)
    save_tensors(path, trainer.network.state_dict(), stem, header)
    # Last, and one file only: a resumed run goes back to the epoch that this file names.
    state = {"optimizer_after_epoch": progress.epoch, "versions": build_of_torch()}
    save_tensors(Path(folder) / OPTIMIZER_FILE, trainer.optimizer_state(), stem, state)


def load_epoch(folder: Path, epoch: int, stem: str) -> tuple[dict[str, Tensor], Progress]:
    """Weights and progress at a measured epoch.

    Raises
    ------
    StorageError : when the file is missing, damaged, of another identity, or of another epoch.
    """
    path = Path(folder) / EPOCH_FILE.format(epoch)
    tensors, header = load_tensors(path, stem)
    progress = header.get("progress", {})
    expect_number(path, "epoch", progress.get("epoch"), epoch)
    return tensors, Progress(**progress)


def load_weights(network: nn.Module, folder: Path, epoch: int, stem: str) -> Progress:
    """Put the weights at a measured epoch into a network.

    Raises
    ------
    StorageError : as `load_epoch`, or when the weights are those of another architecture.
    """
    weights, progress = load_epoch(folder, epoch, stem)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise StorageError(f"{Path(folder) / EPOCH_FILE.format(epoch)}: {error}") from error
    return progress


@contextmanager
def trained(
    network: nn.Module,
    folder: Path,
    epoch: int,
    stem: str,
    x: Tensor,
    labels: Tensor,
    loss: Loss,
    what: str,
    at_a_time: int = EVALUATION_BATCH,
) -> Iterator[Progress]:
    """A network as it was at a measured epoch, meanwhile; the parameters are those of its parts.

    Raises
    ------
    StorageError : as `load_weights`.
    UserError : as `expect_trained`.
    """
    progress = load_weights(network, folder, epoch, stem)
    with at_epoch(epoch, network, x):
        expect_trained(network, x, labels, loss, progress, what, at_a_time)
        yield progress


def expect_trained(
    network: nn.Module,
    x: Tensor,
    labels: Tensor,
    loss: Loss,
    progress: Progress,
    what: str,
    at_a_time: int = EVALUATION_BATCH,
) -> None:
    """Raise UserError unless a network with the weights of an epoch is the one that was trained.

    Its loss over the training points is compared with the one recorded then. They differ where a
    network keeps more than its weights and buffers, such as a running mean as a plain number.

    Parameters
    ----------
    network : on the device of x; at epoch 0 its batch normalisations have the data's statistics
    x, labels : (n, ...) and (n,), the training points in float32, some of each class
    progress : recorded at the epoch
    what : it is called in the message
    at_a_time : points that are evaluated together
    """
    targets = one_hot_targets(labels, int(labels.max()) + 1, x.dtype).to(x.device)
    found, _ = loss_and_accuracy(network, loss, x, targets, at_a_time)
    recorded = progress.train_loss
    if abs(found - recorded) <= TOLERANCE + RELATIVE_TOLERANCE * max(abs(found), abs(recorded)):
        return
    raise UserError(
        f"{what}: with the weights of epoch {progress.epoch} its training loss is "
        f"{found:.4g}, and it was {recorded:.4g} when these were saved, so it keeps "
        "something that is not saved with its weights, such as a running mean as a plain number "
        "or tensor; keep it with self.register_buffer(...), and change it in place"
    )


def resume(trainer: Trainer, folder: Path, stem: str) -> None:
    """Bring a trainer to the last state that `save_epoch` completed, if there is one.

    Raises
    ------
    StorageError : when the state's file is damaged, of another identity, or holds none; or as
        `load_epoch` of its epoch.
    """
    path = Path(folder) / OPTIMIZER_FILE
    if not path.exists():
        return
    state, header = load_tensors(path, stem)
    epoch = header.get("optimizer_after_epoch")
    if epoch is None:
        raise StorageError(f"{path} holds no optimizer's state; {derive_again(path)}")
    weights, _ = load_epoch(folder, epoch, stem)
    trainer.resume(epoch, weights, state)


def complete(folder: Path, settings: Settings) -> bool:
    """Whether the weights at all measured epochs are there."""
    paths = (Path(folder) / EPOCH_FILE.format(epoch) for epoch in measured_epochs(settings))
    return all(path.exists() for path in paths)


def finish(folder: Path, settings: Settings) -> None:
    """Drop what only a run that is not over needs: the optimizer's state, epochs not measured."""
    (Path(folder) / OPTIMIZER_FILE).unlink(missing_ok=True)
    measured = {EPOCH_FILE.format(epoch) for epoch in measured_epochs(settings)}
    for path in Path(folder).glob("epoch_*.safetensors"):
        if path.name not in measured:
            path.unlink()


def keep_epoch(store: Store, folder: Path, epoch: int) -> None:
    """Give a store the weights after an epoch and the state to go on from, as the last ones."""
    store.keep(Path(folder) / EPOCH_FILE.format(epoch))
    _keep_state(store, folder, epoch)


def _keep_state(store: Store, folder: Path, epoch: int) -> None:
    state = KEPT_OPTIMIZER.format(epoch)
    store.keep(Path(folder) / OPTIMIZER_FILE, state)
    for name in _states(store):
        if name < state:
            store.drop(name)


def keep_left(store: Store, folder: Path) -> None:
    """Give a store what a training that failed had saved, and may not have given it.

    Raises
    ------
    StorageError : when the optimizer's state is damaged, or of another identity.
    """
    for path in sorted(Path(folder).glob("epoch_*.safetensors")):
        store.keep(path)
    state = Path(folder) / OPTIMIZER_FILE
    if state.exists():
        _, header = load_tensors(state, store.stem)
        _keep_state(store, folder, header["optimizer_after_epoch"])


def fetch_epochs(store: Store, folder: Path, settings: Settings) -> None:
    """Bring what a store has of a training: weights at the measured epochs, and the last state.

    Of a folder with a state of its own nothing is changed.
    """
    folder = Path(folder)
    if (folder / OPTIMIZER_FILE).exists():
        return

    def fetch(epoch: int) -> bool:
        path = folder / EPOCH_FILE.format(epoch)
        return path.exists() or store.fetch(path)

    measured = measured_epochs(settings)
    there = {epoch for epoch in measured if fetch(epoch)}
    if len(there) == len(measured):
        return
    for name in reversed(_states(store)):
        epoch = int(name.removesuffix(".safetensors").rpartition("_")[2])
        needed = {epoch, *(one for one in measured if one < epoch)}
        usable = epoch <= settings.epochs and all(one in there or fetch(one) for one in needed)
        if usable and store.fetch(folder / OPTIMIZER_FILE, name):
            return


def _states(store: Store) -> list[str]:
    return store.names("optimizer_*.safetensors")
