"""The epochs after which a network is measured."""

from typing import Protocol


class Epochs(Protocol):
    """Settings of training that say it: how many epochs, and how many lie between measurements."""

    epochs: int
    measure_every: int


def measured_epochs(settings: Epochs) -> list[int]:
    """Epochs done at each measurement: 0 (the initialisation), every so many, and the last."""
    return sorted({*range(0, settings.epochs + 1, settings.measure_every), settings.epochs})
