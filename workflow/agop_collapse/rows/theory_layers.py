"""What the paper's theorems speak of, of the layers of a Deep RFM run."""

import dataclasses
from typing import Any

import torch

from ..data.dataset import Dataset, one_hot_targets
from ..machine.deep_rfm import Layer, Settings
from ..theory import estimates


def row(number: int, layer: Layer, data: Dataset, settings: Settings) -> dict[str, Any]:
    """The row of theory_layers of one layer, the run's `number`-th, from 1.

    data : what it was built on; settings : of that layer
    """
    targets = one_hot_targets(data.labels, data.classes, torch.float64).to(layer.x.device)
    machine = settings.kernel, settings.bandwidth, settings.ridge
    found = estimates.measure(layer, targets, data.class_counts, *machine)
    return {"layer": number, **dataclasses.asdict(found), "valid": layer.fit.valid}
