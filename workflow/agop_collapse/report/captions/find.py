"""The caption of each kind of figure, by its name."""

from collections.abc import Callable
from typing import Any

from . import any_measure, deep_rfm, networks, theory
from .caption import Caption, Row, Tables

CAPTIONS: dict[str, Callable[..., Caption]] = {
    "deep_rfm_curves": deep_rfm.deep_rfm_curves,
    "gram": deep_rfm.gram,
    "ablation": deep_rfm.ablation,
    "spectrum": deep_rfm.spectrum,
    "accuracy": deep_rfm.accuracy,
    "nc_full": deep_rfm.nc_full,
    "theory_layers": deep_rfm.theory_layers,
    "decomposition": networks.decomposition,
    "network_nc2": networks.network_nc2,
    "network_nc_full": networks.network_nc_full,
    "network_spectrum": networks.network_spectrum,
    "ansatz": networks.ansatz,
    "nfa_null": networks.nfa_null,
    "network_layers": networks.network_layers,
    "sweep": any_measure.sweep,
    "overlay": any_measure.overlay,
    "theory_kernel": theory.theory_kernel,
    "theory_recursion": theory.theory_recursion,
    "theory_rate": theory.theory_rate,
    "theory_objective": theory.theory_objective,
    "random_features": theory.random_features,
}


def caption_of(
    kind: str, description: str, tables: Tables, rows: list[Row], options: dict[str, Any]
) -> Caption:
    """What is said of a figure; of a kind without a caption of its own, what it is.

    description : of the kind, in the plan
    """
    if kind not in CAPTIONS:
        text = f"{description[:1].upper()}{description[1:]}."
        return Caption(text, text)
    return CAPTIONS[kind](tables, rows, **options)
