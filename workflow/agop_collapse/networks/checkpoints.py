"""Network checkpoints: a safetensors file for each measured epoch, and one to resume from."""

import dataclasses
from pathlib import Path
from typing import Any

from torch import Tensor

from ..files.atomic import StorageError
from ..files.tensors import load_tensors, save_tensors, versions
from .architecture import Network
from .training import Progress, Trainer

EPOCH_FILE = "epoch_{:05d}.safetensors"
OPTIMIZER_FILE = "optimizer.safetensors"


def save_epoch(
    folder: Path, trainer: Trainer, progress: Progress, provenance: dict[str, Any]
) -> None:
    """Write the weights after an epoch, and then the state that the next epoch continues from."""
    header = provenance | {"progress": dataclasses.asdict(progress), "versions": versions()}
    path = Path(folder) / EPOCH_FILE.format(progress.epoch)
    save_tensors(path, trainer.network.state_dict(), header)
    # Last, and one file only: a resumed run goes back to the epoch that this file names.
    state = {"epoch": progress.epoch}
    save_tensors(Path(folder) / OPTIMIZER_FILE, trainer.optimizer_state(), state)


def load_epoch(folder: Path, epoch: int) -> tuple[dict[str, Tensor], Progress]:
    """Weights and progress at a measured epoch.

    Raises
    ------
    StorageError : when the file is missing or damaged.
    """
    tensors, header = load_tensors(Path(folder) / EPOCH_FILE.format(epoch))
    return tensors, Progress(**header["progress"])


def load_weights(network: Network, folder: Path, epoch: int) -> Progress:
    """Put the weights at a measured epoch into a network.

    Raises
    ------
    StorageError : when the file is missing or damaged, or of another architecture.
    """
    weights, progress = load_epoch(folder, epoch)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise StorageError(f"{Path(folder) / EPOCH_FILE.format(epoch)}: {error}") from error
    return progress


def resume(trainer: Trainer, folder: Path) -> None:
    """Bring a trainer to the last state that `save_epoch` completed, if there is one."""
    path = Path(folder) / OPTIMIZER_FILE
    if path.exists():
        state, header = load_tensors(path)
        weights, _ = load_epoch(folder, header["epoch"])
        trainer.resume(header["epoch"], weights, state)


def finish(folder: Path) -> None:
    """Drop the optimizer's state, which only a run that is not over needs."""
    (Path(folder) / OPTIMIZER_FILE).unlink()
