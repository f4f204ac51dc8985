"""Rows of network_spectrum and network_ranks: spectra of a layer's weight, AGOP and input."""

from typing import Any

from torch import Tensor

from ..metrics.head import HeadLayer
from ..metrics.singular_directions import nc1_of_factor, small_directions
from ..metrics.spectra import ranks


def _spectra(layer: HeadLayer) -> dict[str, Tensor]:
    """Singular values of W; eigenvalues of the AGOP and of the input's covariance; descending."""
    return {
        "weight": layer.spectra.singular_values,
        "agop": layer.agop.values.flip(0),
        "features": layer.spectra.features,
    }


def rows(layer: HeadLayer) -> list[dict[str, Any]]:
    """A row for each value of each spectrum, from the largest; those left out are 0."""
    return [
        {"of": of, "index": index, "value": value}
        for of, values in _spectra(layer).items()
        for index, value in enumerate(values.tolist(), start=1)
    ]


def measure(layer: HeadLayer) -> dict[str, float]:
    """Ranks of the spectra, what the small singular directions of W carry, NC1 behind S V^T."""
    found = {}
    for of, values in _spectra(layer).items():
        singular = of == "weight"
        counts = ranks(values.square() if singular else values)
        found |= {
            f"{of}_stable_rank": counts.stable_rank,
            f"{of}_effective_rank": counts.participation_rank,
            f"{of}_entropy_rank": counts.entropy_rank_of_roots if singular else counts.entropy_rank,
        }
    for by, small in small_directions(layer.spectra).items():
        found |= {
            f"small_within_{by}": small.share_within,
            f"small_between_{by}": small.share_between,
            f"small_explained_{by}": small.explained,
        }
    return found | {"nc1_factor": nc1_of_factor(layer.spectra)}
