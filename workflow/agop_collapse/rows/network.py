"""From a network's checkpoints to the rows of its tables."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from ..files.tables import frame
from ..metrics import ansatz, attribution
from ..metrics.head import HeadLayer
from ..metrics.head_collapse import HeadCollapse
from ..networks.training import Progress, Settings
from . import network_ansatz, network_spectra, rates, shares


@dataclass(frozen=True)
class Found:
    """What is found of a network after some epochs.

    progress : losses and accuracies
    collapse : of the points of its head
    head, other : what `measure_head` found of it, with its loss and spectra; and of the independent
        network that is trained, None without one
    """

    progress: Progress
    collapse: HeadCollapse
    head: list[HeadLayer]
    other: list[HeadLayer] | None


def measure(
    found: Iterable[Found], untrained_head: list[HeadLayer], settings: Settings, classes: int
) -> dict[str, pd.DataFrame]:
    """The tables of one network, by name.

    The NFA stands beside what it would be without learning (D20): `nfa_init`, the same network's
    at its initialisation; and of its W_l^T W_l with the AGOP^1/2 of independent networks of the
    same architecture, `nfa_independent` of one that is not trained, `nfa_independent_trained` of
    one that is, for as many epochs.

    Parameters
    ----------
    found : of each measured epoch, in order from the initialisation
    untrained_head : what `measure_head` found of the independent network that is not trained
    settings : how it was trained
    classes : K
    """
    nc_rows: list[dict] = []
    nfa_rows: list[dict] = []
    readout_rows: list[dict] = []
    attribution_rows: list[dict] = []
    training_rows: list[dict] = []
    rate_rows: list[dict] = []
    ansatz_rows: list[dict] = []
    rank_rows: list[dict] = []
    spectrum_rows: list[dict] = []
    initial: list[HeadLayer] | None = None
    for at in found:
        epoch = {"epoch": at.progress.epoch}
        fitted = {"fitted": settings.loss.is_fitted(at.progress.train_loss)}
        training_rows.append(dataclasses.asdict(at.progress) | fitted)
        readout_rows.append(epoch | at.collapse.readout)
        stages = _stages(at.collapse)
        nc_rows += [epoch | row for row in stages]
        attribution_rows += [epoch | row for row in _attribution(at.collapse)]
        rate_rows += [epoch | row for row in rates.measure(pd.DataFrame(stages))]
        for index, layer in enumerate(at.head):
            keys = epoch | {"layer": index + 1}
            before = None if initial is None else initial[index]
            strangers = untrained_head[index], None if at.other is None else at.other[index]
            forms = ansatz.variants(layer, None if before is None else before.weight)
            ansatz_rows += [keys | dataclasses.asdict(form) for form in forms]
            # The first rows are the initialisation's.
            given = before, None if before is None else nfa_rows[index]["nfa"]
            nfa = network_ansatz.measure(layer, *given, strangers, forms, classes, settings.penalty)
            nfa_rows.append(keys | nfa)
            rank_rows.append(keys | network_spectra.measure(layer) | at.collapse.alignment[index])
            spectrum_rows += [keys | row for row in network_spectra.rows(layer)]
        initial = initial or at.head
    return {
        "network_nc": frame("network_nc", nc_rows),
        "network_readout": frame("network_readout", readout_rows),
        "network_attribution": frame("network_attribution", attribution_rows),
        "network_rates": frame("network_rates", rate_rows),
        "network_nfa": frame("network_nfa", nfa_rows),
        "network_ansatz": frame("network_ansatz", ansatz_rows),
        "network_ranks": frame("network_ranks", rank_rows),
        "network_spectrum": frame("network_spectrum", spectrum_rows),
        "network_training": frame("network_training", training_rows),
    }


def _stages(collapse: HeadCollapse) -> list[dict]:
    return [
        {"layer": number, "stage": stage}
        | measured
        | {"trace_total": measured["trace_within"] + measured["trace_between"]}
        for number, layer in enumerate(collapse.layers, start=1)
        for stage, measured in layer.items()
    ]


def _attribution(collapse: HeadCollapse) -> list[dict]:
    """NC1's change over each hidden layer, by its parts."""
    nc1 = {
        stage: [layer[stage]["nc1"] for layer in collapse.layers] for stage in collapse.layers[0]
    }
    return shares.rows(*attribution.network(nc1["input"], nc1["right"], nc1["full"]))
