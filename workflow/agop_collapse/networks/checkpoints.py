"""Network checkpoints: a safetensors file for each measured epoch, and one to resume from."""

import dataclasses
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..common.errors import UserError
from ..common.progress import steps
from ..common.versions import build_of_torch
from ..data.dataset import one_hot_targets
from ..files.atomic import StorageError
from ..files.resumable import resumable
from ..files.stamp import derive_again
from ..files.tensors import expect_number, load_tensors, save_tensors
from .batch_statistics import at_epoch
from .losses.loss import Loss
from .training import EVALUATION_BATCH, Progress, Trainer, loss_and_accuracy, train

log = logging.getLogger(__name__)

SILENCE = 60  # seconds between lines of the log, where no epoch is measured
EPOCH_FILE = "epoch_{:05d}.safetensors"
OPTIMIZER_FILE = "optimizer.safetensors"
# Of the training loss, computed anew from the weights: what rounding in float32 may do on another
# device, through batch normalisations that divide by nearly nothing.
RELATIVE_TOLERANCE, TOLERANCE = 1e-3, 1e-5


def train_into(folder: Path, trainer: Trainer, identity: str, made_on: dict[str, Any]) -> None:
    """Train to the last epoch, keeping the weights at the measured ones; a killed call continues.

    Parameters
    ----------
    folder : that has the weights in the end
    trainer : at its initialisation
    made_on : the libraries' versions and the device, with others of which nothing is gone on with

    Raises
    ------
    StorageError : as `resumable` and `resume`.
    DivergenceError : as `train`.
    """
    epochs = trainer.settings.epochs
    with resumable(Path(folder), identity, **made_on) as work:
        resume(trainer, work, identity)
        log.info("computing on %s from epoch %d", trainer.device, trainer.epoch)
        progress, said = steps(epochs, trainer.epoch, "epoch"), time.monotonic()
        for batch_loss, measured in train(trainer):
            if batch_loss is not None:
                progress.update()
            if measured is not None:
                save_epoch(work, trainer, measured, identity)
                log.info("%s: %s", progress, measured)
            elif time.monotonic() - said > SILENCE:
                log.info("%s: mean loss of the batches %.3g", progress, batch_loss)
            else:
                continue
            said = time.monotonic()
        finish(work)


def save_epoch(folder: Path, trainer: Trainer, progress: Progress, identity: str) -> None:
    """Write the weights after an epoch, and then the state that the next epoch continues from."""
    header = {"progress": dataclasses.asdict(progress), "versions": build_of_torch()}
    path = Path(folder) / EPOCH_FILE.format(progress.epoch)
    save_tensors(path, trainer.network.state_dict(), identity, header)
    # Last, and one file only: a resumed run goes back to the epoch that this file names.
    state = {"optimizer_after_epoch": progress.epoch, "versions": build_of_torch()}
    save_tensors(Path(folder) / OPTIMIZER_FILE, trainer.optimizer_state(), identity, state)


def load_epoch(folder: Path, epoch: int, identity: str) -> tuple[dict[str, Tensor], Progress]:
    """Weights and progress at a measured epoch.

    Raises
    ------
    StorageError : when the file is missing, damaged, of another identity, or of another epoch.
    """
    path = Path(folder) / EPOCH_FILE.format(epoch)
    tensors, header = load_tensors(path, identity)
    progress = header.get("progress", {})
    expect_number(path, "epoch", progress.get("epoch"), epoch)
    return tensors, Progress(**progress)


def load_weights(network: nn.Module, folder: Path, epoch: int, identity: str) -> Progress:
    """Put the weights at a measured epoch into a network.

    Raises
    ------
    StorageError : as `load_epoch`, or when the weights are those of another architecture.
    """
    weights, progress = load_epoch(folder, epoch, identity)
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
    identity: str,
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
    progress = load_weights(network, folder, epoch, identity)
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


def resume(trainer: Trainer, folder: Path, identity: str) -> None:
    """Bring a trainer to the last state that `save_epoch` completed, if there is one.

    Raises
    ------
    StorageError : when the state's file is damaged, of another identity, or holds none; or as
        `load_epoch` of its epoch.
    """
    path = Path(folder) / OPTIMIZER_FILE
    if not path.exists():
        return
    state, header = load_tensors(path, identity)
    epoch = header.get("optimizer_after_epoch")
    if epoch is None:
        raise StorageError(f"{path} holds no optimizer's state; {derive_again(path)}")
    weights, _ = load_epoch(folder, epoch, identity)
    trainer.resume(epoch, weights, state)


def finish(folder: Path) -> None:
    """Drop the optimizer's state, which only a run that is not over needs."""
    (Path(folder) / OPTIMIZER_FILE).unlink()
