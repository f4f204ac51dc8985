"""From the layers of any network to the rows of network_layers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from ..files.columns import OF_ANY_NETWORK
from ..files.tables import frame
from ..metrics import ansatz
from ..metrics.any_network import MeasuredLayer
from ..metrics.layer import Layer
from . import network_ansatz


def measure(
    found: Iterable[tuple[dict[str, Any], Sequence[MeasuredLayer]]],
    untrained: Sequence[MeasuredLayer],
    classes: int,
) -> pd.DataFrame:
    """The table network_layers of one network: a row for each epoch, layer and stage.

    Parameters
    ----------
    found : at each of some epochs losses, accuracies, `fitted` and, unless it was trained
        elsewhere, `epoch` of the network as a whole; and its layers, measured with its loss
    untrained : the same layers of an independent network that is not trained
    classes : K
    """
    rows = [
        row for progress, layers in found for row in _rows(progress, layers, untrained, classes)
    ]
    return frame("network_layers", rows)


def _rows(
    progress: dict[str, Any],
    layers: Sequence[MeasuredLayer],
    untrained: Sequence[MeasuredLayer],
    classes: int,
) -> list[dict[str, Any]]:
    rows = []
    for number, (layer, other) in enumerate(zip(layers, untrained, strict=True), start=1):
        weight = layer.groups[0].weight
        keys = {"layer": number, "layer_name": layer.name, "layer_kind": layer.kind}
        keys |= {"groups": len(layer.groups), "outputs": len(weight), "inputs": weight.shape[1]}
        pairs = zip(layer.groups, other.groups, strict=True)
        of_layer = _mean([_ansatz(group, stranger, classes) for group, stranger in pairs])
        rows += [
            keys | {"stage": stage} | asdict(collapse) | of_layer | progress
            for stage, collapse in layer.stages.items()
        ]
    return rows


def _ansatz(layer: Layer, untrained: Layer, classes: int) -> dict[str, float]:
    forms = ansatz.variants(layer)
    given = (untrained, None), forms, classes
    found = network_ansatz.measure(layer, None, None, *given, penalty=0.0)
    return {name: found[name] for name in OF_ANY_NETWORK}


def _mean(of_groups: list[dict[str, float]]) -> dict[str, float]:
    return {
        name: math.fsum(found[name] for found in of_groups) / len(of_groups)
        for name in of_groups[0]
    }
