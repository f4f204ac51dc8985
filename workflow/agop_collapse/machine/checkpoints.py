"""Deep RFM checkpoints: a safetensors file for each layer, and one for the last predictor."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..common.versions import build_of_torch
from ..files.store import Store
from ..files.tensors import expect_number, expect_shape, load_tensors, save_tensors
from .deep_rfm import Fit, Layer, Predictor
from .random_features import FeatureMap

LAYER_FILE = "layer_{:02d}.safetensors"
PREDICTOR_FILE = "predictor.safetensors"
# In a store, of runs of several depths.
KEPT_PREDICTOR = "predictor_{:02d}.safetensors"
DISTANCES = ("within_distance", "between_distance")


def save_layer(folder: Path, number: int, layer: Layer, stem: str) -> None:
    """Write a layer of a Deep RFM: x, root (M^1/2), alpha, eigenvalues, weight, bias, metric.

    stem : identity of what runs of any depth have alike
    """
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
    path = Path(folder) / LAYER_FILE.format(number)
    header = _header(number, layer.fit) | {"features": layer.features.kind}
    save_tensors(path, tensors, stem, header)


def save_predictor(folder: Path, number: int, predictor: Predictor, identity: str) -> None:
    """Write the predictor behind the last layer, x, alpha, metric; its number is depth + 1."""
    tensors = {"x": predictor.x, "alpha": predictor.alpha}
    if predictor.metric is not None:
        tensors["metric"] = predictor.metric
    header = _header(number, predictor.fit)
    save_tensors(Path(folder) / PREDICTOR_FILE, tensors, identity, header)


def _header(number: int, fit: Fit) -> dict[str, Any]:
    values = dataclasses.asdict(fit)
    # JSON has no infinity, the distance where there are no such pairs.
    for name in DISTANCES:
        values[name] = None if math.isinf(values[name]) else values[name]
    return {"layer": number, "fit": values, "versions": build_of_torch()}


def load_layer(folder: Path, number: int, stem: str, device: torch.device | str = "cpu") -> Layer:
    """Read one layer of a Deep RFM.

    Raises
    ------
    StorageError : when the file is missing, damaged, of another identity, holds another layer, or
        its tensors do not belong together.
    """
    path = Path(folder) / LAYER_FILE.format(number)
    tensors, header, fit = _load_machine(path, number, stem, device)
    d = tensors["x"].shape[1]
    expect_shape(path, "root", tensors["root"], (d, d))
    expect_shape(path, "weight", tensors["weight"], (len(tensors["weight"]), d))
    return Layer(
        tensors["x"],
        tensors["root"],
        FeatureMap(header["features"], tensors["weight"], tensors.get("bias")),
        tensors["alpha"],
        tensors["eigenvalues"],
        fit,
        tensors.get("metric"),
    )


def load_predictor(
    folder: Path, number: int, identity: str, device: torch.device | str = "cpu"
) -> Predictor:
    """Read the predictor behind the last layer, of the number depth + 1.

    Raises
    ------
    StorageError : as `load_layer`.
    """
    path = Path(folder) / PREDICTOR_FILE
    tensors, _, fit = _load_machine(path, number, identity, device)
    return Predictor(tensors["x"], tensors["alpha"], fit, tensors.get("metric"))


def _load_machine(
    path: Path, number: int, identity: str, device: torch.device | str
) -> tuple[dict[str, Tensor], dict[str, Any], Fit]:
    """A file's tensors, of which those of its kernel machine are checked, its header, the fit."""
    tensors, header = load_tensors(path, identity)
    expect_number(path, "layer", header.get("layer"), number)
    tensors = {name: tensor.to(device) for name, tensor in tensors.items()}
    n, d = tensors["x"].shape
    expect_shape(path, "alpha", tensors["alpha"], (n, tensors["alpha"].shape[-1]))
    if "metric" in tensors:
        expect_shape(path, "metric", tensors["metric"], (d, d))
    fit = header["fit"]
    for name in DISTANCES:
        fit[name] = math.inf if fit[name] is None else fit[name]
    return tensors, header, Fit(**fit)


def fetch_layers(store: Store, folder: Path, depth: int, identity: str) -> None:
    """Bring what a store has of a run of some depth: the first layers, the predictor behind all."""
    for number in range(1, depth + 1):
        path = Path(folder) / LAYER_FILE.format(number)
        if not path.exists() and not store.fetch(path):
            return
    store.fetch(Path(folder) / PREDICTOR_FILE, KEPT_PREDICTOR.format(depth), identity)


def keep_layer(store: Store, folder: Path, number: int) -> None:
    """Give a store a layer that has been saved."""
    store.keep(Path(folder) / LAYER_FILE.format(number))


def keep_predictor(store: Store, folder: Path, depth: int) -> None:
    """Give a store the predictor that has been saved, of a run of some depth."""
    store.keep(Path(folder) / PREDICTOR_FILE, KEPT_PREDICTOR.format(depth))


def count_layers(folder: Path) -> int:
    """How many layers a folder holds, from the first on without a gap."""
    count = 0
    while (Path(folder) / LAYER_FILE.format(count + 1)).exists():
        count += 1
    return count
