"""Collapse of the points of a network's head: at each layer by its parts, and at the readout."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from ..common.device import off_mps
from ..data.dataset import Dataset
from ..networks.architecture import Network
from ..networks.features import layer_points
from . import in_full, nearest_centre, readout
from .class_means import frame_of_classes
from .collapse import Weighting


@dataclass(frozen=True)
class HeadCollapse:
    """What is found of a network; see `measure`.

    layers : of each hidden layer, by stage, what `in_full.measure` finds
    alignment : of each hidden layer, class_alignment, `readout.principal_cosine` of its weight with
        the class means of its input, and what that is by chance
    readout : the fields of `readout.Alignment`, and nc4 and nc4_test
    """

    layers: list[dict[str, dict[str, float]]]
    alignment: list[dict[str, float]]
    readout: dict[str, float]


@torch.no_grad()
def measure(
    network: Network,
    x: Tensor,
    test_x: Tensor,
    data: Dataset,
    weighting: Weighting = "samples",
    at_a_time: int = 512,
) -> HeadCollapse:
    """Collapse of training and test points, from a network's first hidden layer to its readout.

    Stage "input" is a layer's input, "right" S V^T times it, W = U S V^T, and "full" the layer's
    output. S V^T x is U^T times W x: U turns it, which changes none of the measures, so these are
    taken from W x.

    Parameters
    ----------
    network : on the device of the points; it runs in its own precision, in evaluation mode
    x, test_x : (n, d) and (m, d) rows of pixels, those of `data`; m may be 0
    data : for the classes of its points
    weighting : whether in S_W a class counts by its points or like any other
    at_a_time : points that go through the backbone together
    """

    def measured(train: Tensor, test: Tensor) -> dict[str, float]:
        return in_full.measure(train, data.class_counts, test, data.test_counts, weighting)

    parts = (map(_off_mps, layer_points(network, part, at_a_time)) for part in (x, test_x))
    both = zip(*parts, strict=True)
    train, test = next(both)
    full = measured(train["activation"], test["activation"])
    layers, alignment = [], []
    last = train["activation"], test["activation"]
    for layer in network.hidden:
        alignment.append(_alignment(off_mps(layer.weight), last[0], data.class_counts))
        train, test = next(both)
        shift = 0 if layer.bias is None else off_mps(layer.bias)
        right = measured(train["preactivation"] - shift, test["preactivation"] - shift)
        stages = {"input": full, "right": right}
        last = train["activation"], test["activation"]
        full = stages["full"] = measured(*last)
        layers.append(stages)
    return HeadCollapse(layers, alignment, _readout(network, *last, data))


def _off_mps(points: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: off_mps(tensor) for name, tensor in points.items()}


def _alignment(weight: Tensor, x: Tensor, class_counts: list[int]) -> dict[str, float]:
    means = frame_of_classes(x, class_counts).vectors
    return {
        "class_alignment": readout.principal_cosine(weight, means),
        "class_alignment_chance": readout.principal_cosine_chance(*means.shape),
    }


def _readout(network: Network, x: Tensor, test_x: Tensor, data: Dataset) -> dict[str, float]:
    weight, bias = off_mps(network.readout.weight.detach()), network.readout.bias
    bias = None if bias is None else off_mps(bias)
    frame = frame_of_classes(x, data.class_counts)
    found = asdict(readout.measure(frame, data.class_counts, weight, bias))
    for name, part, counts in (
        ("nc4", x, data.class_counts),
        ("nc4_test", test_x, data.test_counts),
    ):
        found[name] = nearest_centre.measure(part, counts, frame.vectors, weight, bias).nc4
    return found
