"""From a network's checkpoints to the rows of its tables."""

import dataclasses
from collections.abc import Iterable

import pandas as pd

from ..files.tables import frame
from ..metrics import ansatz
from ..metrics.ansatz import HeadLayer
from ..networks.training import Progress


def measure(
    heads: Iterable[tuple[list[HeadLayer], list[HeadLayer] | None, Progress]],
    untrained_head: list[HeadLayer],
    fitted_below: float,
) -> dict[str, pd.DataFrame]:
    """The tables network_nc, network_nfa and network_training of one network.

    The NFA stands beside what it would be without learning (D20): `nfa_init`, the same network's
    at its initialisation; and of its W_l^T W_l with the AGOP^1/2 of independent networks of the
    same architecture, `nfa_independent` of one that is not trained, `nfa_independent_trained` of
    one that is, for as many epochs.

    Parameters
    ----------
    heads : for each measured epoch, in order from the initialisation, what `ansatz.measure_head`
        found of the network and of the independent one that is trained, None without one; and the
        network's loss and accuracy
    untrained_head : what `ansatz.measure_head` found of the independent one that is not
    fitted_below : train loss up to which the network counts as `fitted` to its data
    """
    nc_rows: list[dict] = []
    nfa_rows: list[dict] = []
    training_rows: list[dict] = []
    nfa_init: dict[int, float] = {}
    for head, other, progress in heads:
        at_epoch = {"epoch": progress.epoch}
        fitted = {"fitted": progress.train_loss <= fitted_below}
        training_rows.append(dataclasses.asdict(progress) | fitted)
        for index, layer in enumerate(head):
            keys = at_epoch | {"layer": index + 1}
            for stage, measured in layer.stages.items():
                total = {"trace_total": measured.trace_within + measured.trace_between}
                nc_rows.append(keys | {"stage": stage} | dataclasses.asdict(measured) | total)
            strangers = untrained_head[index], None if other is None else other[index]
            found = ansatz.measure(layer, *strangers, nfa_init.get(index))
            nfa_init[index] = found.nfa_init
            nfa_rows.append(keys | dataclasses.asdict(found))
    return {
        "network_nc": frame("network_nc", nc_rows),
        "network_nfa": frame("network_nfa", nfa_rows),
        "network_training": frame("network_training", training_rows),
    }
