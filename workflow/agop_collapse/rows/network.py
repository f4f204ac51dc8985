"""From a network's checkpoints to the rows of its tables."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from ..files.tables import frame
from ..metrics import ansatz, attribution
from ..metrics.ansatz import HeadLayer
from ..metrics.head_collapse import HeadCollapse
from ..networks.training import Progress
from . import rates


@dataclass(frozen=True)
class Found:
    """What is found of a network after some epochs.

    progress : losses and accuracies
    collapse : of the points of its head
    head, other : what `ansatz.measure_head` found of it; and of the independent network that is
        trained, None without one
    """

    progress: Progress
    collapse: HeadCollapse
    head: list[HeadLayer]
    other: list[HeadLayer] | None


def measure(
    found: Iterable[Found], untrained_head: list[HeadLayer], fitted_below: float
) -> dict[str, pd.DataFrame]:
    """The tables of one network, by name.

    The NFA stands beside what it would be without learning (D20): `nfa_init`, the same network's
    at its initialisation; and of its W_l^T W_l with the AGOP^1/2 of independent networks of the
    same architecture, `nfa_independent` of one that is not trained, `nfa_independent_trained` of
    one that is, for as many epochs.

    Parameters
    ----------
    found : of each measured epoch, in order from the initialisation
    untrained_head : what `ansatz.measure_head` found of the independent network without training
    fitted_below : train loss up to which the network counts as `fitted` to its data
    """
    nc_rows: list[dict] = []
    nfa_rows: list[dict] = []
    readout_rows: list[dict] = []
    attribution_rows: list[dict] = []
    training_rows: list[dict] = []
    rate_rows: list[dict] = []
    nfa_init: dict[int, float] = {}
    for at in found:
        epoch = {"epoch": at.progress.epoch}
        fitted = {"fitted": at.progress.train_loss <= fitted_below}
        training_rows.append(dataclasses.asdict(at.progress) | fitted)
        readout_rows.append(epoch | at.collapse.readout)
        stages = _stages(at.collapse)
        nc_rows += [epoch | row for row in stages]
        attribution_rows += [epoch | row for row in _attribution(at.collapse)]
        rate_rows += [epoch | row for row in rates.measure(pd.DataFrame(stages))]
        for index, layer in enumerate(at.head):
            strangers = untrained_head[index], None if at.other is None else at.other[index]
            nfa = ansatz.measure(layer, *strangers, nfa_init.get(index))
            nfa_init[index] = nfa.nfa_init
            nfa_rows.append(epoch | {"layer": index + 1} | dataclasses.asdict(nfa))
    return {
        "network_nc": frame("network_nc", nc_rows),
        "network_readout": frame("network_readout", readout_rows),
        "network_attribution": frame("network_attribution", attribution_rows),
        "network_rates": frame("network_rates", rate_rows),
        "network_nfa": frame("network_nfa", nfa_rows),
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
    of_layers, total = attribution.network(nc1["input"], nc1["right"], nc1["full"])
    of_all = {f"total_{name}": value for name, value in dataclasses.asdict(total).items()}
    return [
        {"layer": number} | dataclasses.asdict(shares) | of_all
        for number, shares in enumerate(of_layers, start=1)
    ]
