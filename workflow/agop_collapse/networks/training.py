"""Training by SGD, Adam or AdamW on a loss of +-1 targets; defaults as in Appendix D."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..common.device import off_mps, tf32
from ..common.epochs import measured_epochs
from ..common.errors import UserError
from ..common.seeding import generator, global_generator
from ..data.dataset import Dataset, one_hot_targets
from .architecture import expect_batches
from .batch_statistics import at_epoch
from .cuda_graph import CapturedStep
from .losses.loss import Loss

OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "cosine", "steps")
ARITHMETICS = ("float32", "tf32", "bf16")
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
    arithmetic: str
    loss: Loss
    weight_decay: float = 0.0
    schedule: str = "constant"
    schedule_factor: float = 0.1

    @property
    def penalty(self) -> float:
        """lam, where training descends the loss plus (lam / 2) ||theta||^2; AdamW does not."""
        return 0.0 if self.optimizer == "adamw" else self.weight_decay


@dataclass(frozen=True)
class Progress:
    """Loss and accuracy after `epoch` epochs; those of an empty test set are None."""

    epoch: int
    train_loss: float
    test_loss: float | None
    train_accuracy: float
    test_accuracy: float | None

    def __str__(self) -> str:
        """In words, for a log."""
        said = f"training loss {self.train_loss:.3g}, accuracy {self.train_accuracy:.1%}"
        if self.test_loss is not None:
            said += f"; test loss {self.test_loss:.3g}, accuracy {self.test_accuracy:.1%}"
        return said


class DivergenceError(UserError):
    """The loss is no longer finite; the message says when, and what to lower."""


def learning_rate(settings: Settings, epoch: int) -> float:
    """The learning rate of the epoch that follows `epoch` epochs.

    constant : always the given rate
    cosine : half a cosine from the given rate down to 0, which the epoch after the last would have
        (Loshchilov and Hutter 2017, equation 5, without restarts)
    steps : times `schedule_factor` after a third of the epochs, and again after two thirds
        (Papyan, Han and Donoho 2020)
    """
    if settings.schedule == "constant":
        return settings.learning_rate
    if settings.schedule == "cosine":
        return settings.learning_rate * (1 + math.cos(math.pi * epoch / settings.epochs)) / 2
    if settings.schedule == "steps":
        return settings.learning_rate * settings.schedule_factor ** (3 * epoch // settings.epochs)
    known = ", ".join(SCHEDULES)
    raise ValueError(f"unknown schedule {settings.schedule!r}; known: {known}")


class Trainer:
    """A network, its optimizer and its data: an epoch at a time.

    Each epoch's batches are drawn by a generator of its own, so a run continued from the state
    after an epoch is the unbroken run, bit for bit (on a GPU up to rounding).

    Parameters
    ----------
    network : trained in place, moved to `device`
    data : points sorted by class
    settings, seed : how to train
    device : where
    as_images : whether the network takes (n, channels, height, width) images, not rows of pixels
    at_a_time : points that are evaluated together

    Raises
    ------
    UserError : when a batch of a single point would come to a batch normalisation.
    """

    def __init__(
        self,
        network: nn.Module,
        data: Dataset,
        settings: Settings,
        seed: int,
        device: torch.device,
        as_images: bool = False,
        at_a_time: int = EVALUATION_BATCH,
    ):
        if settings.arithmetic not in ARITHMETICS:
            known = ", ".join(ARITHMETICS)
            raise ValueError(f"unknown arithmetic {settings.arithmetic!r}; known: {known}")
        expect_batches(network, len(data.x), settings.batch_size)
        self._on_gpu = device.type == "cuda"
        # The order in memory that tensor cores take images in.
        layout = torch.channels_last if self._on_gpu else torch.preserve_format
        self.network = network.to(device, memory_format=layout)
        self.settings = settings
        self.seed = seed
        self.device = device
        self.epoch = 0
        shape = data.image_shape if as_images else data.x.shape[1:]
        self._train, self._test = (
            _on_device(x.unflatten(1, shape), labels, data.classes, device)
            for x, labels in ((data.x, data.labels), (data.test_x, data.test_labels))
        )
        self._at_a_time = at_a_time
        self._total = torch.zeros((), device=device)
        self.optimizer = self._new_optimizer()
        self._take_step = self._new_step()

    def _new_optimizer(self) -> torch.optim.Optimizer:
        parameters = self.network.parameters()
        chosen = self.settings
        kept = {"lr": chosen.learning_rate, "weight_decay": chosen.weight_decay}
        if chosen.optimizer == "sgd":
            return torch.optim.SGD(parameters, momentum=chosen.momentum, **kept)
        if chosen.optimizer == "adam":
            return torch.optim.Adam(parameters, capturable=self._on_gpu, **kept)
        if chosen.optimizer == "adamw":
            return torch.optim.AdamW(parameters, capturable=self._on_gpu, **kept)
        known = ", ".join(OPTIMIZERS)
        raise ValueError(f"unknown optimizer {self.settings.optimizer!r}; known: {known}")

    def _new_step(self) -> Callable[[Tensor], None]:
        if not self._on_gpu:
            return self._step
        return CapturedStep(self._step, self.settings.batch_size, self._total.device)

    def _follow_schedule(self) -> None:
        """Give the optimizer the rate of the epoch to come."""
        rate = learning_rate(self.settings, self.epoch)
        (group,) = self.optimizer.param_groups
        if group["lr"] != rate:
            group["lr"] = rate
            # A captured step replays the rate that it was captured with.
            self._take_step = self._new_step()

    def run_epoch(self) -> float:
        """One pass over the training points in random order; returns the mean loss of its batches.

        Raises
        ------
        DivergenceError : when the loss is not finite.
        """
        # The paper's code makes a new optimizer each epoch: momentum and Adam's moments start anew.
        if self.settings.recreate_optimizer:
            forget(self.optimizer)
        self._follow_schedule()
        x, _ = self._train
        self.network.train()
        order = torch.randperm(len(x), generator=generator(self.seed, "batches", self.epoch))
        self._total.zero_()
        # Layers of a backbone may draw, as dropout does.
        draws = global_generator(self.seed, "layers", self.epoch, device=x.device.type)
        with tf32(self.settings.arithmetic == "tf32"), draws:
            for batch in order.to(x.device).split(self.settings.batch_size):
                self._take_step(batch)
        self.epoch += 1
        mean_loss = float(self._total) / len(x)
        self._check(mean_loss)
        return mean_loss

    def _step(self, batch: Tensor) -> None:
        """Descend the loss over a batch, and add it to the epoch's total; changes in place only."""
        x, targets = self._train
        bf16 = self.settings.arithmetic == "bf16"
        with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
            outputs = self.network(x[batch])
        loss = self.settings.loss.value(outputs.float(), targets[batch])
        # Without a gradient to add to, a captured step makes its own, in memory kept for the graph.
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self._total += loss.detach() * len(batch)

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            decay = self.settings.weight_decay
            raise DivergenceError(
                f"the training loss is {loss} in epoch {self.epoch}: lower learning_rate "
                f"(now {self.settings.learning_rate:g}), "
                + (f"weight_decay (now {decay:g}), " if decay else "")
                + "momentum or the first weights (gain)"
            )

    def evaluate(self) -> Progress:
        """Loss and accuracy of the network as it is, in evaluation mode, over all points.

        Before the first epoch batch normalisations have the statistics of the training points.

        Raises
        ------
        DivergenceError : when the training loss is not finite.
        """
        x, _ = self._train
        with tf32(False), at_epoch(self.epoch, self.network, x):
            train_loss, train_accuracy = self._evaluate(*self._train)
            self._check(train_loss)
            test_loss, test_accuracy = self._evaluate(*self._test)
        return Progress(self.epoch, train_loss, test_loss, train_accuracy, test_accuracy)

    def _evaluate(self, x: Tensor, targets: Tensor) -> tuple[float, float] | tuple[None, None]:
        if not len(x):
            return None, None
        return loss_and_accuracy(self.network, self.settings.loss, x, targets, self._at_a_time)

    def optimizer_state(self) -> dict[str, Tensor]:
        """The optimizer's buffers by "parameter index.name"; none if it is made anew each epoch."""
        if self.settings.recreate_optimizer:
            return {}
        return {
            f"{index}.{name}": value
            for index, buffers in self.optimizer.state_dict()["state"].items()
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
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        # A step captured before has the addresses of the state that this replaced.
        self._take_step = self._new_step()
        self.epoch = epoch


@torch.no_grad()
def loss_and_accuracy(
    network: nn.Module, loss: Loss, x: Tensor, targets: Tensor, at_a_time: int = EVALUATION_BATCH
) -> tuple[float, float]:
    """Of a network in evaluation mode, over points and their +-1 targets, on its device."""
    network.eval()
    outputs = off_mps(torch.cat([network(batch) for batch in x.split(at_a_time)])).double()
    targets = off_mps(targets).double()
    correct = outputs.argmax(dim=1) == targets.argmax(dim=1)
    return float(loss.value(outputs, targets)), float(correct.double().mean())


def forget(optimizer: torch.optim.Optimizer) -> None:
    """Put an optimizer back to its start: zeros, in place, are what it begins with."""
    for buffers in optimizer.state.values():
        for value in buffers.values():
            if value is not None:
                value.zero_()


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
    return x.float().to(device), one_hot_targets(labels, classes, torch.float32).to(device)
