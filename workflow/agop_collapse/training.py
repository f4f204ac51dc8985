"""Training by SGD or Adam on the mean squared error of +-1 targets (Appendix D)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from .dataset import Dataset, one_hot_targets
from .errors import UserError
from .networks import Network
from .seeding import generator

OPTIMIZERS = ("sgd", "adam")
EVALUATION_BATCH = 4096


@dataclass(frozen=True)
class Settings:
    """How a network is trained; config.schema.yaml describes each."""

    optimizer: str
    learning_rate: float
    momentum: float
    recreate_optimizer: bool
    batch_size: int
    epochs: int
    measure_every: int


@dataclass(frozen=True)
class Progress:
    """Loss and accuracy after `epoch` epochs; those of an empty test set are None."""

    epoch: int
    train_loss: float
    test_loss: float | None
    train_accuracy: float
    test_accuracy: float | None


class DivergenceError(UserError):
    """The loss is no longer finite; the message says when, and what to lower."""


def measured_epochs(settings: Settings) -> list[int]:
    """Epochs done at each measurement: 0 (the initialisation), every so many, and the last."""
    return sorted({*range(0, settings.epochs + 1, settings.measure_every), settings.epochs})


class Trainer:
    """A network, its optimizer and its data: an epoch at a time.

    Each epoch's batches are drawn by a generator of its own, so a run continued from the state
    after an epoch is the unbroken run, bit for bit.

    Parameters
    ----------
    network : trained in place, moved to `device`
    data : points sorted by class
    settings, seed : how to train
    device : where
    """

    def __init__(
        self, network: Network, data: Dataset, settings: Settings, seed: int, device: torch.device
    ):
        self.network = network.to(device)
        self.settings = settings
        self.seed = seed
        self.epoch = 0
        self._train = _on_device(data.x, data.labels, data.classes, device)
        self._test = _on_device(data.test_x, data.test_labels, data.classes, device)
        self._optimizer = self._new_optimizer()

    def _new_optimizer(self) -> torch.optim.Optimizer:
        parameters = self.network.parameters()
        rate = self.settings.learning_rate
        if self.settings.optimizer == "sgd":
            return torch.optim.SGD(parameters, lr=rate, momentum=self.settings.momentum)
        if self.settings.optimizer == "adam":
            return torch.optim.Adam(parameters, lr=rate)
        known = ", ".join(OPTIMIZERS)
        raise ValueError(f"unknown optimizer {self.settings.optimizer!r}; known: {known}")

    def run_epoch(self) -> float:
        """One pass over the training points in random order; returns the mean loss of its batches.

        Raises
        ------
        DivergenceError : when the loss is not finite.
        """
        # The paper's code makes a new optimizer each epoch: momentum and Adam's moments start anew.
        if self.settings.recreate_optimizer:
            self._optimizer = self._new_optimizer()
        x, targets = self._train
        self.network.train()
        order = torch.randperm(len(x), generator=generator(self.seed, "batches", self.epoch))
        total = torch.zeros((), device=x.device)
        for batch in order.to(x.device).split(self.settings.batch_size):
            loss = mse_loss(self.network(x[batch]), targets[batch])
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            total += loss.detach() * len(batch)
        self.epoch += 1
        mean_loss = float(total) / len(x)
        self._check(mean_loss)
        return mean_loss

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise DivergenceError(
                f"the training loss is {loss} in epoch {self.epoch}: lower learning_rate "
                f"(now {self.settings.learning_rate:g}), momentum or gain"
            )

    def evaluate(self) -> Progress:
        """Loss and accuracy of the network as it is, in evaluation mode, over all points.

        Raises
        ------
        DivergenceError : when the training loss is not finite.
        """
        train_loss, train_accuracy = self._evaluate(*self._train)
        self._check(train_loss)
        test_loss, test_accuracy = self._evaluate(*self._test)
        return Progress(self.epoch, train_loss, test_loss, train_accuracy, test_accuracy)

    @torch.no_grad()
    def _evaluate(self, x: Tensor, targets: Tensor) -> tuple[float, float] | tuple[None, None]:
        if not len(x):
            return None, None
        self.network.eval()
        outputs = torch.cat([self.network(batch) for batch in x.split(EVALUATION_BATCH)])
        correct = outputs.argmax(dim=1) == targets.argmax(dim=1)
        loss = mse_loss(outputs.double(), targets.double())
        return float(loss), float(correct.double().mean())

    def optimizer_state(self) -> dict[str, Tensor]:
        """The optimizer's buffers by "parameter index.name"; none if it is made anew each epoch."""
        if self.settings.recreate_optimizer:
            return {}
        return {
            f"{index}.{name}": value
            for index, buffers in self._optimizer.state_dict()["state"].items()
            for name, value in buffers.items()
            if value is not None
        }

    def resume(
        self, epoch: int, weights: Mapping[str, Tensor], optimizer_state: Mapping[str, Tensor]
    ) -> None:
        """Go back to the state after `epoch` that `state_dict` and `optimizer_state` gave."""
        self.network.load_state_dict(weights)
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in optimizer_state.items():
            index, name = key.split(".", 1)
            state.setdefault(int(index), {})[name] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})
        self.epoch = epoch


def train(trainer: Trainer) -> Iterator[tuple[float | None, Progress | None]]:
    """Train from the trainer's epoch to the last.

    Yields
    ------
    (mean loss of the epoch's batches, None before the first epoch; what was measured, None at an
    epoch that is not measured), once at the initialisation and once after each epoch. A resumed
    trainer's epoch has been measured before, and is not yielded again.
    """
    measured = set(measured_epochs(trainer.settings))
    if trainer.epoch == 0:
        yield None, trainer.evaluate()
    while trainer.epoch < trainer.settings.epochs:
        loss = trainer.run_epoch()
        yield loss, trainer.evaluate() if trainer.epoch in measured else None


def _on_device(
    x: Tensor, labels: Tensor, classes: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    return x.to(device, torch.float32), one_hot_targets(labels, classes, torch.float32).to(device)
