"""What the paper's theorems speak of, of the layers of a Deep RFM run."""

import dataclasses
from typing import Any

import torch

from ..data.dataset import Dataset, one_hot_targets
from ..machine.deep_rfm import Layer
from ..machine.kernels.dot_product import DotProductKernel
from ..machine.kernels.radial import RadialKernel
from ..theory import estimates


def row(
    number: int,
    layer: Layer,
    data: Dataset,
    kernel: RadialKernel | DotProductKernel,
    bandwidth: float,
    ridge: float,
) -> dict[str, Any]:
    """The row of theory_layers of one layer, the run's `number`-th, from 1.

    kernel, bandwidth, ridge : of the run; data : what it was built on
    """
    targets = one_hot_targets(data.labels, data.classes, torch.float64).to(layer.x.device)
    found = estimates.measure(layer, targets, data.class_counts, kernel, bandwidth, ridge)
    return {"layer": number, **dataclasses.asdict(found), "valid": layer.fit.valid}
