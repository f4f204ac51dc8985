"""Shares of a layer's parts in what it does to NC1, as rows."""

from dataclasses import asdict
from typing import Any

from ..metrics.attribution import Shares


def rows(of_layers: list[Shares], total: Shares) -> list[dict[str, Any]]:
    """A row for each layer, from the first; each has the total too."""
    of_all = {f"total_{name}": value for name, value in asdict(total).items()}
    return [
        {"layer": number} | asdict(shares) | of_all
        for number, shares in enumerate(of_layers, start=1)
    ]
