"""A configuration to change one thing of, and the words in which a wrong one is refused."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from agop_collapse.plan.config_errors import ConfigError
from agop_collapse.plan.configuration import Study, load

EXAMPLE = """
study: mine
studies:
  mine:
    seeds: [0, 4]
    datasets:
      first: {kind: digits, n: 300}
      second: {kind: digits, n: 200}
    deep_rfm:
      - {feature_map: relu, kernel: laplace, depth: 3}
      - {feature_map: relu, kernel: gaussian, depth: 3, datasets: [second]}
      - {feature_map: cos, kernel: laplace, depth: 3}
      - {feature_map: relu, kernel: laplace, projection: identity, depth: 3}
      - {name: swept, ridge: [0.1, 0.2], width: [64, 256], depth: 3, datasets: [first]}
    networks:
      - {model: mlp, datasets: [first], epochs: 25, measure_every: 10}
      - {model: mlp, gain: [0.01, 1.0], datasets: [first], epochs: 25}
    figures:
      fig03:
      fig05: {layers: [1, 4]}
      fig07:
      ablation:
      widths: {plot: sweep, x: width, y: nc1, by: ridge, stage: MX, rows: [{ridge: [0.1, 0.2]}]}
      inits: {plot: overlay, y: nfa, lines: [{gain: 0.01}, {gain: 1.0}]}
  other:
    seeds: [0]
    datasets: {first: {kind: digits, n: 300}}
    deep_rfm: [{depth: 2}]
"""


def example() -> dict[str, Any]:
    """A configuration with most of what there is."""
    return yaml.safe_load(EXAMPLE)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The example with one key of the study mine, such as "deep_rfm[0].ridge", set to a value."""
    config = example()
    place: Any = config["studies"]["mine"]
    *keys, last = [int(key) if key.isdigit() else key for key in re.findall(r"\w+", path)]
    for key in keys:
        place = place[key]
    place[last] = value
    return config


def study(**parts: Any) -> Study:
    """A study with one small data set, digits, and what else is given."""
    return load(config_of(**parts)).studies["mine"]


def config_of(**parts: Any) -> dict[str, Any]:
    """The configuration of such a study."""
    parts = {"datasets": {"digits": {"kind": "digits", "n": 60}}} | parts
    return {"study": "mine", "studies": {"mine": parts}}


def refusal(config: Any) -> str:
    """The message with which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        load(config)
    return str(caught.value)


def own_network(folder: Path) -> dict[str, Any]:
    """A block of own_networks, with files in the working folder that planning looks at."""
    (folder / "my_nets.py").write_text("def small(image_shape, classes):\n    return None\n")
    (folder / "weights.pt").write_bytes(b"weights")
    return {"network": "my_nets:small", "checkpoint": "weights.pt"}


def trained_network(folder: Path, **more: Any) -> dict[str, Any]:
    """A block of own_networks to train, with the file of its function."""
    block = own_network(folder)
    del block["checkpoint"]
    return block | {"epochs": 25} | more
