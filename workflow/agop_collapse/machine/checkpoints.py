"""Deep RFM checkpoints: a safetensors file for each layer."""

import dataclasses
import math
from pathlib import Path

import torch

from ..files.tensors import expect_number, expect_shape, load_tensors, save_tensors, versions
from .deep_rfm import Fit, Layer
from .random_features import FeatureMap

LAYER_FILE = "layer_{:02d}.safetensors"
DISTANCES = ("within_distance", "between_distance")


def save_layer(folder: Path, number: int, layer: Layer, identity: str) -> None:
    """Write a layer of a Deep RFM: x, root (M^1/2), alpha, eigenvalues, weight, bias, metric."""
    tensors = {
        "x": layer.x,
        "root": layer.root,
        "alpha": layer.alpha,
        "eigenvalues": layer.eigenvalues,
        "weight": layer.features.weight,
    }
    if layer.features.bias is not None:
        tensors["bias"] = layer.features.bias
    if layer.metric is not None:
        tensors["metric"] = layer.metric
    fit = dataclasses.asdict(layer.fit)
    # JSON has no infinity, the distance where there are no such pairs.
    for name in DISTANCES:
        fit[name] = None if math.isinf(fit[name]) else fit[name]
    header = {"layer": number, "fit": fit, "versions": versions()}
    save_tensors(Path(folder) / LAYER_FILE.format(number), tensors, identity, header)


def load_layer(
    folder: Path, number: int, identity: str, device: torch.device | str = "cpu"
) -> Layer:
    """Read one layer of a Deep RFM.

    Raises
    ------
    StorageError : when the file is missing, damaged, of another identity, holds another layer, or
        its tensors do not belong together.
    """
    path = Path(folder) / LAYER_FILE.format(number)
    tensors, header = load_tensors(path, identity)
    expect_number(path, "layer", header.get("layer"), number)
    tensors = {name: tensor.to(device) for name, tensor in tensors.items()}
    n, d = tensors["x"].shape
    expect_shape(path, "root", tensors["root"], (d, d))
    expect_shape(path, "alpha", tensors["alpha"], (n, tensors["alpha"].shape[-1]))
    expect_shape(path, "weight", tensors["weight"], (len(tensors["weight"]), d))
    if "metric" in tensors:
        expect_shape(path, "metric", tensors["metric"], (d, d))
    fit = header["fit"]
    for name in DISTANCES:
        fit[name] = math.inf if fit[name] is None else fit[name]
    return Layer(
        tensors["x"],
        tensors["root"],
        FeatureMap(tensors["weight"], tensors.get("bias")),
        tensors["alpha"],
        tensors["eigenvalues"],
        Fit(**fit),
        tensors.get("metric"),
    )


def load_layers_so_far(folder: Path, identity: str, device: torch.device) -> list[Layer]:
    """The unbroken run of layers, from the first, that a folder holds.

    Raises
    ------
    StorageError : as `load_layer`.
    """
    layers: list[Layer] = []
    while (Path(folder) / LAYER_FILE.format(len(layers) + 1)).exists():
        layers.append(load_layer(folder, len(layers) + 1, identity, device))
    return layers
